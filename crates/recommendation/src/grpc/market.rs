//! `MarketService`: each call is answered in the room of its noun.

mod analytics;
mod days;
mod export;
mod feedback;
mod markets;
mod models;
mod plans;
mod products;
mod sales;
mod shop;

use std::collections::HashMap;
use std::sync::Arc;

use larder_identity::TenantId;
use larder_proto::google::r#type::Date;
use larder_proto::larder::market::v1::market_service_server::MarketService;
use larder_proto::larder::market::v1::*;
use tonic::{Request, Response, Status};

use crate::convert::connector;
use crate::error::Error;
use crate::grpc::caller;
use crate::operation::Responses;
use crate::state::State;
use crate::store;
use crate::store::markets::MarketRow;
use crate::validate::Fields;
use crate::write::idempotency_key;

/// Market days over gRPC.
pub(crate) struct MarketCalls {
    pub(crate) state: Arc<State>,
}

/// The markets of these ids that there are.
async fn known_markets(
    state: &State,
    tenant: &TenantId,
    market_ids: impl Iterator<Item = &String>,
) -> Result<HashMap<String, MarketRow>, Error> {
    let mut market_ids: Vec<String> = market_ids.cloned().collect();
    market_ids.sort_unstable();
    market_ids.dedup();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let markets = store::markets::of_ids(&mut transaction, tenant, &market_ids).await?;
    transaction.commit().await?;
    Ok(markets.into_iter().map(|market| (market.market_id.clone(), market)).collect())
}

fn must_be_known(known: &HashMap<String, MarketRow>, market_id: &str) -> Result<(), Error> {
    if known.contains_key(market_id) {
        return Ok(());
    }
    Err(Error::invalid("market_id", "must be a market that was upserted before"))
}

/// The days that are asked for: the first, if it is told, and the last, today unless it is told.
fn period(
    fields: &mut Fields,
    from_on: &Option<Date>,
    until_on: &Option<Date>,
    today: i32,
) -> (Option<i32>, i32) {
    let from_day = from_on.as_ref().and_then(|day| fields.day("from_on", day));
    let until_day = until_on.as_ref().and_then(|day| fields.day("until_on", day)).unwrap_or(today);
    if from_day.is_some_and(|from_day| from_day > until_day) {
        fields.refuse("until_on", "must not be before from_on");
    }
    (from_day, until_day)
}

/// A day that has to be told, in days since 1970.
fn required_day(fields: &mut Fields, field: &str, day: Option<&Date>) -> Option<i32> {
    if day.is_none() {
        fields.refuse(field, "is required");
    }
    fields.day(field, day?)
}

#[tonic::async_trait]
impl MarketService for MarketCalls {
    type ExportFeedbackStream = export::ExportStream;
    type SyncSalesStream = Responses<SyncSalesResponse>;

    async fn batch_upsert_markets(
        &self,
        request: Request<BatchUpsertMarketsRequest>,
    ) -> Result<Response<BatchUpsertMarketsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = markets::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_markets(
        &self,
        request: Request<ListMarketsRequest>,
    ) -> Result<Response<ListMarketsResponse>, Status> {
        let caller = caller(&request)?;
        let response = markets::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn delete_market(
        &self,
        request: Request<DeleteMarketRequest>,
    ) -> Result<Response<DeleteMarketResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = markets::delete(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_upsert_market_days(
        &self,
        request: Request<BatchUpsertMarketDaysRequest>,
    ) -> Result<Response<BatchUpsertMarketDaysResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = days::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_market_days(
        &self,
        request: Request<ListMarketDaysRequest>,
    ) -> Result<Response<ListMarketDaysResponse>, Status> {
        let caller = caller(&request)?;
        let response = days::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_upsert_market_products(
        &self,
        request: Request<BatchUpsertMarketProductsRequest>,
    ) -> Result<Response<BatchUpsertMarketProductsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = products::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_market_products(
        &self,
        request: Request<ListMarketProductsRequest>,
    ) -> Result<Response<ListMarketProductsResponse>, Status> {
        let caller = caller(&request)?;
        let response = products::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn record_sales(
        &self,
        request: Request<RecordSalesRequest>,
    ) -> Result<Response<RecordSalesResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = sales::record(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_sales_analytics(
        &self,
        request: Request<GetSalesAnalyticsRequest>,
    ) -> Result<Response<GetSalesAnalyticsResponse>, Status> {
        let caller = caller(&request)?;
        let response = analytics::sum_up(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn plan_market_day(
        &self,
        request: Request<PlanMarketDayRequest>,
    ) -> Result<Response<PlanMarketDayResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(plans::plan(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn get_plan_sheet(
        &self,
        request: Request<GetPlanSheetRequest>,
    ) -> Result<Response<GetPlanSheetResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(plans::sheet(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn submit_feedback(
        &self,
        request: Request<SubmitFeedbackRequest>,
    ) -> Result<Response<SubmitFeedbackResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = feedback::submit(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_feedback(
        &self,
        request: Request<ListFeedbackRequest>,
    ) -> Result<Response<ListFeedbackResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(feedback::list(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn get_feedback_stats(
        &self,
        request: Request<GetFeedbackStatsRequest>,
    ) -> Result<Response<GetFeedbackStatsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(feedback::stats(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn export_feedback(
        &self,
        request: Request<ExportFeedbackRequest>,
    ) -> Result<Response<Self::ExportFeedbackStream>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(export::feedback(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn list_connectors(
        &self,
        request: Request<ListConnectorsRequest>,
    ) -> Result<Response<ListConnectorsResponse>, Status> {
        let caller = caller(&request)?;
        let statuses = self.state.connectors.statuses();
        Ok(Response::new(ListConnectorsResponse {
            connectors: statuses.into_iter().map(connector::to_wire).collect(),
            shops: shop::connected(&self.state, &caller.tenant).await?.into_iter().collect(),
        }))
    }

    async fn list_demand_models(
        &self,
        request: Request<ListDemandModelsRequest>,
    ) -> Result<Response<ListDemandModelsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(models::list(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn roll_back_demand_model(
        &self,
        request: Request<RollBackDemandModelRequest>,
    ) -> Result<Response<RollBackDemandModelResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(models::roll_back(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn connect_square(
        &self,
        request: Request<ConnectSquareRequest>,
    ) -> Result<Response<ConnectSquareResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(shop::connect(&self.state, &caller.tenant).await?))
    }

    async fn finish_square_connection(
        &self,
        request: Request<FinishSquareConnectionRequest>,
    ) -> Result<Response<FinishSquareConnectionResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(shop::finish(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn disconnect_square(
        &self,
        request: Request<DisconnectSquareRequest>,
    ) -> Result<Response<DisconnectSquareResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(shop::disconnect(&self.state, &caller.tenant).await?))
    }

    async fn sync_sales(
        &self,
        request: Request<SyncSalesRequest>,
    ) -> Result<Response<Self::SyncSalesStream>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(shop::sync(&self.state, &caller.tenant, request.get_ref())?))
    }

    async fn receive_square_webhook(
        &self,
        request: Request<ReceiveSquareWebhookRequest>,
    ) -> Result<Response<ReceiveSquareWebhookResponse>, Status> {
        Ok(Response::new(shop::receive(&self.state, request.into_inner()).await?))
    }

    async fn list_shop_products(
        &self,
        request: Request<ListShopProductsRequest>,
    ) -> Result<Response<ListShopProductsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(shop::list(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn batch_upsert_shop_products(
        &self,
        request: Request<BatchUpsertShopProductsRequest>,
    ) -> Result<Response<BatchUpsertShopProductsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        Ok(Response::new(shop::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?))
    }
}
