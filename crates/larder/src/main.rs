//! The `larder` command: reads the arguments, runs one command, tells how it ended. The
//! only `main` of the workspace; what the services do is in their own crates.

mod cli;
mod client;
mod clock;
mod commands;
mod console;
mod demo_shop;
mod demo_stand;
mod error;
mod instance;
mod keys;
mod own_database;
mod platform;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// The system's allocator gathers up its free lists while a request waits, which after a large
/// import shows in the slowest answers; this one does not.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    if commands::backup::wal_get::is_meant(std::env::args_os()) {
        return commands::backup::wal_get::main();
    }
    let cli = cli::Cli::parse();
    // The one TLS provider of the workspace has to be chosen before the first connection.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("larder: another TLS provider was installed before the command began");
        return ExitCode::FAILURE;
    }
    let ended = match cli.command {
        cli::Command::TrainWorker => commands::train_worker::run(),
        _ => commands::run(cli).map(|()| ExitCode::SUCCESS),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            console::print_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
