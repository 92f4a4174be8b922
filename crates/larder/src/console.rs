//! What a person sees: progress bars, colours and columns. Bars and colours appear only
//! on a terminal, so that what goes into a file or a pipe stays plain.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use larder_proto::google::r#type::Money;

use crate::error::CommandError;

/// Prints why a command failed, on stderr.
pub(crate) fn print_error(error: &CommandError) {
    let label = if colours_on_stderr() { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    eprintln!("{label} {error}");
}

/// Prints something that must not be overlooked, on stderr.
pub(crate) fn print_warning(message: &str) {
    let label = if colours_on_stderr() { "\x1b[1;33mwarning:\x1b[0m" } else { "warning:" };
    eprintln!("{label} {message}");
}

/// How the audit log names whoever runs this command.
pub(crate) fn actor() -> String {
    let account = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    format!("command:{}", account.as_deref().unwrap_or("unknown"))
}

/// Whether a person reads stdout.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn colours_on_stdout() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Prints one JSON object on a line of stdout.
pub(crate) fn print_json(value: &serde_json::Value) {
    print_line(&value.to_string());
}

/// Prints a line on stdout; a reader who has gone away is not our failure.
pub(crate) fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// A heading for a part of readable output.
pub(crate) fn heading(text: &str) -> String {
    if colours_on_stdout() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Text that matters less than what is beside it.
pub(crate) fn dim(text: &str) -> String {
    if colours_on_stdout() { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
}

/// A bar that counts bytes read; nothing when stderr is no terminal.
pub(crate) fn bytes_bar(total_bytes: u64, what: &str) -> ProgressBar {
    bar(total_bytes, "{msg} [{bar:32}] {bytes}/{total_bytes} {eta}", what)
}

/// A bar that counts things; nothing when stderr is no terminal.
pub(crate) fn count_bar(total: u64, what: &str) -> ProgressBar {
    bar(total, "{msg} [{bar:32}] {human_pos}/{human_len}", what)
}

fn bar(total: u64, template: &str, what: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what.to_owned());
    bar
}

/// Cuts `text` to `width` characters, with an ellipsis where something is missing.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Whether a column's text begins at its left or ends at its right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows in neat columns, each as wide as its widest cell.
pub(crate) struct Columns {
    titles: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// Columns with these titles and no row yet.
    pub(crate) fn new(titles: &[(&'static str, Align)]) -> Self {
        Self { titles: titles.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; a cell that is missing stays empty.
    pub(crate) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines to print, the titles first, indented by two spaces.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widths: Vec<usize> = (0..self.titles.len()).map(|column| self.width(column)).collect();
        let titles: Vec<String> = self.titles.iter().map(|(title, _)| (*title).to_owned()).collect();
        let mut lines = vec![dim(&self.line(&titles, &widths))];
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        lines
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([self.titles[column].0.len()]).max().unwrap_or(0)
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::from(" ");
        for (column, width) in widths.iter().enumerate() {
            let cell = cells.get(column).map_or("", String::as_str);
            match self.titles[column].1 {
                Align::Left => line.push_str(&format!(" {cell:<width$} ")),
                Align::Right => line.push_str(&format!(" {cell:>width$} ")),
            }
        }
        line.trim_end().to_owned()
    }
}

/// An amount as people write it, such as 3.05 USD.
pub(crate) fn price(money: &Money) -> String {
    format!("{}.{:02} {}", money.units, money.nanos / 10_000_000, money.currency_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_read_as_prices() {
        let money = Money { currency_code: "USD".into(), units: 3, nanos: 50_000_000 };
        assert_eq!(price(&money), "3.05 USD");
    }

    #[test]
    fn columns_line_up_words_left_and_numbers_right() {
        let mut columns = Columns::new(&[("product", Align::Left), ("times", Align::Right)]);
        columns.push(vec!["bananas".into(), "31".into()]);
        columns.push(vec!["whole milk".into(), "7".into()]);
        let lines = columns.lines();
        assert_eq!(lines[1], "  bananas        31");
        assert_eq!(lines[2], "  whole milk      7");
    }

    #[test]
    fn text_too_wide_is_cut_by_characters_not_bytes() {
        assert_eq!(fit("crème fraîche", 6), "crème…");
        assert_eq!(fit("milk", 6), "milk");
    }
}
