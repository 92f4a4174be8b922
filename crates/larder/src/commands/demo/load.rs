//! Puts the demo shop in through the same calls as any client, and trains. Every row has an
//! id, so a load that was broken off is simply done again; one that is complete is left be.

use std::time::Duration;

use larder_proto::larder::batch::v1::RowVerdict;
use larder_proto::larder::catalog::v1::{
    BatchRecordInteractionsRequest, BatchUpsertCustomersRequest, BatchUpsertProductsRequest,
    GetCustomerRequest, Interaction,
};
use larder_proto::larder::market::v1::{
    BatchUpsertMarketProductsRequest, BatchUpsertMarketsRequest, ListMarketsRequest, RecordSalesRequest,
};
use larder_proto::larder::recommendation::v1::{ListModelsRequest, TrainModelRequest};
use tonic::{Code, Status};

use crate::client::{Client, call_refused, explain};
use crate::commands::operations;
use crate::demo_shop::{self, DemoShop};
use crate::error::CommandError;
use crate::{clock, console, demo_stand};

const BATCH_ROWS: usize = 2_000;
const TRAINING_PAUSE: Duration = Duration::from_millis(200);
const TRAINING_WAIT: Duration = Duration::from_secs(300);

/// What became of a load.
#[derive(Debug, Clone)]
pub(crate) enum Loaded {
    /// It was there already.
    Already,
    /// It was loaded now, and a model was trained.
    Now {
        /// Products of the shop and foods beside them.
        products: usize,
        /// Customers.
        customers: usize,
        /// Purchases.
        interactions: usize,
        /// The model that serves it.
        model_version: String,
    },
}

impl Loaded {
    /// A sentence for a person.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Already => "The demo shop is there.".into(),
            Self::Now { products, customers, interactions, model_version } => format!(
                "The demo shop is loaded: {products} products and foods, {customers} customers, \
                 {interactions} purchases of 2017, moved so that they end now; model {model_version} serves it."
            ),
        }
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> serde_json::Value {
        match self {
            Self::Already => serde_json::json!({"already": true}),
            Self::Now { products, customers, interactions, model_version } => serde_json::json!({
                "already": false,
                "productCount": products,
                "customerCount": customers,
                "interactionCount": interactions,
                "modelVersion": model_version,
            }),
        }
    }
}

/// Loads the demo shop unless it is there.
pub(crate) async fn load(client: &Client) -> Result<Loaded, CommandError> {
    if is_loaded(client).await? {
        // A shop that was loaded before there was a stand gets one.
        if !has_stand(client).await? {
            open_stand(client).await?;
        }
        return Ok(Loaded::Already);
    }
    let shop = demo_shop::read(clock::now())?;
    let counts = (shop.products.len(), shop.customers.len(), shop.interactions.len());
    let bar = console::count_bar((counts.0 + counts.1 + counts.2) as u64, "loading the demo shop");
    let loaded = send(client, shop, &bar).await;
    bar.finish_and_clear();
    loaded?;
    let model_version = train(client).await?;
    let (products, customers, interactions) = counts;
    Ok(Loaded::Now { products, customers, interactions, model_version })
}

/// The last customer goes in after everything else, and a model is trained after that.
async fn is_loaded(client: &Client) -> Result<bool, CommandError> {
    let customer_id = demo_shop::LAST_CUSTOMER_ID.to_owned();
    match client.catalog.clone().get_customer(GetCustomerRequest { customer_id }).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::NotFound => return Ok(false),
        Err(status) => return Err(call_refused("GetCustomer")(status)),
    }
    let request = ListModelsRequest { page_size: 1, page_token: String::new() };
    let models =
        client.recommendation.clone().list_models(request).await.map_err(call_refused("ListModels"))?;
    Ok(!models.into_inner().models.is_empty())
}

async fn send(client: &Client, shop: DemoShop, bar: &indicatif::ProgressBar) -> Result<(), CommandError> {
    let mut catalog = client.catalog.clone();
    for products in shop.products.chunks(BATCH_ROWS) {
        let request = BatchUpsertProductsRequest { products: products.to_vec() };
        let answer =
            catalog.batch_upsert_products(request).await.map_err(call_refused("BatchUpsertProducts"))?;
        none_refused("product", answer.into_inner().verdicts)?;
        bar.inc(products.len() as u64);
    }
    for interactions in shop.interactions.chunks(BATCH_ROWS) {
        record(client, interactions.to_vec()).await?;
        bar.inc(interactions.len() as u64);
    }
    open_stand(client).await?;
    for customers in shop.customers.chunks(BATCH_ROWS) {
        let request = BatchUpsertCustomersRequest { customers: customers.to_vec() };
        let answer =
            catalog.batch_upsert_customers(request).await.map_err(call_refused("BatchUpsertCustomers"))?;
        none_refused("customer", answer.into_inner().verdicts)?;
        bar.inc(customers.len() as u64);
    }
    Ok(())
}

async fn has_stand(client: &Client) -> Result<bool, CommandError> {
    let request = ListMarketsRequest { page_size: 1_000, ..ListMarketsRequest::default() };
    let markets = client.market.clone().list_markets(request).await.map_err(call_refused("ListMarkets"))?;
    Ok(markets.into_inner().markets.iter().any(|market| market.market_id == demo_stand::TOUR_MARKET_ID))
}

/// Opens the pizza stand: its markets, its terms and a year of its sales.
async fn open_stand(client: &Client) -> Result<(), CommandError> {
    let stand = demo_stand::read(clock::now())?;
    let request = BatchUpsertProductsRequest { products: demo_stand::products().collect() };
    let answer = client.catalog.clone().batch_upsert_products(request).await;
    none_refused("product", answer.map_err(call_refused("BatchUpsertProducts"))?.into_inner().verdicts)?;
    let mut market = client.market.clone();
    let request = BatchUpsertMarketsRequest { markets: stand.markets };
    let answer = market.batch_upsert_markets(request).await.map_err(call_refused("BatchUpsertMarkets"))?;
    none_refused("market", answer.into_inner().verdicts)?;
    let request = BatchUpsertMarketProductsRequest { market_products: stand.terms };
    let answer = market.batch_upsert_market_products(request).await;
    let answer = answer.map_err(call_refused("BatchUpsertMarketProducts"))?;
    none_refused("price", answer.into_inner().verdicts)?;
    for sales in stand.sales.chunks(BATCH_ROWS) {
        let request = RecordSalesRequest { sales: sales.to_vec() };
        let answer = market.record_sales(request).await.map_err(call_refused("RecordSales"))?;
        none_refused("sale", answer.into_inner().verdicts)?;
    }
    Ok(())
}

/// Records interactions, every one of which has to be taken.
pub(super) async fn record(client: &Client, interactions: Vec<Interaction>) -> Result<(), CommandError> {
    let request = BatchRecordInteractionsRequest { interactions };
    let answer = client.catalog.clone().batch_record_interactions(request).await;
    let answer = answer.map_err(call_refused("BatchRecordInteractions"))?.into_inner();
    none_refused("interaction", answer.verdicts)
}

fn none_refused(what: &str, verdicts: Vec<RowVerdict>) -> Result<(), CommandError> {
    let statuses = verdicts.into_iter().filter_map(|verdict| verdict.status);
    match statuses.filter(|status| status.code != 0).map(|status| explain(&status)).next() {
        Some((field, reason)) => {
            Err(CommandError::Refused(format!("a {what} was refused: {field}: {reason}")))
        }
        None => Ok(()),
    }
}

/// Trains a model and returns its version. The service trains by itself when much was
/// recorded; what it has begun may lack the last rows, so this waits and trains again.
async fn train(client: &Client) -> Result<String, CommandError> {
    let mut attempts_left = TRAINING_WAIT.as_millis() / TRAINING_PAUSE.as_millis();
    loop {
        match train_once(client).await {
            Ok(model_version) => return Ok(model_version),
            Err(status) if status.code() == Code::Aborted && attempts_left > 0 => attempts_left -= 1,
            Err(status) => return Err(call_refused("TrainModel")(status)),
        }
        tokio::time::sleep(TRAINING_PAUSE).await;
    }
}

/// One call, with its progress shown as it comes.
async fn train_once(client: &Client) -> Result<String, Status> {
    let answer = client.recommendation.clone().train_model(TrainModelRequest::default()).await?;
    let followed =
        operations::follow("training", answer.into_inner(), |answer| answer.operation.clone()).await;
    let (operation, _) = followed?;
    Ok(operation.result.get("model_version").cloned().unwrap_or_default())
}
