//! The shelves: all SQL of this service, one shelf a table. Each function asks for the
//! tenant first and runs in the transaction its caller opened; none commits.

pub(crate) mod alerts;
pub(crate) mod channel_states;
pub(crate) mod durability;
pub(crate) mod heartbeats;
pub(crate) mod incident_alerts;
pub(crate) mod incidents;
pub(crate) mod links;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod overrides;
pub(crate) mod probes;
pub(crate) mod reading;
pub(crate) mod silences;
pub(crate) mod tenants;
pub(crate) mod timeline;
pub(crate) mod timers;
