//! Every RPC of the contract by its gRPC path, for calls that are passed through: which there
//! are, and whether one message or a stream goes each way.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, Value};

use crate::cache::{self, Changes, Rule};
use crate::limits::Priority;
use crate::transcode::{self, RuleError};

/// The scope that everybody has, also without credentials.
pub(crate) const PUBLIC_SCOPE: &str = "public";

/// One RPC.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) service: String,
    /// Its path, as telemetry names it.
    pub(crate) label: Arc<str>,
    /// The flag that switches it off.
    pub(crate) switch: String,
    /// The flag that has it answered with what is kept.
    pub(crate) relief: String,
    pub(crate) client_streaming: bool,
    pub(crate) server_streaming: bool,
    pub(crate) priority: Priority,
    /// Whether callers without credentials may call it.
    pub(crate) public: bool,
    /// Whether calls of it are kept in the audit log.
    pub(crate) audited: bool,
    /// What it takes.
    pub(crate) input: MessageDescriptor,
    /// How its answers are kept, if they are.
    pub(crate) cached: Option<Rule>,
    /// What a call of it makes old; none for one that reads.
    pub(crate) changes: Option<Changes>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct RpcTable {
    by_path: HashMap<Arc<str>, Rpc>,
}

impl RpcTable {
    /// Every RPC that the descriptors declare.
    ///
    /// # Errors
    /// A declaration about keeping answers that makes no sense.
    pub(crate) fn new(pool: &DescriptorPool) -> Result<Self, RuleError> {
        let mut by_path = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let label: Arc<str> = format!("/{}/{}", service.full_name(), method.name()).into();
                let scope = scope_of(pool, &method);
                let rpc = Rpc {
                    service: service.full_name().to_owned(),
                    switch: format!("rpc.{}", label.trim_start_matches('/')),
                    relief: format!("kept.{}", label.trim_start_matches('/')),
                    label: label.clone(),
                    client_streaming: method.is_client_streaming(),
                    server_streaming: method.is_server_streaming(),
                    priority: Priority::of(&method),
                    public: scope.as_deref() == Some(PUBLIC_SCOPE),
                    audited: is_audited(pool, &method),
                    input: method.input(),
                    cached: cache::rule_of(pool, &method)?,
                    changes: cache::changes_of(pool, &method, is_reading(&method, scope.as_deref()))?,
                };
                by_path.insert(label, rpc);
            }
        }
        Ok(Self { by_path })
    }

    /// The RPC at a path.
    pub(crate) fn get(&self, path: &str) -> Option<&Rpc> {
        self.by_path.get(path)
    }
}

/// The scope that an RPC needs.
fn scope_of(pool: &DescriptorPool, method: &MethodDescriptor) -> Option<String> {
    let extension = pool.get_extension_by_name("larder.identity.v1.required_scope")?;
    method.options().get_extension(&extension).as_str().map(str::to_owned)
}

/// Whether calls of `method` change nothing.
fn is_reading(method: &MethodDescriptor, scope: Option<&str>) -> bool {
    let reads = |scope: &str| scope.ends_with(".read") || scope.ends_with(".compare");
    let is_named_so = ["Get", "List"].iter().any(|word| method.name().starts_with(word));
    is_named_so || transcode::is_declared_idempotent(method) || scope.is_some_and(reads)
}

fn is_audited(pool: &DescriptorPool, method: &MethodDescriptor) -> bool {
    let extension = pool.get_extension_by_name("larder.identity.v1.audited");
    extension.is_some_and(|extension| *method.options().get_extension(&extension) == Value::Bool(true))
}
