//! What a call carries besides its message: the proof of who is calling, how long there is,
//! and the few headers of the client that an upstream may see. Credentials are not among them.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tonic::metadata::MetadataMap;

use crate::deadline;
use crate::gate::SESSION_HEADER;

/// The header that makes a write safe to repeat.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What stays the same over the attempts of one call.
#[derive(Debug, Clone)]
pub(crate) struct CallMetadata {
    authorization: HeaderValue,
    idempotency_key: Option<HeaderValue>,
    session: Option<HeaderValue>,
}

impl CallMetadata {
    /// Takes what may pass from the headers of the client; `authorization` is the service token.
    pub(crate) fn new(authorization: HeaderValue, headers: &HeaderMap) -> Self {
        Self { authorization, idempotency_key: headers.get(IDEMPOTENCY_KEY).cloned(), session: None }
    }

    /// The same with the session of the user who calls.
    pub(crate) fn with_session(self, session: Option<HeaderValue>) -> Self {
        Self { session, ..self }
    }

    /// The metadata of one attempt.
    pub(crate) fn to_metadata_map(&self, timeout: Option<Duration>) -> MetadataMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        if let Some(key) = &self.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        if let Some(session) = &self.session {
            headers.insert(SESSION_HEADER, session.clone());
        }
        if let Some(timeout) = timeout {
            headers.insert(deadline::GRPC_TIMEOUT, deadline::header_value(timeout));
        }
        MetadataMap::from_headers(headers)
    }
}
