//! Rows of one table of one tenant as they are now, kept in memory: changed by this process
//! as it writes, and by the follower as it reads the log. Whichever tells of a change first,
//! the later change counts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::LogPosition;

/// Rows by id, each with the place of its last change.
pub(crate) struct Followed<T> {
    /// `None` is a row that is hidden: its place keeps an older reading from undoing that.
    rows: HashMap<String, (LogPosition, Option<Arc<T>>)>,
}

impl<T> Default for Followed<T> {
    fn default() -> Self {
        Self { rows: HashMap::new() }
    }
}

impl<T> Followed<T> {
    /// Notes how a row changed, unless a later change is known; `None` hides it.
    pub(crate) fn change(&mut self, id: String, place: LogPosition, row: Option<T>) {
        // Places of one row are given out under its lock, so their sequence tells the order.
        if self.rows.get(&id).is_none_or(|(known, _)| known.sequence < place.sequence) {
            self.rows.insert(id, (place, row.map(Arc::new)));
        }
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
        self.rows.remove(id);
    }

    /// Forgets a row that transaction `xid` erased, unless a later transaction wrote it again.
    pub(crate) fn erase_by(&mut self, id: &str, xid: i64) {
        if self.rows.get(id).is_some_and(|(place, _)| place.xid < xid) {
            self.rows.remove(id);
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
}
