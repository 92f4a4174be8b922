//! Rows of one table of one tenant as they are now, kept in memory: changed by this process
//! as it writes, and by the follower as it reads the log. Whichever tells of a change first,
//! the later change counts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::store::LogPosition;

/// Rows by id, each with the place of its last change.
pub(crate) struct Followed<T> {
    /// `None` is a row that is hidden: its place keeps an older reading from undoing that.
    rows: HashMap<String, (LogPosition, Option<Arc<T>>)>,
    /// Rows that were kept on disk and that the database has not confirmed yet.
    unconfirmed: HashSet<String>,
    /// Counts the changes.
    generation: u64,
}

impl<T> Default for Followed<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), unconfirmed: HashSet::new(), generation: 0 }
    }
}

impl<T> Followed<T> {
    /// Notes how a row changed, unless a later change is known; `None` hides it.
    pub(crate) fn change(&mut self, id: String, place: LogPosition, row: Option<T>) {
        // Places of one row are given out under its lock, so their sequence tells the order.
        let is_news = self.rows.get(&id).is_none_or(|(known, _)| known.sequence < place.sequence);
        // What the database says is right, even where it was set back to an earlier state.
        if self.unconfirmed.remove(&id) || is_news {
            self.rows.insert(id, (place, row.map(Arc::new)));
            self.generation += 1;
        }
    }

    /// Takes up a row that was kept on disk; it holds until the database tells more.
    pub(crate) fn take_kept(&mut self, id: String, place: LogPosition, row: T) {
        self.unconfirmed.insert(id.clone());
        self.rows.insert(id, (place, Some(Arc::new(row))));
    }

    /// Forgets kept rows that the database, all of which has been read, does not have.
    pub(crate) fn drop_unconfirmed(&mut self) {
        for id in std::mem::take(&mut self.unconfirmed) {
            self.erase(&id);
        }
    }

    /// Differs whenever a row has changed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The rows that are not hidden with the places of their last changes, in no order.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (&str, LogPosition, &Arc<T>)> {
        self.rows.iter().filter_map(|(id, (place, row))| Some((id.as_str(), *place, row.as_ref()?)))
    }

    /// A row that is not hidden.
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.rows.get(id).and_then(|(_, row)| row.as_ref())
    }

    /// The rows that are not hidden, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Arc<T>)> {
        self.rows.iter().filter_map(|(id, (_, row))| Some((id.as_str(), row.as_ref()?)))
    }

    /// Every id, those of hidden rows included.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// Forgets a row and that it ever was.
    pub(crate) fn erase(&mut self, id: &str) {
        self.unconfirmed.remove(id);
        self.generation += u64::from(self.rows.remove(id).is_some());
    }

    /// Forgets a row that transaction `xid` erased, unless a later transaction wrote it again.
    pub(crate) fn erase_by(&mut self, id: &str, xid: i64) {
        if self.rows.get(id).is_some_and(|(place, _)| place.xid < xid) {
            self.erase(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(xid: i64, sequence: i64) -> LogPosition {
        LogPosition { xid, sequence }
    }

    #[test]
    fn the_later_change_counts_whichever_is_told_first() {
        let mut rows = Followed::default();
        rows.change("ann".into(), at(5, 7), Some(1));
        rows.change("ann".into(), at(9, 6), Some(2));
        assert_eq!(rows.get("ann").map(|row| **row), Some(1));
        rows.change("ann".into(), at(6, 8), None);
        rows.change("ann".into(), at(5, 7), Some(1));
        assert!(rows.get("ann").is_none(), "an older reading must not bring it back");
        assert_eq!((rows.iter().count(), rows.ids().count()), (0, 1));
    }

    #[test]
    fn an_erasure_takes_what_was_before_it_alone() {
        let mut rows = Followed::default();
        rows.change("ann".into(), at(5, 7), Some(1));
        rows.erase_by("ann", 5);
        assert!(rows.get("ann").is_some());
        rows.erase_by("ann", 6);
        assert_eq!(rows.ids().count(), 0);
    }

    #[test]
    fn kept_rows_hold_until_the_database_is_read() {
        let mut rows = Followed::default();
        rows.take_kept("ann".into(), at(5, 7), 1);
        rows.take_kept("ben".into(), at(5, 8), 2);
        rows.take_kept("eve".into(), at(5, 9), 3);
        let before = rows.generation();
        assert_eq!(rows.get("eve").map(|row| **row), Some(3));
        rows.change("ann".into(), at(5, 7), Some(1));
        rows.change("ben".into(), at(4, 2), Some(4));
        rows.drop_unconfirmed();
        assert_eq!(rows.get("ann").map(|row| **row), Some(1));
        assert_eq!(rows.get("ben").map(|row| **row), Some(4), "a database that was set back is right");
        assert_eq!(rows.ids().count(), 2, "who is not in the database is forgotten");
        assert_ne!(rows.generation(), before);
    }
}
