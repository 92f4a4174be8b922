//! The log on its way: received bytes lie here, on disk, until every target has them. What is on disk
//! here is what the server is told to have been received; it may then forget it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use larder_replication::{BackupPosition, Lsn, SegmentName, SegmentSize, TimelineId};

use super::envelope::Origin;
use super::names::WalItem;
use crate::error::BackupError;

const POSITION: &str = "position";
const ORIGIN: &str = "origin.json";
const SINCE: &str = "since";

/// The folder of one cluster's log.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
}

/// A piece that waits for targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What it is.
    pub item: WalItem,
    /// Its size.
    pub bytes: u64,
}

impl Spool {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(folder: &Path) -> Result<Self, BackupError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(BackupError::file("create", folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Whose log this is, if anybody's yet.
    ///
    /// # Errors
    /// When the file cannot be read or makes no sense.
    pub fn origin(&self) -> Result<Option<Origin>, BackupError> {
        let Some(text) = self.read_text(ORIGIN)? else { return Ok(None) };
        let origin = serde_json::from_str(&text).map_err(io::Error::other);
        origin.map(Some).map_err(BackupError::file("understand", &self.folder.join(ORIGIN)))
    }

    /// Makes sure that this is the spool of a cluster; the first one makes it its own.
    ///
    /// # Errors
    /// [`BackupError::Refused`] for another cluster.
    pub fn claim(&self, origin: Origin) -> Result<(), BackupError> {
        match self.origin()? {
            None => {
                let text = serde_json::to_string(&origin);
                let text = text.map_err(|error| BackupError::Internal(error.to_string()))?;
                self.write_text(ORIGIN, &text)
            }
            Some(own) if own == origin => Ok(()),
            Some(own) => Err(BackupError::Refused(format!(
                "the server is the cluster {} of PostgreSQL {}, and {} holds the log of {}: this is another \
                 PostgreSQL under the same name; give it a name of its own, or move the folder away",
                origin.system,
                origin.major_version,
                self.folder.display(),
                own.system
            ))),
        }
    }

    /// Where receiving goes on: everything before was received.
    ///
    /// # Errors
    /// When the file cannot be read or makes no sense.
    pub fn position(&self) -> Result<Option<BackupPosition>, BackupError> {
        let Some(text) = self.read_text(POSITION)? else { return Ok(None) };
        let (timeline, lsn) = text.split_once(' ').unwrap_or_default();
        Ok(Some(BackupPosition { timeline: timeline.parse()?, lsn: lsn.parse()? }))
    }

    /// Notes where receiving goes on.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub fn set_position(&self, position: BackupPosition) -> Result<(), BackupError> {
        self.write_text(POSITION, &format!("{} {}", position.timeline, position.lsn))
    }

    /// Since when the log is received without a gap.
    ///
    /// # Errors
    /// When the file cannot be read; one that makes no sense says nothing.
    pub fn since(&self) -> Result<Option<Timestamp>, BackupError> {
        Ok(self.read_text(SINCE)?.and_then(|text| text.parse().ok()))
    }

    /// Notes since when the log is received without a gap.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub fn set_since(&self, since: Timestamp) -> Result<(), BackupError> {
        self.write_text(SINCE, &since.to_string())
    }

    /// Puts a small piece beside the segments: a history, a gap.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub fn add(&self, item: &WalItem, content: &[u8]) -> Result<(), BackupError> {
        self.write_file(&item.to_string(), content)
    }

    /// What waits for targets, in the order in which it should reach them: histories and gaps
    /// first, then the log.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn waiting(&self) -> Result<Vec<Waiting>, BackupError> {
        let on = || BackupError::file("list", &self.folder);
        let mut waiting = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(on())? {
            let entry = entry.map_err(on())?;
            let Ok(item) = entry.file_name().to_string_lossy().parse() else { continue };
            waiting.push(Waiting { item, bytes: entry.metadata().map_err(on())?.len() });
        }
        let is_log = |item: &WalItem| matches!(item, WalItem::Segment(_) | WalItem::Part { .. });
        waiting.sort_by_key(|waiting| (is_log(&waiting.item), waiting.item));
        Ok(waiting)
    }

    /// Reads a piece that waits; `None` when every target has taken it meanwhile.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, item: &WalItem) -> Result<Option<Vec<u8>>, BackupError> {
        let path = self.folder.join(item.to_string());
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(BackupError::file("read", &path)),
        }
    }

    /// Reads some of the segment that is being written; `None` when it is not any more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_open(
        &self,
        segment: SegmentName,
        from: u64,
        to: u64,
    ) -> Result<Option<Vec<u8>>, BackupError> {
        let path = self.open_path(segment);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(BackupError::file("open", &path))?,
        };
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, from).map_err(BackupError::file("read", &path))?;
        Ok(Some(bytes))
    }

    /// Throws a piece away that every target has.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, item: &WalItem) -> Result<(), BackupError> {
        let path = self.folder.join(item.to_string());
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(BackupError::file("remove", &path)),
        }
    }

    /// Begins to write at the beginning of a segment.
    pub fn writer(&self, size: SegmentSize, from: BackupPosition) -> SpoolWriter {
        SpoolWriter { spool: self.clone(), size, timeline: from.timeline, next: from.lsn, open: None }
    }

    fn open_path(&self, segment: SegmentName) -> PathBuf {
        self.folder.join(format!("{segment}.open"))
    }

    fn read_text(&self, name: &str) -> Result<Option<String>, BackupError> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(read.map_err(BackupError::file("read", &path))?.trim().to_owned())),
        }
    }

    fn write_text(&self, name: &str, text: &str) -> Result<(), BackupError> {
        self.write_file(name, format!("{text}\n").as_bytes())
    }

    /// Under another name until it is whole and on disk.
    fn write_file(&self, name: &str, content: &[u8]) -> Result<(), BackupError> {
        let (path, unfinished) = (self.folder.join(name), self.folder.join(format!("{name}.unfinished")));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.map_err(BackupError::file("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(BackupError::file("write", &path))?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> Result<(), BackupError> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(BackupError::file("write", &self.folder))
    }
}

/// Writes the stream into segments.
#[derive(Debug)]
pub struct SpoolWriter {
    spool: Spool,
    size: SegmentSize,
    timeline: TimelineId,
    next: Lsn,
    open: Option<(SegmentName, File)>,
}

impl SpoolWriter {
    /// Up to where bytes were written.
    pub fn next(&self) -> Lsn {
        self.next
    }

    /// Takes the next bytes of the log. Returns whether a segment was completed by them.
    ///
    /// # Errors
    /// A full disk, and bytes that do not follow those before them.
    pub fn append(&mut self, start: Lsn, mut bytes: &[u8]) -> Result<bool, BackupError> {
        if start != self.next {
            return Err(BackupError::Internal(format!(
                "the server sent the log from {start} on, and {} was to come",
                self.next
            )));
        }
        let mut completed = false;
        while !bytes.is_empty() {
            let offset = self.size.offset_of(self.next);
            let room = usize::try_from(self.size.bytes() - offset).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.open_segment()?;
            let Some((segment, file)) = &self.open else { continue };
            let path = self.spool.open_path(*segment);
            file.write_all_at(now, offset).map_err(BackupError::file("write", &path))?;
            self.next = self.next.plus(now.len() as u64);
            bytes = later;
            if self.size.offset_of(self.next) == 0 {
                self.complete()?;
                completed = true;
            }
        }
        Ok(completed)
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&mut self) -> Result<(), BackupError> {
        let Some((segment, file)) = &self.open else { return Ok(()) };
        file.sync_data().map_err(BackupError::file("write", &self.spool.open_path(*segment)))
    }

    /// The timeline ends here and `next` goes on, in the middle of a segment as a rule. What was
    /// written of that segment becomes a piece of its own.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn change_timeline(&mut self, next: BackupPosition) -> Result<(), BackupError> {
        if let Some((segment, file)) = self.open.take() {
            let path = self.spool.open_path(segment);
            let to = u32::try_from(self.size.offset_of(self.next)).unwrap_or(u32::MAX);
            // A segment that was begun anew after a restart may still have older bytes behind.
            file.set_len(u64::from(to))
                .and_then(|()| file.sync_all())
                .map_err(BackupError::file("write", &path))?;
            self.rename(&path, &WalItem::Part { segment, from: 0, to })?;
        }
        self.timeline = next.timeline;
        self.next = self.size.start_of(next.lsn);
        self.spool.set_position(BackupPosition { timeline: self.timeline, lsn: self.next })
    }

    /// The segment that bytes go to now. One that is there from before is written over from its
    /// beginning: with the same bytes, since it is the same log.
    fn open_segment(&mut self) -> Result<(), BackupError> {
        if self.open.is_some() {
            return Ok(());
        }
        let segment = SegmentName::containing(self.timeline, self.next, self.size);
        let path = self.spool.open_path(segment);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.map_err(BackupError::file("create", &path))?;
        self.spool.sync_folder()?;
        self.open = Some((segment, file));
        Ok(())
    }

    fn complete(&mut self) -> Result<(), BackupError> {
        let Some((segment, file)) = self.open.take() else { return Ok(()) };
        let path = self.spool.open_path(segment);
        file.sync_all().map_err(BackupError::file("write", &path))?;
        self.rename(&path, &WalItem::Segment(segment))?;
        self.spool.set_position(BackupPosition { timeline: self.timeline, lsn: self.next })
    }

    fn rename(&self, from: &Path, item: &WalItem) -> Result<(), BackupError> {
        let to = self.spool.folder.join(item.to_string());
        fs::rename(from, &to).map_err(BackupError::file("write", &to))?;
        self.spool.sync_folder()
    }
}

#[cfg(test)]
mod tests {
    use larder_replication::SystemIdentifier;
    use proptest::prelude::*;

    use super::*;

    const SMALL: u32 = 1 << 20;

    fn position(lsn: u64) -> BackupPosition {
        BackupPosition { timeline: TimelineId::FIRST, lsn: Lsn(lsn) }
    }

    fn spool() -> (tempfile::TempDir, Spool, SegmentSize) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("wal")).unwrap();
        (folder, spool, SegmentSize::new(SMALL).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn however_the_log_comes_it_lies_in_whole_segments(cuts in proptest::collection::vec(1_usize..400_000, 1..20)) {
            let (_folder, spool, size) = spool();
            let mut writer = spool.writer(size, position(0));
            let (mut sent, mut place) = (Vec::new(), Lsn(0));
            for (number, length) in cuts.iter().enumerate() {
                let bytes = vec![u8::try_from(number + 1).unwrap(); *length];
                writer.append(place, &bytes).unwrap();
                place = place.plus(bytes.len() as u64);
                sent.extend(bytes);
            }
            writer.sync().unwrap();
            let mut stored = Vec::new();
            for waiting in spool.waiting().unwrap() {
                stored.extend(spool.read(&waiting.item).unwrap().unwrap());
            }
            prop_assert_eq!(spool.position().unwrap().map_or(0, |position| position.lsn.0), stored.len() as u64);
            let open = SegmentName::containing(TimelineId::FIRST, place, size);
            let rest = (sent.len() - stored.len()) as u64;
            if rest > 0 {
                stored.extend(spool.read_open(open, 0, rest).unwrap().unwrap());
            }
            prop_assert!(stored == sent);
        }
    }

    #[test]
    fn a_hole_in_the_stream_is_refused() {
        let (_folder, spool, size) = spool();
        let mut writer = spool.writer(size, position(0));
        writer.append(Lsn(0), b"one").unwrap();
        assert!(writer.append(Lsn(4), b"three").is_err());
        assert!(writer.append(Lsn(2), b"again").is_err());
        assert_eq!(writer.next(), Lsn(3));
    }

    #[test]
    fn a_timeline_that_ends_leaves_its_beginning_behind() {
        let (_folder, spool, size) = spool();
        let mut writer = spool.writer(size, position(0));
        writer.append(Lsn(0), &vec![1; SMALL as usize + 100]).unwrap();
        let second = TimelineId::new(2).unwrap();
        let left = Lsn(u64::from(SMALL) + 100);
        writer.change_timeline(BackupPosition { timeline: second, lsn: left }).unwrap();
        let names: Vec<String> =
            spool.waiting().unwrap().iter().map(|waiting| waiting.item.to_string()).collect();
        assert_eq!(
            names,
            ["000000010000000000000000.segment", "000000010000000000000001.00000000-00000064.part"]
        );
        let resumed = spool.position().unwrap().unwrap();
        assert_eq!((resumed.timeline, resumed.lsn), (second, Lsn(u64::from(SMALL))));
        writer.append(Lsn(u64::from(SMALL)), b"child").unwrap();
    }

    #[test]
    fn a_restart_writes_the_open_segment_again_without_losing_it_meanwhile() {
        let (_folder, spool, size) = spool();
        let segment = SegmentName::containing(TimelineId::FIRST, Lsn(0), size);
        let mut writer = spool.writer(size, position(0));
        writer.append(Lsn(0), b"acknowledged").unwrap();
        drop(writer);
        let mut writer = spool.writer(size, position(0));
        writer.append(Lsn(0), b"ack").unwrap();
        assert_eq!(spool.read_open(segment, 0, 12).unwrap().unwrap(), b"acknowledged");
    }

    #[test]
    fn the_spool_of_another_cluster_is_left_alone() {
        let (_folder, spool, size) = spool();
        let origin = |number| Origin { system: SystemIdentifier(number), size, major_version: 17 };
        assert_eq!(spool.origin().unwrap(), None);
        spool.claim(origin(1)).unwrap();
        spool.claim(origin(1)).unwrap();
        assert_eq!(spool.origin().unwrap(), Some(origin(1)));
        let refused = spool.claim(origin(2)).unwrap_err().to_string();
        assert!(refused.contains("cluster 2") && refused.contains("log of 1"), "{refused}");
    }

    #[test]
    fn histories_go_before_the_log_that_needs_them() {
        let (_folder, spool, size) = spool();
        let mut writer = spool.writer(size, position(0));
        writer.append(Lsn(0), &vec![1; SMALL as usize]).unwrap();
        let history = WalItem::History(TimelineId::new(2).unwrap());
        spool.add(&history, b"1\t0/1000\tx\n").unwrap();
        let waiting = spool.waiting().unwrap();
        assert_eq!(waiting[0].item, history);
        spool.remove(&history).unwrap();
        spool.remove(&history).unwrap();
        assert_eq!(spool.read(&history).unwrap(), None);
        assert_eq!(spool.waiting().unwrap().len(), 1);
    }
}
