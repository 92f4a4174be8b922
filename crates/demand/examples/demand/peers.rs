//! Other forecasters, in Python: they get their questions and leave their answers as files in a folder.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::PathBuf,
    process::Command,
};

use jiff::civil::Date;

use crate::{Outcome, arguments::Arguments, data::StoreProduct, judge::Answer};

/// One series whose next value is wanted.
pub(crate) struct Task {
    /// Values in a season; 1 for none.
    pub(crate) season: usize,
    pub(crate) values: Vec<f64>,
    pub(crate) date: Date,
}

/// Where the peers are.
pub(crate) struct Peers {
    python: PathBuf,
    script: PathBuf,
    folder: PathBuf,
    reuse: bool,
    knows_weather: bool,
}

impl Peers {
    /// `None` when Larder is measured alone.
    pub(crate) fn new(arguments: &Arguments) -> Outcome<Option<Self>> {
        let Some((python, script)) = arguments.peers.clone() else { return Ok(None) };
        let folder = arguments.folder.join(&arguments.label);
        fs::create_dir_all(&folder)?;
        Ok(Some(Self {
            python,
            script,
            folder,
            reuse: arguments.reuse_peers,
            knows_weather: arguments.knows_weather,
        }))
    }

    /// The answers of each peer, one a task.
    pub(crate) fn market_days(&self, tasks: &[Task]) -> Outcome<Vec<(String, Vec<Answer>)>> {
        let mut text = String::from("task,season,date,value\n");
        for (number, task) in tasks.iter().enumerate() {
            for value in &task.values {
                text.push_str(&format!("{number},{},{},{value}\n", task.season, task.date));
            }
        }
        self.ask("market-days", &text, tasks.len())
    }

    /// The answers of each peer, one a (series, date).
    pub(crate) fn daily(
        &self,
        series: &[StoreProduct],
        keys: &[(usize, Date)],
        split_at: Date,
    ) -> Outcome<Vec<(String, Vec<Answer>)>> {
        self.write("daily-days", &days_of(series))?;
        let mut text = String::from("series,date,split_at\n");
        for (number, date) in keys {
            text.push_str(&format!("{number},{date},{split_at}\n"));
        }
        let protocol = if self.knows_weather { "daily-weather" } else { "daily" };
        self.ask(protocol, &text, keys.len())
    }

    /// The seconds AutoETS takes for all series.
    pub(crate) fn speed(&self, series: &[StoreProduct]) -> Outcome<f64> {
        self.write("daily-days", &days_of(series))?;
        self.run("speed")?;
        Ok(fs::read_to_string(self.folder.join("speed.seconds"))?.trim().parse()?)
    }

    fn ask(&self, protocol: &str, questions: &str, count: usize) -> Outcome<Vec<(String, Vec<Answer>)>> {
        let place = self.folder.join(format!("{protocol}.questions.csv"));
        let same = fs::read_to_string(&place).is_ok_and(|before| before == questions);
        if !(self.reuse && same && self.folder.join(format!("{protocol}.answers.csv")).is_file()) {
            self.write(&format!("{protocol}.questions"), questions)?;
            self.run(protocol)?;
        }
        let mut peers: Vec<(String, Vec<Answer>)> = Vec::new();
        let mut rows = csv::Reader::from_path(self.folder.join(format!("{protocol}.answers.csv")))?;
        for row in rows.records() {
            let row = row?;
            let (name, number): (&str, usize) = (&row[0], row[1].parse()?);
            if peers.iter().all(|(known, _)| known != name) {
                peers.push((name.to_owned(), vec![[f64::NAN; 9]; count]));
            }
            let peer = peers.iter_mut().find(|(known, _)| known == name).expect("it is there by now");
            for (place, value) in peer.1[number].iter_mut().enumerate() {
                *value = row[place + 2].parse()?;
            }
        }
        for (name, answers) in &peers {
            if answers.iter().flatten().any(|value| !value.is_finite()) {
                return Err(format!("{name} did not answer every question").into());
            }
        }
        Ok(peers)
    }

    fn run(&self, protocol: &str) -> Outcome<()> {
        let status = Command::new(&self.python).arg(&self.script).arg(protocol).arg(&self.folder).status()?;
        if status.success() { Ok(()) } else { Err(format!("the peers failed: {status}").into()) }
    }

    fn write(&self, name: &str, text: &str) -> Outcome<()> {
        let mut file = BufWriter::new(File::create(self.folder.join(format!("{name}.csv")))?);
        file.write_all(text.as_bytes())?;
        Ok(file.flush()?)
    }
}

fn days_of(series: &[StoreProduct]) -> String {
    let mut text = String::from(
        "series,store,product,date,demand,holiday,before_holiday,school_holiday,promoted,price,rain,temperature,wind\n",
    );
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for (place, one) in series.iter().enumerate() {
        for day in &one.days {
            let (outlook, weather) = (&day.outlook, &day.outlook.weather);
            let flags = [outlook.holiday, outlook.before_holiday, outlook.school_holiday, outlook.promoted];
            let flags: Vec<&str> = flags.iter().map(|flag| if *flag { "1" } else { "0" }).collect();
            text.push_str(&format!(
                "{place},{},{},{},{},{},{},{},{},{}\n",
                one.store,
                one.product,
                day.date,
                day.sold,
                flags.join(","),
                number(outlook.price),
                number(weather.rain_mm),
                number(weather.high_celsius),
                number(weather.wind_kmh)
            ));
        }
    }
    text
}
