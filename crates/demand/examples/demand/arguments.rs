//! What one run of the benchmark is asked to do.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::Outcome;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Daily sales thinned to one and two market days a week, few past days.
    MarketDays,
    /// Every day, seven days ahead, for all series at once.
    Daily,
    /// Made-up sales that ran out, with a known demand.
    SellOuts,
    /// Seconds for many series.
    Speed,
}

impl Protocol {
    const ALL: [(&'static str, Self); 4] = [
        ("market-days", Self::MarketDays),
        ("daily", Self::Daily),
        ("sell-outs", Self::SellOuts),
        ("speed", Self::Speed),
    ];

    fn read(text: &str) -> Outcome<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
        Ok(found.ok_or_else(|| format!("there is no protocol `{text}`; there are {}", names.join(", ")))?.1)
    }
}

/// The words of the command line.
pub(crate) struct Arguments {
    /// Where bakery.csv.gz or sales.csv is.
    pub(crate) data: PathBuf,
    /// What the rows are called after.
    pub(crate) label: String,
    pub(crate) protocol: Protocol,
    /// The first judged day; everything before it is known.
    pub(crate) split_at: Option<Date>,
    /// The last judged day.
    pub(crate) until: Option<Date>,
    /// Of the bootstrap.
    pub(crate) seed: u64,
    /// Whether forecasts are told the weather of the day, which nobody knows a week ahead.
    pub(crate) knows_weather: bool,
    /// The Python with the peers' libraries, and the script; without them Larder is measured alone.
    pub(crate) peers: Option<(PathBuf, PathBuf)>,
    /// Where the peers get their questions and leave their answers.
    pub(crate) folder: PathBuf,
    /// Answers of an earlier run on the same questions are taken.
    pub(crate) reuse_peers: bool,
}

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut read = Self {
            data: PathBuf::new(),
            label: String::new(),
            protocol: Protocol::MarketDays,
            split_at: None,
            until: None,
            seed: 7,
            knows_weather: false,
            peers: None,
            folder: std::env::temp_dir().join("larder-bench-demand"),
            reuse_peers: false,
        };
        let (mut python, mut script) = (None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--knows-weather" => read.knows_weather = true,
                "--reuse-peers" => read.reuse_peers = true,
                option => {
                    let value = words.next().ok_or_else(|| format!("{option} wants a value"))?;
                    match option {
                        "--data" => read.data = PathBuf::from(value),
                        "--label" => read.label = value,
                        "--protocol" => read.protocol = Protocol::read(&value)?,
                        "--split-at" => read.split_at = Some(value.parse()?),
                        "--until" => read.until = Some(value.parse()?),
                        "--seed" => read.seed = value.parse()?,
                        "--python" => python = Some(PathBuf::from(value)),
                        "--peers" => script = Some(PathBuf::from(value)),
                        "--folder" => read.folder = PathBuf::from(value),
                        _ => return Err(format!("there is no option {option}").into()),
                    }
                }
            }
        }
        read.peers = python.zip(script);
        if read.label.is_empty() {
            let name = read.data.file_name().map(|name| name.to_string_lossy().into_owned());
            read.label = name.unwrap_or_else(|| "demand".to_owned());
        }
        Ok(read)
    }
}
