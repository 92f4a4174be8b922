//! What answers need beside a model and what no answer may break: what profiles forbid, and
//! products as they changed after the model was trained. Kept in one file a tenant, for a start
//! without the database. The file is a line with its version and SHA-256, then JSON.

use larder_ranking::{NutritionPer100g, ProductRecord};
use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::snapshots::checksum;
use crate::store::LogPosition;

/// The first word of a file of this version.
const MARK: &str = "larder-facts-1";

/// Why a file of kept facts is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptFactsError {
    #[error("the file of profiles cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("the file of profiles is cut short, damaged or of another version")]
    Damaged,
    #[error("the file of profiles belongs to another tenant")]
    OtherTenant,
}

/// Everything that is kept of a tenant.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptFacts {
    pub(crate) tenant: String,
    /// Memory was in step with the database then; microseconds since 1970.
    pub(crate) as_of_us: i64,
    /// The model after which the products changed; empty when there was none.
    pub(crate) model_version: String,
    /// Only of customers whom something is forbidden.
    pub(crate) profiles: Vec<KeptProfile>,
    pub(crate) products: Vec<KeptProduct>,
}

/// What a profile forbids; nothing else of it is kept here.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptProfile {
    pub(crate) customer_id: String,
    changed_xid: i64,
    changed_sequence: i64,
    diets: Vec<String>,
    allergens: Vec<String>,
}

/// A product as it is now.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptProduct(#[serde(with = "ProductFields")] pub(crate) ProductRecord);

#[derive(Serialize, Deserialize)]
#[serde(remote = "ProductRecord")]
struct ProductFields {
    product_id: String,
    name: String,
    category: String,
    brand: String,
    tags: Vec<String>,
    price_micros: Option<i64>,
    currency: String,
    allergens: Vec<String>,
    allergens_complete: bool,
    diets: Vec<String>,
    #[serde(with = "NutritionFields")]
    nutrition: NutritionPer100g,
    attributes: std::collections::BTreeMap<String, String>,
    in_stock: bool,
    hidden: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NutritionPer100g")]
struct NutritionFields {
    energy_kcal: Option<f32>,
    protein_g: Option<f32>,
    fat_g: Option<f32>,
    saturated_fat_g: Option<f32>,
    carbohydrate_g: Option<f32>,
    sugars_g: Option<f32>,
    fibre_g: Option<f32>,
    sodium_mg: Option<f32>,
}

impl KeptProfile {
    /// What is to be kept of a profile; `None` when it forbids nothing.
    pub(crate) fn of(customer_id: &str, place: LogPosition, profile: &Profile) -> Option<Self> {
        let forbids = !profile.diets.is_empty() || !profile.allergens.is_empty();
        forbids.then(|| Self {
            customer_id: customer_id.to_owned(),
            changed_xid: place.xid,
            changed_sequence: place.sequence,
            diets: profile.diets.clone(),
            allergens: profile.allergens.clone(),
        })
    }

    /// The customer, the place of the change, and a profile that forbids the same.
    pub(crate) fn into_profile(self) -> (String, LogPosition, Profile) {
        let place = LogPosition { xid: self.changed_xid, sequence: self.changed_sequence };
        let profile = Profile { diets: self.diets, allergens: self.allergens, ..Profile::default() };
        (self.customer_id, place, profile)
    }
}

impl KeptFacts {
    /// The bytes of the file.
    pub(crate) fn encode(&self) -> std::io::Result<Vec<u8>> {
        let body = serde_json::to_vec(self)?;
        let mut bytes = format!("{MARK} {}\n", checksum(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// Reads what [`Self::encode`] wrote, of the tenant in whose folder it lies.
    pub(crate) fn decode(tenant: &str, bytes: &[u8]) -> Result<Self, KeptFactsError> {
        let line_end = bytes.iter().position(|byte| *byte == b'\n').ok_or(KeptFactsError::Damaged)?;
        let (line, body) = (&bytes[..line_end], &bytes[line_end + 1..]);
        if line != format!("{MARK} {}", checksum(body)).as_bytes() {
            return Err(KeptFactsError::Damaged);
        }
        let facts: Self = serde_json::from_slice(body).map_err(|_| KeptFactsError::Damaged)?;
        if facts.tenant == tenant { Ok(facts) } else { Err(KeptFactsError::OtherTenant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> KeptFacts {
        let place = LogPosition { xid: 5, sequence: 7 };
        let profile = Profile {
            allergens: vec!["peanuts".into()],
            attributes: [("phone".to_owned(), "555".to_owned())].into(),
            ..Profile::default()
        };
        let nutrition = NutritionPer100g { sugars_g: Some(0.1), ..NutritionPer100g::default() };
        let product = ProductRecord { product_id: "nougat".into(), nutrition, ..ProductRecord::default() };
        KeptFacts {
            tenant: "shop".into(),
            as_of_us: 9,
            model_version: "m".into(),
            profiles: KeptProfile::of("ann", place, &profile).into_iter().collect(),
            products: vec![KeptProduct(product)],
        }
    }

    #[test]
    fn facts_come_back_without_what_forbids_nothing() {
        let bytes = facts().encode().unwrap();
        assert_eq!(KeptFacts::decode("shop", &bytes).unwrap(), facts());
        assert!(!String::from_utf8(bytes).unwrap().contains("555"), "only what is needed is kept");
        let nothing = Profile { birth_day: Some(3), ..Profile::default() };
        assert_eq!(KeptProfile::of("ann", LogPosition::default(), &nothing), None);
    }

    #[test]
    fn no_damaged_file_is_believed() {
        let bytes = facts().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(KeptFacts::decode("shop", &bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(KeptFacts::decode("shop", &damaged).is_err(), "damaged at {at}");
        }
        assert!(matches!(KeptFacts::decode("other", &bytes), Err(KeptFactsError::OtherTenant)));
    }
}
