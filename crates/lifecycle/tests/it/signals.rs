//! The process is asked to stop by signals: the first is a wish, the second an order.
//!
//! The test binary starts itself again and plays the process that gets them.

use super::*;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const ROLE: &str = "LARDER_TEST_SIGNALLED_PROCESS";

/// Not a test but the process that is signalled; without the role it has nothing to do.
#[tokio::test]
async fn signalled_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let shutdown = Shutdown::on_signals().unwrap();
    println!("ready");
    shutdown.wait().await;
    println!("stopping");
    if role == "stubborn" {
        std::future::pending::<()>().await;
    }
}

async fn start(role: &str) -> (Child, tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().expect("a test has a file"))
        .args(["--exact", "signals::signalled_process", "--nocapture"])
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the test binary starts again");
    let output = child.stdout.take().expect("the output is piped");
    (child, BufReader::new(output).lines())
}

async fn wait_for_line(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>, wanted: &str) {
    loop {
        let line = lines.next_line().await.expect("the output is text");
        if line.expect("the process still writes").ends_with(wanted) {
            return;
        }
    }
}

fn send(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    kill_process(id.expect("the process runs"), signal).expect("it may be signalled");
}

#[tokio::test]
async fn the_first_signal_lets_the_process_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut child, mut lines) = start("obedient").await;
        wait_for_line(&mut lines, "ready").await;
        send(&child, signal);
        wait_for_line(&mut lines, "stopping").await;
        assert!(child.wait().await.unwrap().success());
    }
}

#[tokio::test]
async fn the_second_signal_ends_it_at_once() {
    let (mut child, mut lines) = start("stubborn").await;
    wait_for_line(&mut lines, "ready").await;
    send(&child, Signal::TERM);
    wait_for_line(&mut lines, "stopping").await;
    send(&child, Signal::INT);
    let status = child.wait().await.unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}
