//! Flags that follow a file: read when it changes, checked as a whole, and swapped in at once. What is refused leaves the
//! flags before in force, which log, metric and health tell.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use larder_lifecycle::{Check, CheckOutcome, HealthRegistry, Shutdown};
use serde_json::Value;

use crate::clock::now_s;
use crate::context::Context;
use crate::error::FlagError;
use crate::evaluation::{ErrorCode, Evaluation, Reason};
use crate::metrics;
use crate::set::FlagSet;

/// The file is small, and what it holds tells a change whatever its times say.
const LOOK: Duration = Duration::from_secs(1);
const CHECK_LIMIT: Duration = Duration::from_millis(400);
/// A file beyond this is no file of flags.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// The flags in force.
pub struct Flags {
    file: Option<PathBuf>,
    set: ArcSwap<FlagSet>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: Option<String>,
    refused: Option<String>,
}

/// What another file changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The flags that are another now.
    pub flags: Vec<String>,
}

impl Flags {
    /// Without a file: there are no flags, and whoever asks takes their own value.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Arc::new(Self { file: None, set: ArcSwap::from_pointee(FlagSet::empty()), state: Mutex::default() })
    }

    /// The flags of this file, or none without one.
    ///
    /// # Errors
    /// When it cannot be read or is refused; there is none before it to stay in force.
    pub fn open(file: Option<&Path>) -> Result<Arc<Self>, FlagError> {
        let Some(file) = file else { return Ok(Self::none()) };
        metrics::describe();
        metrics::set_refused(false);
        let text = read(file)?;
        let set = FlagSet::parse(&text)?;
        let state = Mutex::new(State { seen: Some(text), refused: None });
        Ok(Arc::new(Self { file: Some(file.to_owned()), set: ArcSwap::from_pointee(set), state }))
    }

    /// The flags as they are now.
    pub fn set(&self) -> Arc<FlagSet> {
        self.set.load_full()
    }

    /// Whether there is such a flag; asks for nothing else, so that it costs next to nothing where there are none.
    pub fn contains(&self, name: &str) -> bool {
        self.set.load().contains(name)
    }

    /// Evaluates a flag now.
    pub fn evaluate(&self, name: &str, context: &Context) -> Evaluation {
        let evaluation = self.set.load().evaluate(name, context, now_s());
        metrics::count_evaluation(evaluation.reason.as_str());
        evaluation
    }

    /// Whether a flag is on; `default` where there is none, it is switched off, or it is no boolean.
    pub fn is_on(&self, name: &str, context: &Context, default: bool) -> bool {
        if !self.contains(name) {
            return default;
        }
        let evaluation = self.evaluate(name, context);
        match evaluation.value {
            Value::Bool(is_on) => is_on,
            Value::Null => default,
            _ => {
                told(name, ErrorCode::TypeMismatch);
                default
            }
        }
    }

    /// The text of a flag; `None` where there is none, it is switched off, or it is no text.
    pub fn text(&self, name: &str, context: &Context) -> Option<String> {
        if !self.contains(name) {
            return None;
        }
        match self.evaluate(name, context) {
            Evaluation { value: Value::String(text), .. } => Some(text),
            Evaluation { error: Some(error), reason: Reason::Error, .. } => {
                told(name, error);
                None
            }
            Evaluation { value: Value::Null, .. } => None,
            _ => {
                told(name, ErrorCode::TypeMismatch);
                None
            }
        }
    }

    /// Looks at the file until shutdown, and tells each change.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown, tell: impl Fn(Change) + Send) {
        if self.file.is_none() {
            return shutdown.wait().await;
        }
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let flags = self.clone();
            match tokio::task::spawn_blocking(move || flags.look()).await {
                Ok(Some(change)) => tell(change),
                Ok(None) => {}
                Err(_) => tracing::error!("the file of flags could not be looked at"),
            }
        }
    }

    /// Looks at the file once.
    pub(crate) fn look(&self) -> Option<Change> {
        let text = read(self.file.as_ref()?);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                refuse(&mut state, &error);
                // What comes next is judged anew, even if it is what was there before.
                state.seen = None;
                return None;
            }
        };
        if state.seen.as_ref() == Some(&text) {
            return None;
        }
        let parsed = FlagSet::parse(&text);
        state.seen = Some(text);
        match parsed {
            Ok(set) => {
                let flags = set.differences(&self.set.load());
                self.set.store(Arc::new(set));
                state.refused = None;
                metrics::count_reload(true);
                tracing::info!(flags = ?flags, "flags taken up");
                (!flags.is_empty()).then_some(Change { flags })
            }
            Err(error) => {
                refuse(&mut state, &error);
                None
            }
        }
    }

    /// How it stands.
    pub fn outcome(&self) -> CheckOutcome {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.refused {
            None => CheckOutcome::healthy(),
            Some(_) => CheckOutcome::degraded(
                "the file of flags is refused, the log tells why; those before are in force",
            ),
        }
    }

    /// Shows it in health, where there is a file.
    pub fn register(self: &Arc<Self>, registry: &HealthRegistry) {
        if self.file.is_none() {
            return;
        }
        let flags = self.clone();
        registry.register(Check::optional("flags", CHECK_LIMIT, move || {
            let outcome = flags.outcome();
            async move { outcome }
        }));
    }
}

fn refuse(state: &mut State, error: &FlagError) {
    let cause = error.to_string();
    if state.refused.as_ref() != Some(&cause) {
        metrics::count_reload(false);
        tracing::error!(error.cause = cause, "file of flags refused; the flags before stay in force");
        state.refused = Some(cause);
    }
}

fn told(name: &str, error: ErrorCode) {
    tracing::warn!(
        flag.key = name,
        error.code = error.as_str(),
        "flag cannot be used; the built-in value holds"
    );
}

fn read(file: &Path) -> Result<String, FlagError> {
    let size = std::fs::metadata(file)?.len();
    if size > MOST_BYTES {
        return Err(FlagError::TooLarge(size, MOST_BYTES));
    }
    Ok(std::fs::read_to_string(file)?)
}

#[cfg(test)]
mod tests;
