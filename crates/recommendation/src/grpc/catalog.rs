//! `CatalogService`: each call is answered in the room of its noun.

mod budgets;
mod customers;
mod products;
mod promotions;
mod transactions;

use std::sync::Arc;

use larder_proto::larder::catalog::v1::catalog_service_server::CatalogService;
use larder_proto::larder::catalog::v1::*;
use tonic::{Request, Response, Status, Streaming};

use crate::convert::{query, timestamp};
use crate::erase::erase_customer;
use crate::grpc::{caller, stream};
use crate::record::record_batch;
use crate::state::State;
use crate::write::idempotency_key;

/// The catalogue over gRPC.
pub(crate) struct Catalog {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn batch_upsert_products(
        &self,
        request: Request<BatchUpsertProductsRequest>,
    ) -> Result<Response<BatchUpsertProductsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = products::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let caller = caller(&request)?;
        let response = products::get(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let caller = caller(&request)?;
        let response = products::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn delete_product(
        &self,
        request: Request<DeleteProductRequest>,
    ) -> Result<Response<DeleteProductResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = products::delete(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_upsert_customers(
        &self,
        request: Request<BatchUpsertCustomersRequest>,
    ) -> Result<Response<BatchUpsertCustomersResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = customers::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_customer(
        &self,
        request: Request<GetCustomerRequest>,
    ) -> Result<Response<GetCustomerResponse>, Status> {
        let caller = caller(&request)?;
        let response = customers::get(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_customers(
        &self,
        request: Request<ListCustomersRequest>,
    ) -> Result<Response<ListCustomersResponse>, Status> {
        let caller = caller(&request)?;
        let response = customers::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn delete_customer(
        &self,
        request: Request<DeleteCustomerRequest>,
    ) -> Result<Response<DeleteCustomerResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = customers::delete(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_upsert_promotions(
        &self,
        request: Request<BatchUpsertPromotionsRequest>,
    ) -> Result<Response<BatchUpsertPromotionsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = promotions::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_promotion(
        &self,
        request: Request<GetPromotionRequest>,
    ) -> Result<Response<GetPromotionResponse>, Status> {
        let caller = caller(&request)?;
        let response = promotions::get(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_promotions(
        &self,
        request: Request<ListPromotionsRequest>,
    ) -> Result<Response<ListPromotionsResponse>, Status> {
        let caller = caller(&request)?;
        let response = promotions::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn delete_promotion(
        &self,
        request: Request<DeletePromotionRequest>,
    ) -> Result<Response<DeletePromotionResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = promotions::delete(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_upsert_budgets(
        &self,
        request: Request<BatchUpsertBudgetsRequest>,
    ) -> Result<Response<BatchUpsertBudgetsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = budgets::upsert(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_budget(
        &self,
        request: Request<GetBudgetRequest>,
    ) -> Result<Response<GetBudgetResponse>, Status> {
        let caller = caller(&request)?;
        let response = budgets::get(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_budgets(
        &self,
        request: Request<ListBudgetsRequest>,
    ) -> Result<Response<ListBudgetsResponse>, Status> {
        let caller = caller(&request)?;
        let response = budgets::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn delete_budget(
        &self,
        request: Request<DeleteBudgetRequest>,
    ) -> Result<Response<DeleteBudgetResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = budgets::delete(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn erase_customer(
        &self,
        request: Request<EraseCustomerRequest>,
    ) -> Result<Response<EraseCustomerResponse>, Status> {
        let caller = caller(&request)?;
        let customer_id = request.into_inner().customer_id;
        query::id("customer_id", &customer_id)?;
        let erased = erase_customer(&self.state, &caller, &customer_id, "").await?;
        Ok(Response::new(EraseCustomerResponse {
            customer_count: erased.rows("customers"),
            interaction_count: erased.rows("interactions"),
            budget_count: erased.rows("budgets"),
            snapshot_count: erased.snapshot_count,
            erased_at: Some(timestamp(erased.erased_at_us)),
            body_measurement_count: erased.rows("body_measurements"),
            intake_count: erased.rows("intakes"),
            customer_id,
        }))
    }

    async fn list_transactions(
        &self,
        request: Request<ListTransactionsRequest>,
    ) -> Result<Response<ListTransactionsResponse>, Status> {
        let caller = caller(&request)?;
        let response = transactions::list(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_record_interactions(
        &self,
        request: Request<BatchRecordInteractionsRequest>,
    ) -> Result<Response<BatchRecordInteractionsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = record_batch(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn stream_interactions(
        &self,
        request: Request<Streaming<StreamInteractionsRequest>>,
    ) -> Result<Response<StreamInteractionsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(stream::record(&self.state, &caller.tenant, request.into_inner()).await?))
    }
}
