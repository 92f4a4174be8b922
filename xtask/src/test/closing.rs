//! Passes a test runner's output on as it comes, and keeps the lines that tell how the run
//! ended: nextest's summary with the failures below it, or cargo's `test result` lines.

use std::io::{BufRead, BufReader, Read, Write};

/// Passes both streams on until they end; returns the closing lines.
pub(super) fn pass_through(stdout: impl Read + Send, stderr: impl Read) -> Vec<String> {
    std::thread::scope(|scope| {
        let of_stdout = scope.spawn(|| echo(stdout, std::io::stdout()));
        let mut lines = echo(stderr, std::io::stderr());
        lines.extend(of_stdout.join().unwrap_or_default());
        lines
    })
}

fn echo(from: impl Read, mut to: impl Write) -> Vec<String> {
    let mut closing = Closing::default();
    for line in BufReader::new(from).split(b'\n') {
        let Ok(line) = line else { break };
        // Nobody may be listening any more; the tests go on.
        to.write_all(&line).and_then(|()| to.write_all(b"\n")).ok();
        closing.read(&String::from_utf8_lossy(&line));
    }
    closing.lines
}

#[derive(Default)]
struct Closing {
    lines: Vec<String>,
    in_summary: bool,
}

impl Closing {
    fn read(&mut self, line: &str) {
        let bare = without_colours(line);
        let bare = bare.trim_start();
        self.in_summary |= bare.starts_with("Summary [");
        if self.in_summary || bare.starts_with("test result:") {
            self.lines.push(line.to_owned());
        }
    }
}

/// The line without terminal escapes, which a runner told to use colours puts in.
fn without_colours(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing_lines(output: &str) -> Vec<String> {
        let mut closing = Closing::default();
        output.lines().for_each(|line| closing.read(line));
        closing.lines
    }

    #[test]
    fn the_summary_of_nextest_is_kept_with_the_failures_below_it() {
        let output = "    PASS [0.1s] gateway router\n------------\n     Summary [ 1.2s] 2 tests run: 1 passed, 1 failed\n        FAIL [0.1s] gateway caller\n";
        assert_eq!(closing_lines(output).len(), 2);
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [ 1.2s] 2 tests run: 2 passed";
        assert_eq!(closing_lines(coloured), [coloured]);
    }

    #[test]
    fn every_test_result_of_cargo_is_kept() {
        let output = "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed\nrunning 0 tests\ntest result: ok. 0 passed\n";
        assert_eq!(closing_lines(output), ["test result: ok. 1 passed", "test result: ok. 0 passed"]);
    }
}
