//! The gateway as its clients see it: the real listener on port 0, a small gRPC server behind
//! it in the place of the services, and a real PostgreSQL for API keys.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod acme;
mod audit;
mod browsers;
mod cache;
mod console;
mod contract;
mod documents;
mod faults;
mod flags;
mod health;
mod hostile;
mod issuer;
mod json;
mod keys;
mod life;
mod limits;
mod maintenance;
mod matrix;
mod passthrough;
mod reference;
mod streams;
mod support;
mod tls;
mod usage;
mod web;
