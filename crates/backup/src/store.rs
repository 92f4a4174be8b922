//! The shelves: all SQL of this service. Backups are not among them: their manifests are the truth,
//! and they lie at the targets.

pub(crate) mod schedule_runs;
