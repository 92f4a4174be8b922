//! What is shipped for running Larder, checked without running it: compose files, Prometheus with its rules, runbooks,
//! dashboards, Kubernetes.
//! Each file is read by the program it is for, and each name in it is looked up where it comes from.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compose;
mod dashboards;
mod documents;
mod kubernetes;
mod metric_source;
mod metrics;
mod programs;
mod queries;
mod rules;
mod runbooks;
mod systemd;
mod tree;
mod workflows;
