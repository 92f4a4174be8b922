//! The continuous archive of WAL: received over replication, kept at the targets, given back to
//! recovery.
