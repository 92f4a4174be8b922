//! What writing and reading files costs: `cargo xtask bench exchange`. Each figure is measured in a process
//! of its own, so that memory is that of one piece of work; the peers are `peers.py` under the Python
//! that `--python` names. `--rows` scales everything down to try the program.

#![expect(clippy::unwrap_used, reason = "a program that measures ends where it cannot")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use larder_exchange::{
    Dialect, Format, Header, Heading, Limits, Mapping, Parser, RawRow, Row, RowSink, Table, TableWriter,
    Value, read, table,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let rows: u64 = value("--rows").map_or(1_000_000, |rows| rows.parse().unwrap());
    let file = value("--file").map(PathBuf::from);
    match arguments.first().map(String::as_str) {
        Some("export") => export(rows, Format::Xlsx, io::sink()),
        Some("wide") => wide(rows),
        Some("preview") => preview(&file.unwrap()),
        Some("import") => import(&file.unwrap()),
        _ => all(rows, value("--python").map(PathBuf::from).as_deref()),
    }
}

/// Runs every part in a process of its own and prints what it reached.
fn all(rows: u64, python: Option<&Path>) {
    let folder = std::env::temp_dir().join(format!("larder-bench-exchange-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let exported = of_process(&["export", "--rows", &rows.to_string()]);
    row("export_xlsx_cpu", exported[0], "s", Some("< 10"), None);
    row("export_xlsx_memory", exported[1], "MB", Some("< 60"), None);
    row("export_xlsx_first_byte", exported[2], "ms", Some("< 500"), None);
    let wide_rows = (rows / 10).to_string();
    let ours = of_process(&["wide", "--rows", &wide_rows]);
    row("wide_xlsx_cpu", ours[0], "s", Some("<= 1.0"), None);
    row("wide_xlsx_memory", ours[1], "MB", None, None);
    if let Some(python) = python {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/peers.py");
        for peer in ["XlsxWriter", "openpyxl"] {
            let target = folder.join("peer.xlsx");
            let output =
                Command::new(python).arg(&script).args([peer, &wide_rows]).arg(&target).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let reached = numbers(&output.stdout);
            row(&format!("wide_xlsx_cpu_beside_{peer}"), ours[0], "s", None, Some((peer, reached[0])));
            row(&format!("wide_xlsx_memory_beside_{peer}"), ours[1], "MB", None, Some((peer, reached[1])));
        }
    }
    let file = folder.join("transactions.csv");
    export(rows, Format::Csv, File::create(&file).unwrap());
    let path = file.to_str().unwrap();
    row("preview_1000_rows", of_process(&["preview", "--file", path])[0], "ms", Some("< 1000"), None);
    let imported = of_process(&["import", "--file", path]);
    row("judged_rows", imported[0], "rows/s", Some("> 50000"), None);
    row("judging_memory", imported[1], "MB", Some("< 200"), None);
    row("round_trip_differences", round_trip(&file), "bytes", Some("<= 0"), None);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Numbers that this program prints as another process.
fn of_process(arguments: &[&str]) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    numbers(&output.stdout)
}

fn numbers(output: &[u8]) -> Vec<f64> {
    String::from_utf8_lossy(output).split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn row(id: &str, value: f64, unit: &str, target: Option<&str>, peer: Option<(&str, f64)>) {
    let target = target.map_or(String::new(), |target| format!(",\"target\":\"{target}\""));
    let peer =
        peer.map_or(String::new(), |(peer, value)| format!(",\"peer\":\"{peer}\",\"peer_value\":{value}"));
    println!("{{\"id\":\"{id}\",\"value\":{value},\"unit\":\"{unit}\"{target}{peer}}}");
}

/// Seconds of processor time that this process took.
fn cpu_s() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Most memory that this process held, in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn heading() -> Heading {
    Heading { company: "Bench".to_owned(), exported_at_us: 1_795_451_280_000_000, filters: Vec::new() }
}

fn transaction(number: u64) -> Row {
    vec![
        Value::Text(format!("till-{}-{number:08}", number % 9)),
        Value::Text(format!("household-{}", number * 7 % 20_011)),
        Value::Text(format!("{:07}", number * 13 % 50_021)),
        Value::Decimal((number % 5 + 1) as f64),
        Value::Money((number * 1_370_000 % 900_000_000) as i64),
        Value::Text("ZAR".to_owned()),
        Value::Instant(1_700_000_000_000_000 + number as i64 * 31_000_000),
    ]
}

/// Tells when the first bytes come.
struct Watched<W> {
    out: W,
    started: Instant,
    first: Option<Duration>,
}

impl<W: Write> Write for &mut Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.first.get_or_insert_with(|| self.started.elapsed());
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn export(rows: u64, format: Format, out: impl Write + Send) {
    let (cpu, table) = (cpu_s(), table("transactions").unwrap());
    let mut watched = Watched { out, started: Instant::now(), first: None };
    let mut writer = TableWriter::new(format, &mut watched, table, heading()).unwrap();
    for start in (0..rows).step_by(4_000) {
        let page: Vec<Row> = (start..rows.min(start + 4_000)).map(transaction).collect();
        writer.write(&page).unwrap();
    }
    writer.finish().unwrap();
    if format == Format::Xlsx {
        println!("{} {} {}", cpu_s() - cpu, peak_mb(), watched.first.unwrap().as_secs_f64() * 1e3);
    }
}

/// Ten mixed cells a row, as the peers write them.
fn wide(rows: u64) {
    let table = table("budgets").unwrap().with_attributes(["a", "b"]);
    let cpu = cpu_s();
    let mut writer = TableWriter::new(Format::Xlsx, io::sink(), table, heading()).unwrap();
    for start in (0..rows).step_by(4_000) {
        let of = |number: u64| {
            let text = |of: &str| Value::Text(format!("{of} {}", number % 1_000));
            vec![
                Value::Text(format!("id-{number:08}")),
                text("name"),
                text("customer"),
                text("category"),
                Value::Money(number as i64 * 10_000),
                Value::Text("ZAR".to_owned()),
                Value::Date(20_000 + (number % 365) as i32),
                Value::Date(20_100 + (number % 365) as i32),
                Value::Decimal(number as f64 / 7.0),
                Value::Integer(number as i64),
            ]
        };
        writer.write(&(start..rows.min(start + 4_000)).map(of).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap();
    println!("{} {}", cpu_s() - cpu, peak_mb());
}

/// Parses rows as an import does, until it has enough.
struct Judge<F: FnMut(Row)> {
    table: Table,
    parser: Option<Parser>,
    most: u64,
    seen: u64,
    take: F,
}

impl<F: FnMut(Row)> RowSink for Judge<F> {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        let mapping = Mapping::settle(&self.table, &header.titles, &[]).unwrap();
        self.parser = Some(Parser::new(mapping, Dialect::default()));
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RawRow) -> ControlFlow<()> {
        (self.take)(self.parser.as_ref().unwrap().row(&row).unwrap());
        self.seen += 1;
        if self.seen < self.most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

fn judge(file: &Path, most: u64, take: impl FnMut(Row)) -> u64 {
    let table = table("transactions").unwrap();
    let mut judge = Judge { table: table.clone(), parser: None, most, seen: 0, take };
    read(BufReader::new(File::open(file).unwrap()), &table, &Limits::default(), &mut judge).unwrap();
    judge.seen
}

fn preview(file: &Path) {
    let started = Instant::now();
    judge(file, 1_000, |row| drop(std::hint::black_box(row)));
    println!("{}", started.elapsed().as_secs_f64() * 1e3);
}

fn import(file: &Path) {
    let started = Instant::now();
    let rows = judge(file, u64::MAX, |row| drop(std::hint::black_box(row)));
    println!("{} {}", rows as f64 / started.elapsed().as_secs_f64(), peak_mb());
}

/// Bytes in which a file that was read and written again differs from itself.
fn round_trip(file: &Path) -> f64 {
    let mut again = tempfile::tempfile().unwrap();
    let table = table("transactions").unwrap();
    let mut writer = TableWriter::new(Format::Csv, &mut again, table, heading()).unwrap();
    judge(file, u64::MAX, |row| writer.write(&[row]).unwrap());
    writer.finish().unwrap();
    again.rewind().unwrap();
    let (mut one, mut other) = (Vec::new(), Vec::new());
    io::Read::read_to_end(&mut File::open(file).unwrap(), &mut one).unwrap();
    io::Read::read_to_end(&mut again, &mut other).unwrap();
    let differing = one.iter().zip(&other).filter(|(a, b)| a != b).count();
    (differing + one.len().abs_diff(other.len())) as f64
}
