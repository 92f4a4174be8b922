//! All SQL of this service on its own tables, one shelf a table.

pub(crate) mod canary;
pub(crate) mod schedule_runs;
