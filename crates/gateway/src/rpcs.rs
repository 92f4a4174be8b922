//! Every RPC of the contract by its gRPC path, for calls that are passed through: which there
//! are, and whether one message or a stream goes each way.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::DescriptorPool;

use crate::limits::Priority;

/// One RPC.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) service: String,
    /// Its path, as telemetry names it.
    pub(crate) label: Arc<str>,
    pub(crate) client_streaming: bool,
    pub(crate) server_streaming: bool,
    pub(crate) priority: Priority,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct RpcTable {
    by_path: HashMap<Arc<str>, Rpc>,
}

impl RpcTable {
    /// Every RPC that the descriptors declare.
    pub(crate) fn new(pool: &DescriptorPool) -> Self {
        let mut by_path = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let label: Arc<str> = format!("/{}/{}", service.full_name(), method.name()).into();
                let rpc = Rpc {
                    service: service.full_name().to_owned(),
                    label: label.clone(),
                    client_streaming: method.is_client_streaming(),
                    server_streaming: method.is_server_streaming(),
                    priority: Priority::of(&method),
                };
                by_path.insert(label, rpc);
            }
        }
        Self { by_path }
    }

    /// The RPC at a path.
    pub(crate) fn get(&self, path: &str) -> Option<&Rpc> {
        self.by_path.get(path)
    }
}
