//! Ctrl-C and its kin: a signal is passed on to the program that is running and then ends
//! this command in order, so that what was started for a test run is always stopped.
//! Programs run in a process group of their own; a second signal kills that group.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Knows whether a signal came, and runs programs that hear of it.
#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The first signal that came; 0 for none.
    signal: AtomicI32,
    /// The group of the program that is running; 0 for none.
    group: AtomicU32,
}

impl Interrupt {
    /// Starts to listen. To be called once a process.
    pub(crate) fn install() -> Result<Self> {
        let interrupt = Self::default();
        let state = Arc::clone(&interrupt.state);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let first = state.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
                state.pass_on(if first.is_ok() { named(signal) } else { Signal::KILL });
            }
        });
        Ok(interrupt)
    }

    /// Fails once a signal has come; to be asked between two steps.
    pub(crate) fn check(&self) -> Result<()> {
        match self.state.signal.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => bail!("stopped by signal {signal}"),
        }
    }

    /// Runs a program to its end. It reads nothing from the terminal.
    pub(crate) fn run(&self, command: &mut Command) -> Result<ExitStatus> {
        let child = self.spawn(command.stdin(Stdio::null()))?;
        self.wait(child)
    }

    /// Runs a program to its end and fails when the program does.
    pub(crate) fn run_well(&self, command: &mut Command) -> Result<()> {
        let status = self.run(command)?;
        if !status.success() {
            bail!("`{}` failed: {status}", shown(command));
        }
        Ok(())
    }

    /// Starts a program that hears of signals; [`Interrupt::wait`] must follow.
    pub(crate) fn spawn(&self, command: &mut Command) -> Result<Child> {
        self.check()?;
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("`{}` did not start", shown(command)))?;
        self.state.group.store(child.id(), Ordering::SeqCst);
        if self.check().is_err() {
            // The signal came between the two lines above, when no group was known.
            self.state.pass_on(Signal::TERM);
        }
        Ok(child)
    }

    /// Waits for a program, and fails when a signal ended it.
    pub(crate) fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        let status = child.wait().context("cannot wait for a program");
        self.state.group.store(0, Ordering::SeqCst);
        self.check()?;
        status
    }
}

impl State {
    fn pass_on(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.group.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw) {
            // A group that is gone already needs no signal.
            let _gone: io::Result<()> = kill_process_group(group, signal).map_err(io::Error::from);
        }
    }
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn named(signal: i32) -> Signal {
    match signal {
        SIGINT => Signal::INT,
        SIGHUP => Signal::HUP,
        _ => Signal::TERM,
    }
}
