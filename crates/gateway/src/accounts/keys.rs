//! API keys over RPC: made and rotated by whoever may, never with more than they may do themselves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder_identity::Scopes;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::identity::v1::*;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert, roles};
use crate::clock;
use crate::store::{self, NewKey};

const DAY: Duration = Duration::from_secs(86_400);
const MOST_OVERLAP: Duration = Duration::from_secs(30 * 86_400);

pub(super) async fn create(
    state: &State,
    asker: &Asker,
    request: CreateApiKeyRequest,
) -> Result<CreateApiKeyResponse, Error> {
    let scopes = convert::scopes(&request.scopes)?;
    if scopes.is_empty() {
        return Err(Error::invalid("scopes", "must have at least one"));
    }
    roles::may_give(&asker.caller.scopes, &scopes)?;
    let expires_at = request.expire_time.map(|at| in_the_future(&at)).transpose()?;
    let new = NewKey { name: request.display_name, scopes, expires_at };
    let created = store::create_key(&state.app, &asker.caller.tenant, &new).await?;
    Ok(CreateApiKeyResponse {
        api_key: find(state, asker, created.key_id).await?,
        secret: created.secret.expose_secret().to_owned(),
    })
}

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    request: ListApiKeysRequest,
) -> Result<ListApiKeysResponse, Error> {
    let size = page::size(request.page_size)?;
    let tenant = &asker.caller.tenant;
    let of = PageOf { tenant, list: "api keys", filters: String::new() };
    let before = convert::place(state.pages.read(&of, &request.page_token)?)?;
    let mut keys = store::list_keys_before(&state.app, tenant, before, size + 1).await?;
    let next = page::cut(&mut keys, size, |key| key.key_id.to_string());
    Ok(ListApiKeysResponse {
        api_keys: keys.into_iter().map(convert::api_key).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn rotate(
    state: &State,
    asker: &Asker,
    request: RotateApiKeyRequest,
) -> Result<RotateApiKeyResponse, Error> {
    let key_id = convert::id("key_id", &request.key_id)?;
    let overlap = match request.overlap {
        None => DAY,
        Some(overlap) => Duration::try_from(overlap)
            .ok()
            .filter(|overlap| *overlap <= MOST_OVERLAP)
            .ok_or_else(|| Error::invalid("overlap", "must be from 0 s to 30 days"))?,
    };
    let now = clock::now();
    let may_take = |scopes: &Scopes| roles::may_give(&asker.caller.scopes, scopes);
    let (tenant, times) = (&asker.caller.tenant, (now, now + overlap));
    let created = store::rotate_key(&state.app, tenant, key_id, times, may_take).await?;
    state.rings.keys.forget();
    Ok(RotateApiKeyResponse {
        api_key: find(state, asker, created.key_id).await?,
        secret: created.secret.expose_secret().to_owned(),
        predecessor: find(state, asker, key_id).await?,
    })
}

pub(super) async fn revoke(
    state: &State,
    asker: &Asker,
    request: RevokeApiKeyRequest,
) -> Result<RevokeApiKeyResponse, Error> {
    let key_id = convert::id("key_id", &request.key_id)?;
    store::revoke_key(&state.app, &asker.caller.tenant, key_id).await?;
    state.rings.keys.forget();
    Ok(RevokeApiKeyResponse {})
}

async fn find(state: &State, asker: &Asker, key_id: Uuid) -> Result<Option<ApiKey>, Error> {
    let keys = store::list_keys(&state.app, &asker.caller.tenant).await?;
    Ok(keys.into_iter().find(|key| key.key_id == key_id).map(convert::api_key))
}

fn in_the_future(at: &prost_types::Timestamp) -> Result<SystemTime, Error> {
    let seconds = u64::try_from(at.seconds).ok().filter(|seconds| *seconds < 253_402_300_800);
    let since_1970 = seconds.zip(u32::try_from(at.nanos).ok()).map(|(s, nanos)| Duration::new(s, nanos));
    let at = since_1970.map(|since_1970| UNIX_EPOCH + since_1970).filter(|at| *at > clock::now());
    at.ok_or_else(|| Error::invalid("expire_time", "must be in the future, before the year 10000"))
}
