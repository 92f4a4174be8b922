//! What one run of the benchmark is asked to do.

use std::path::PathBuf;

use crate::{Outcome, times};

/// How the data is cut into what is known and what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Everything before a time is known; what was bought in the month after it is wanted.
    NextMonth,
    /// Each customer's last basket is wanted, everything before it is known.
    LastBasket,
    /// A fifth of all pairs of customer and product, drawn by chance, is wanted.
    RandomHoldout,
    /// Products, and then customers, without any history.
    Cold,
}

impl Protocol {
    const ALL: [(&'static str, Self); 4] = [
        ("next-month", Self::NextMonth),
        ("last-basket", Self::LastBasket),
        ("random-holdout", Self::RandomHoldout),
        ("cold", Self::Cold),
    ];

    fn read(text: &str) -> Outcome<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
        Ok(found.ok_or_else(|| format!("there is no protocol `{text}`; there are {}", names.join(", ")))?.1)
    }

    pub(crate) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, protocol)| *protocol == self);
        found.expect("every protocol has a name").0
    }

    /// How many products are asked for.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::NextMonth | Self::Cold => 20,
            Self::LastBasket | Self::RandomHoldout => 10,
        }
    }
}

/// The words of the command line.
pub(crate) struct Arguments {
    /// Where transactions.csv.gz or interactions.csv is.
    pub(crate) data: PathBuf,
    /// What the rows are called after.
    pub(crate) label: String,
    pub(crate) protocol: Protocol,
    /// For the next month: what is known ends here.
    pub(crate) split_us: Option<i64>,
    /// For the next month: what is wanted ends here.
    pub(crate) until_us: Option<i64>,
    pub(crate) seed: u64,
    /// The Python with the peers' libraries, and the folder with the peers; without it Larder is
    /// measured alone.
    pub(crate) peers: Option<(PathBuf, PathBuf)>,
    /// Where the peers find their part; everything in it may be overwritten.
    pub(crate) folder: PathBuf,
    /// Take the peers' lists of an earlier run, if it had the very same data.
    pub(crate) reuse_peers: bool,
    /// Measure time and memory of training too.
    pub(crate) cost: bool,
    /// Only train, print seconds and bytes, and end: how a run measures its own memory.
    pub(crate) train_only: bool,
}

impl Arguments {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut words = words.peekable();
        let mut read = Self {
            data: PathBuf::new(),
            label: String::new(),
            protocol: Protocol::NextMonth,
            split_us: None,
            until_us: None,
            seed: 1,
            peers: None,
            folder: std::env::temp_dir().join(format!("larder-bench-ranking-{}", std::process::id())),
            reuse_peers: false,
            cost: false,
            train_only: false,
        };
        let (mut python, mut scripts) = (None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--reuse-peers" => read.reuse_peers = true,
                "--cost" => read.cost = true,
                "--train-only" => read.train_only = true,
                option => {
                    let value = words.next().ok_or_else(|| format!("`{option}` needs a value"))?;
                    match option {
                        "--data" => read.data = value.into(),
                        "--label" => read.label = value,
                        "--protocol" => read.protocol = Protocol::read(&value)?,
                        "--split-at" => read.split_us = Some(times::microseconds(&value)?),
                        "--until" => read.until_us = Some(times::microseconds(&value)?),
                        "--seed" => read.seed = value.parse().map_err(|_| "the seed is a whole number")?,
                        "--python" => python = Some(PathBuf::from(value)),
                        "--peers" => scripts = Some(PathBuf::from(value)),
                        "--folder" => read.folder = value.into(),
                        _ => return Err(format!("there is no option `{option}`").into()),
                    }
                }
            }
        }
        read.peers = python.zip(scripts);
        if read.label.is_empty() {
            let name = read.data.file_name().map(|name| name.to_string_lossy().into_owned());
            read.label = name.unwrap_or_else(|| "data".to_owned());
        }
        if read.data.as_os_str().is_empty() {
            return Err("--data FOLDER is missing".into());
        }
        Ok(read)
    }
}
