//! Long work that a service streams: its progress is shown as it comes, and how it ended is told
//! apart from how the call ended.

use larder_proto::larder::operation::v1::{Operation, OperationState};
use tonic::{Code, Status};

use crate::console;

/// Shows the operations of a stream until it ends, and returns the last one with what came with it.
pub(crate) async fn follow<M>(
    what: &'static str,
    mut stream: tonic::Streaming<M>,
    operation_of: impl Fn(&M) -> Option<Operation>,
) -> Result<(Operation, Option<M>), Status> {
    let bar = console::count_bar(0, what);
    let (mut last, mut last_message) = (Operation::default(), None);
    while let Some(message) = stream.message().await? {
        last = operation_of(&message).unwrap_or_default();
        last_message = Some(message);
        if let Some(progress) = &last.progress {
            bar.set_message(format!("{what}: {}", progress.step));
            bar.set_length(progress.total_count.max(0) as u64);
            bar.set_position(progress.done_count.max(0) as u64);
        }
    }
    bar.finish_and_clear();
    if last.state() == OperationState::Succeeded {
        return Ok((last, last_message));
    }
    let error = last.error.unwrap_or_default();
    Err(Status::new(Code::from_i32(error.code), error.message))
}
