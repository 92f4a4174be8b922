//! A made-up shop that is open: its files imported into a running program, and asked.

use std::error::Error;
use std::fs;

use crate::program::{Figures, Larder, Running};
use crate::shop::{Files, Size};

/// Selects most of a shop, and looks at a price and a stock for it.
pub(crate) const FILTER: &str = "product.price < 25.0 && product.in_stock";

const MODEL_SETTINGS: &str =
    r#"{"placements": {"learned": {"use_ranker": true}, "linear": {"use_ranker": false}}}"#;

/// The shop's files, and the program that has them.
pub(crate) struct OpenShop {
    larder: Larder,
    pub(crate) running: Running,
    pub(crate) files: Files,
}

impl OpenShop {
    /// Starts the program and writes the files of a shop of this size, which has nothing yet.
    pub(crate) fn open(larder: Larder, size: Size) -> Result<Self, Box<dyn Error>> {
        let files = size.write(&larder.folder.join("shop-files"))?;
        let settings = larder.folder.join("model-settings.json");
        fs::write(&settings, MODEL_SETTINGS)?;
        let larder = larder.with("LARDER_RECOMMENDATION__MODEL_SETTINGS_FILE", &settings.to_string_lossy());
        let running = larder.start(&[])?;
        let shop = Self { larder, running, files };
        Ok(shop)
    }

    /// Brings the shop's files in.
    pub(crate) fn import(&self) -> Result<(), Box<dyn Error>> {
        self.running.import("products", &self.files.products)?;
        self.running.import("customers", &self.files.customers)?;
        self.running.import("interactions", &self.files.interactions)
    }

    /// Whether a run before this one left a model.
    pub(crate) fn is_trained(&self) -> bool {
        self.larder.newest_snapshot().is_ok()
    }

    /// Asks for so many seconds, at so many requests a second, after two seconds to warm up.
    pub(crate) fn load(&self, placement: &str, rate: u32, seconds: u64) -> Result<Figures, Box<dyn Error>> {
        let (customers, rate, seconds) =
            (self.files.customer_ids.to_string_lossy(), rate.to_string(), seconds.to_string());
        let named = ["--customers", &customers, "--placement", placement, "--filter", FILTER];
        // One connection carries them all, as a gateway's would: that is the least work for both ends.
        let paced = ["--rate", &rate, "--duration-s", &seconds, "--warmup-s", "2", "--connections", "1"];
        self.running.loads().grpc(&[&named[..], &paced[..]].concat())
    }

    /// Stops the program; its data stays.
    pub(crate) fn close(self) -> Result<Larder, Box<dyn Error>> {
        self.running.stop()?;
        Ok(self.larder)
    }
}
