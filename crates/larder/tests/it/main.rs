//! The `larder` command as people and scripts meet it: the real program, on data folders of
//! its own, free ports and a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerting_secrets;
mod archived_log;
mod backups;
mod browser;
mod certificates;
mod command_line;
mod console;
mod deploy;
mod documented;
mod durability;
mod end_to_end;
mod imports;
mod larder;
mod load;
mod privacy;
mod refusals;
mod roles;
mod shop;
mod symptoms;
mod training;
