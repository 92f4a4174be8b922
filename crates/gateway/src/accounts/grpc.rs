//! The porch: calls come in here, the caller is known, wire types come off.

use std::net::IpAddr;
use std::sync::Arc;

use larder_identity::Caller;
use larder_proto::larder::identity::v1::identity_service_server::IdentityService;
use larder_proto::larder::identity::v1::*;
use larder_telemetry::RequestContext;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::error::Error;
use super::{State, audit, keys, roles, sessions, setting, tenants, usage, users};
use crate::gate::SESSION_HEADER;
use crate::visitor;

/// `IdentityService`: each call is answered in the room of its noun.
pub(crate) struct IdentityCalls {
    pub(crate) state: Arc<State>,
}

/// Who is asking; the layer in front has proved it, and the gateway alone reaches this service.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) caller: Caller,
    /// The session of a user who signed in.
    pub(crate) session_id: Option<Uuid>,
}

impl Asker {
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Error> {
        let caller = request.extensions().get::<Caller>().cloned();
        let caller =
            caller.ok_or_else(|| Error::Internal("no caller: the identity layer is missing".to_owned()))?;
        let session = request.metadata().get(SESSION_HEADER.as_str()).and_then(|value| value.to_str().ok());
        if visitor::address_of(&caller).is_none() {
            RequestContext::set_tenant(caller.tenant.as_str());
        }
        Ok(Self { caller, session_id: session.and_then(|id| id.parse().ok()) })
    }

    /// The user who signed in, and the session.
    pub(crate) fn signed_in(&self) -> Result<(Uuid, Uuid), Error> {
        Ok((self.user_id().ok_or(Error::NoAccount)?, self.session_id.ok_or(Error::NoAccount)?))
    }

    /// The user, when the caller is one.
    pub(crate) fn user_id(&self) -> Option<Uuid> {
        self.caller.subject.strip_prefix("user:")?.parse().ok()
    }

    /// Where a caller without credentials asks from.
    pub(crate) fn address(&self) -> Result<IpAddr, Error> {
        visitor::address_of(&self.caller)
            .ok_or(Error::Conflict("this is for callers without credentials; leave them out"))
    }
}

/// Writes the calls that hand their message to a function of a room.
macro_rules! calls {
    ($($call:ident: $request:ident => $response:ident = $room:path;)+) => {
        #[tonic::async_trait]
        impl IdentityService for IdentityCalls {
            type ExportAuditEventsStream = audit::Export;

            async fn export_audit_events(
                &self,
                request: Request<ExportAuditEventsRequest>,
            ) -> Result<Response<audit::Export>, Status> {
                let asker = Asker::of(&request)?;
                Ok(Response::new(audit::export(self.state.clone(), &asker, request.into_inner())?))
            }

            $(
                async fn $call(&self, request: Request<$request>) -> Result<Response<$response>, Status> {
                    let asker = Asker::of(&request)?;
                    let response = $room(&self.state, &asker, request.into_inner()).await?;
                    Ok(Response::new(response))
                }
            )+
        }
    };
}

calls! {
    create_session: CreateSessionRequest => CreateSessionResponse = sessions::create;
    refresh_session: RefreshSessionRequest => RefreshSessionResponse = sessions::refresh;
    list_sessions: ListSessionsRequest => ListSessionsResponse = sessions::list;
    delete_session: DeleteSessionRequest => DeleteSessionResponse = sessions::delete;
    get_account: GetAccountRequest => GetAccountResponse = users::account;
    change_password: ChangePasswordRequest => ChangePasswordResponse = setting::change;
    request_password_reset: RequestPasswordResetRequest => RequestPasswordResetResponse = setting::request;
    reset_password: ResetPasswordRequest => ResetPasswordResponse = setting::reset;
    create_user: CreateUserRequest => CreateUserResponse = users::create;
    list_users: ListUsersRequest => ListUsersResponse = users::list;
    get_user: GetUserRequest => GetUserResponse = users::get;
    set_user_roles: SetUserRolesRequest => SetUserRolesResponse = users::set_roles;
    disable_user: DisableUserRequest => DisableUserResponse = users::disable;
    enable_user: EnableUserRequest => EnableUserResponse = users::enable;
    list_roles: ListRolesRequest => ListRolesResponse = roles::list;
    upsert_role: UpsertRoleRequest => UpsertRoleResponse = roles::upsert;
    delete_role: DeleteRoleRequest => DeleteRoleResponse = roles::delete;
    create_api_key: CreateApiKeyRequest => CreateApiKeyResponse = keys::create;
    list_api_keys: ListApiKeysRequest => ListApiKeysResponse = keys::list;
    rotate_api_key: RotateApiKeyRequest => RotateApiKeyResponse = keys::rotate;
    revoke_api_key: RevokeApiKeyRequest => RevokeApiKeyResponse = keys::revoke;
    create_tenant: CreateTenantRequest => CreateTenantResponse = tenants::create;
    list_tenants: ListTenantsRequest => ListTenantsResponse = tenants::list;
    suspend_tenant: SuspendTenantRequest => SuspendTenantResponse = tenants::suspend;
    resume_tenant: ResumeTenantRequest => ResumeTenantResponse = tenants::resume;
    set_tenant_plan: SetTenantPlanRequest => SetTenantPlanResponse = tenants::set_plan;
    list_tenant_usage: ListTenantUsageRequest => ListTenantUsageResponse = usage::list;
    get_usage: GetUsageRequest => GetUsageResponse = usage::get;
    export_usage: ExportUsageRequest => ExportUsageResponse = usage::export;
    list_audit_events: ListAuditEventsRequest => ListAuditEventsResponse = audit::list;
    verify_audit_events: VerifyAuditEventsRequest => VerifyAuditEventsResponse = audit::verify;
}
