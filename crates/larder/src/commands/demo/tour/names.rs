//! Names for ids: a person wants to read "bananas", not 1082185.

use std::collections::BTreeMap;

use futures::StreamExt;
use larder_proto::larder::catalog::v1::{GetProductRequest, Product};
use tonic::Code;

use crate::client::{Client, call_refused};
use crate::error::CommandError;

/// Calls under way at once.
const CALLS: usize = 16;

/// What is known of the products of the tour.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, Option<Product>>);

impl Names {
    /// Asks for the products that are not known yet.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        product_ids: Vec<String>,
    ) -> Result<(), CommandError> {
        let unknown: std::collections::BTreeSet<String> =
            product_ids.into_iter().filter(|id| !self.0.contains_key(id)).collect();
        let mut answers =
            futures::stream::iter(unknown).map(|id| product(client.clone(), id)).buffer_unordered(CALLS);
        while let Some(answer) = answers.next().await {
            let (id, product) = answer?;
            self.0.insert(id, product);
        }
        Ok(())
    }

    /// The product's name, or its id when the catalogue does not have it.
    pub(super) fn of<'a>(&'a self, product_id: &'a str) -> &'a str {
        self.0.get(product_id).and_then(Option::as_ref).map_or(product_id, |product| product.name.as_str())
    }

    /// The product's category.
    pub(super) fn category_of(&self, product_id: &str) -> &str {
        self.0.get(product_id).and_then(Option::as_ref).map_or("", |product| product.category.as_str())
    }
}

async fn product(client: Client, product_id: String) -> Result<(String, Option<Product>), CommandError> {
    let request = GetProductRequest { product_id: product_id.clone() };
    match client.catalog.clone().get_product(request).await {
        Ok(answer) => Ok((product_id, answer.into_inner().product)),
        Err(status) if status.code() == Code::NotFound => Ok((product_id, None)),
        Err(status) => Err(call_refused("GetProduct")(status)),
    }
}
