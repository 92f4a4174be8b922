//! Experiments over gRPC.

use std::sync::Arc;

use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::recommendation::v1::experiment_service_server::ExperimentService;
use larder_proto::larder::recommendation::v1::{
    ArmResult, CreateExperimentRequest, CreateExperimentResponse, EstimatePolicyRequest,
    EstimatePolicyResponse, Experiment, GetExperimentRequest, GetExperimentResponse,
    GetExperimentResultsRequest, GetExperimentResultsResponse, ListExperimentsRequest,
    ListExperimentsResponse, MeasuredValue, SampleRatioCheck, StopExperimentRequest, StopExperimentResponse,
};
use larder_ranking::experiment::Measured;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::convert::experiment::{from_wire, outcome, to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::experiment_results::{self, results};
use crate::experiments::RunningExperiment;
use crate::grpc::caller;
use crate::state::State;
use crate::store::experiments::{self, NewExperiment};
use crate::store::{exposures, interactions, models, tenants};
use crate::validate::Fields;

mod estimate;

/// The experiments over gRPC.
pub(crate) struct ExperimentCalls {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl ExperimentService for ExperimentCalls {
    async fn create_experiment(
        &self,
        request: Request<CreateExperimentRequest>,
    ) -> Result<Response<CreateExperimentResponse>, Status> {
        let caller = caller(&request)?;
        let experiment = self.create(&caller.tenant, request.into_inner().experiment).await?;
        Ok(Response::new(CreateExperimentResponse { experiment: Some(experiment) }))
    }

    async fn get_experiment(
        &self,
        request: Request<GetExperimentRequest>,
    ) -> Result<Response<GetExperimentResponse>, Status> {
        let caller = caller(&request)?;
        let experiment_id = request.into_inner().experiment_id;
        query::id("experiment_id", &experiment_id)?;
        let experiment = self.get(&caller.tenant, &experiment_id).await?;
        Ok(Response::new(GetExperimentResponse { experiment: Some(experiment) }))
    }

    async fn list_experiments(
        &self,
        request: Request<ListExperimentsRequest>,
    ) -> Result<Response<ListExperimentsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.list(&caller.tenant, request.into_inner()).await?))
    }

    async fn stop_experiment(
        &self,
        request: Request<StopExperimentRequest>,
    ) -> Result<Response<StopExperimentResponse>, Status> {
        let caller = caller(&request)?;
        let experiment_id = request.into_inner().experiment_id;
        query::id("experiment_id", &experiment_id)?;
        let experiment = self.stop(&caller.tenant, &experiment_id).await?;
        Ok(Response::new(StopExperimentResponse { experiment: Some(experiment) }))
    }

    async fn get_experiment_results(
        &self,
        request: Request<GetExperimentResultsRequest>,
    ) -> Result<Response<GetExperimentResultsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.results(&caller.tenant, request.into_inner()).await?))
    }

    async fn estimate_policy(
        &self,
        request: Request<EstimatePolicyRequest>,
    ) -> Result<Response<EstimatePolicyResponse>, Status> {
        let caller = caller(&request)?;
        let response = estimate::estimate_policy(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}

impl ExperimentCalls {
    async fn create(&self, tenant: &TenantId, experiment: Option<Experiment>) -> Result<Experiment, Error> {
        let state = &self.state;
        let new = from_wire(experiment, Uuid::now_v7().to_string(), (state.clock)())?;
        let mut fields = Fields::default();
        let settings = state.model_settings.of(tenant.as_str());
        settings.placement(&mut fields, "experiment.placement", &new.placement);
        fields.finish(())?;
        let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
        for (index, arm) in new.arms.iter().enumerate() {
            let Some(version) = &arm.model_version else { continue };
            if models::registered(&mut transaction, tenant, Some(version)).await?.is_none() {
                let field = format!("experiment.arms[{index}].model_version");
                return Err(Error::invalid(field, "must be the version of a model that is kept"));
            }
        }
        tenants::remember(&mut transaction, tenant).await?;
        experiments::insert(&mut transaction, tenant, &new).await?;
        let row = experiments::get(&mut transaction, tenant, &new.experiment_id).await?;
        interactions::wake_followers(&mut transaction).await?;
        transaction.commit().await?;
        state.served.experiments.start(running(tenant, new));
        state.nudge.notify_one();
        Ok(to_wire(row))
    }

    async fn get(&self, tenant: &TenantId, experiment_id: &str) -> Result<Experiment, Error> {
        let mut transaction = larder_database::begin_tenant(&self.state.app, tenant).await?;
        let row = experiments::get(&mut transaction, tenant, experiment_id).await?;
        transaction.commit().await?;
        Ok(to_wire(row))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        request: ListExperimentsRequest,
    ) -> Result<ListExperimentsResponse, Error> {
        let pages = &self.state.pages;
        let size = page::size(request.page_size)?;
        let of = PageOf { tenant, list: "experiments", filters: String::new() };
        let before = pages.read(&of, &request.page_token)?.and_then(|place| place.parse().ok());
        let mut transaction = larder_database::begin_tenant(&self.state.app, tenant).await?;
        let mut rows = experiments::list(&mut transaction, tenant, before, size + 1).await?;
        transaction.commit().await?;
        let next = page::cut(&mut rows, size, |row| row.created_sequence.to_string());
        Ok(ListExperimentsResponse {
            experiments: rows.into_iter().map(to_wire).collect(),
            next_page_token: next.map(|place| pages.issue(&of, &place)).unwrap_or_default(),
        })
    }

    async fn stop(&self, tenant: &TenantId, experiment_id: &str) -> Result<Experiment, Error> {
        let state = &self.state;
        let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
        experiments::stop(&mut transaction, tenant, experiment_id, (state.clock)()).await?;
        let row = experiments::get(&mut transaction, tenant, experiment_id).await?;
        interactions::wake_followers(&mut transaction).await?;
        transaction.commit().await?;
        state.served.experiments.stop(tenant.as_str(), experiment_id);
        state.nudge.notify_one();
        Ok(to_wire(row))
    }

    async fn results(
        &self,
        tenant: &TenantId,
        request: GetExperimentResultsRequest,
    ) -> Result<GetExperimentResultsResponse, Error> {
        let mut fields = Fields::default();
        fields.id("experiment_id", &request.experiment_id);
        let outcome = outcome(&mut fields, request.outcome, request.window_hours);
        fields.finish(())?;
        let mut transaction = larder_database::begin_tenant_read_only(&self.state.app, tenant).await?;
        let row = experiments::get(&mut transaction, tenant, &request.experiment_id).await?;
        let sums = exposures::sum_arms(&mut transaction, tenant, &request.experiment_id, outcome).await?;
        transaction.commit().await?;
        let (arms, ratio) = results(&row.arms.0, &sums);
        Ok(GetExperimentResultsResponse {
            arms: arms.into_iter().map(wire_result).collect(),
            sample_ratio: Some(SampleRatioCheck { p_value: ratio.p_value, mismatch: ratio.mismatch }),
            lost_exposure_count: count(self.state.exposures.lost().of(tenant.as_str())),
        })
    }
}

fn running(tenant: &TenantId, new: NewExperiment) -> RunningExperiment {
    RunningExperiment {
        tenant_id: tenant.as_str().to_owned(),
        placement: new.placement,
        experiment_id: new.experiment_id,
        arms: new.arms,
    }
}

fn wire_result(result: experiment_results::ArmResult) -> ArmResult {
    ArmResult {
        arm: result.arm,
        customer_count: result.customer_count,
        exposure_count: result.exposure_count,
        outcome_count: result.outcome_count,
        conversion: Some(measured(result.conversion)),
        outcomes_per_customer: Some(measured(result.outcomes_per_customer)),
        conversion_lift: result.lift.map(|lift| measured(lift.conversion)),
        p_value: result.lift.map_or(1.0, |lift| lift.p_value),
    }
}

fn measured(measured: Measured) -> MeasuredValue {
    MeasuredValue { value: measured.value, low: measured.low, high: measured.high }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
