//! What a person sees while a suite runs, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::record::{Counts, Record, quantile_ms};
use crate::console;

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The progress of one suite.
pub(crate) struct Progress {
    suite: &'static str,
    length: Duration,
    /// On a terminal.
    bar: Option<ProgressBar>,
    shown: usize,
}

impl Progress {
    pub(crate) fn of(suite: &'static str, length: Duration) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| console::count_bar(length.as_secs(), suite));
        Self { suite, length, bar, shown: 0 }
    }

    /// Tells what has happened since the last time, again and again.
    pub(crate) async fn show(&mut self, record: &Mutex<Record>, started: Instant) -> Infallible {
        let every = if self.bar.is_some() { Duration::from_secs(1) } else { LINE_EVERY };
        loop {
            tokio::time::sleep(every).await;
            let line = {
                let record = record.lock().unwrap_or_else(PoisonError::into_inner);
                let newest = &record.entries[self.shown.min(record.entries.len())..];
                let newest: Vec<_> = newest.to_vec();
                self.shown = record.entries.len();
                let all = Counts::of(&record.entries);
                let times = [0.5, 0.99].map(|quantile| quantile_ms(&newest, quantile));
                told(newest.len() as f64 / every.as_secs_f64(), all, times)
            };
            self.print(&line, started.elapsed());
        }
    }

    fn print(&self, line: &str, elapsed: Duration) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(elapsed.min(self.length).as_secs());
                bar.set_message(format!("{} {line}", self.suite));
            }
            None => {
                let (at, of) = (clock_text(elapsed.min(self.length)), clock_text(self.length));
                eprintln!("{} {at}/{of} {line}", self.suite);
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn told(rate: f64, all: Counts, [p50, p99]: [Option<f64>; 2]) -> String {
    let ms = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), |time| format!("{time:.1} ms"));
    let mut line = format!(
        "{rate:.1} answers/s, p50 {}, p99 {}; {} calls, {} failed",
        ms(p50),
        ms(p99),
        all.asked,
        all.failed
    );
    if all.degraded > 0 {
        line.push_str(&format!(", {} degraded", all.degraded));
    }
    line
}

fn clock_text(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_it_goes_and_degraded_answers_only_when_there_are_some() {
        let counts = Counts { asked: 120, failed: 1, degraded: 0 };
        let line = told(12.0, counts, [Some(1.25), None]);
        assert_eq!(line, "12.0 answers/s, p50 1.2 ms, p99 –; 120 calls, 1 failed");
        assert!(told(12.0, Counts { degraded: 7, ..counts }, [None; 2]).ends_with("7 degraded"));
        assert_eq!(clock_text(Duration::from_secs(3_725)), "1:02:05");
        assert_eq!(clock_text(Duration::from_secs(65)), "1:05");
    }
}
