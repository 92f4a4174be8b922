//! `larder train-worker`: what the recommendation service starts to train. Hidden from people:
//! it takes its order from stdin and has nothing to say to a terminal.

use std::process::ExitCode;

use crate::error::CommandError;

/// Trains as stdin says. Call it before there is a second thread, so that all of them are polite.
pub(crate) fn run() -> Result<ExitCode, CommandError> {
    larder_recommendation::lower_priority();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::Refused(format!("no threads to run on: {error}")))?;
    let done = runtime.block_on(larder_recommendation::run_training_worker());
    // Whatever still waits for stdin is not waited for.
    runtime.shutdown_background();
    done.map_err(|error| CommandError::Refused(error.to_string()))
}
