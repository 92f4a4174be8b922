//! The accounts of one limit, by name: what each owes, and what of it other gateways were not
//! told yet. Bounded: accounts that owe nothing are forgotten first, and when nobody can be
//! forgotten all newcomers share one account.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::gcra::{Left, Rate, Wait};

const SHARDS: usize = 16;
const ACCOUNTS_PER_SHARD: usize = 8_192;
/// A full shard is searched for whom to forget no more often than this.
const SWEEP_NS: u64 = 1_000_000_000;
/// The account of those for whom there is no room.
const NEWCOMERS: &str = "*";

/// All accounts.
#[derive(Debug)]
pub(crate) struct Ledger {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Whether other gateways are to be told.
    shared: bool,
}

#[derive(Debug, Default)]
struct Shard {
    accounts: HashMap<String, Account>,
    swept_at_ns: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Account {
    paid_at_ns: u64,
    untold_ns: u64,
}

impl Ledger {
    /// No accounts yet; `shared` when other gateways are told what is taken here.
    pub(crate) fn new(shared: bool) -> Self {
        Self { shards: Default::default(), hasher: RandomState::new(), shared }
    }

    /// Takes one request from the account `name`.
    pub(crate) fn take(&self, name: &str, rate: Rate, now_ns: u64) -> Result<Left, Wait> {
        let mut shard = self.shard(name);
        let account = shard.account(name, now_ns);
        let left = rate.take(&mut account.paid_at_ns, now_ns)?;
        if self.shared {
            account.untold_ns = account.untold_ns.saturating_add(rate.cost_ns());
        }
        Ok(left)
    }

    /// How long the account `name` has to wait, without taking anything.
    pub(crate) fn must_wait(&self, name: &str, rate: Rate, now_ns: u64) -> Option<Wait> {
        let mut account = self.shard(name).accounts.get(name).copied()?;
        rate.take(&mut account.paid_at_ns, now_ns).err()
    }

    /// What every account took since this was asked before, in nanoseconds.
    pub(crate) fn untold(&self) -> Vec<(String, u64)> {
        let mut untold = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            let moved = shard.accounts.iter_mut().filter(|(_, account)| account.untold_ns > 0);
            untold
                .extend(moved.map(|(name, account)| (name.clone(), std::mem::take(&mut account.untold_ns))));
        }
        untold
    }

    /// Takes back what could not be told of the account `name`.
    pub(crate) fn take_back(&self, name: String, untold_ns: u64) {
        let mut shard = self.shard(&name);
        let account = shard.accounts.entry(name).or_default();
        account.untold_ns = account.untold_ns.saturating_add(untold_ns);
    }

    /// Whether other gateways are told what is taken here.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// Learns what all gateways together owe for the account `name`: what this one took since comes
    /// on top.
    pub(crate) fn learn(&self, name: &str, owed_ns: u64, now_ns: u64) {
        if let Some(account) = self.shard(name).accounts.get_mut(name) {
            let together = now_ns.saturating_add(owed_ns).saturating_add(account.untold_ns);
            account.paid_at_ns = account.paid_at_ns.max(together);
        }
    }

    fn shard(&self, name: &str) -> MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one(name) as usize % SHARDS;
        lock(&self.shards[shard])
    }
}

impl Shard {
    fn account(&mut self, name: &str, now_ns: u64) -> &mut Account {
        let known = self.accounts.contains_key(name);
        if !known && self.is_full() && now_ns >= self.swept_at_ns.saturating_add(SWEEP_NS) {
            self.accounts.retain(|_, account| account.paid_at_ns > now_ns || account.untold_ns > 0);
            self.swept_at_ns = now_ns;
        }
        let name = if known || !self.is_full() { name } else { NEWCOMERS };
        self.accounts.entry(name.to_owned()).or_default()
    }

    fn is_full(&self) -> bool {
        self.accounts.len() >= ACCOUNTS_PER_SHARD
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn two_a_second() -> Rate {
        Rate::new(2.0, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn accounts_do_not_touch_each_other() {
        let (ledger, rate) = (Ledger::new(true), two_a_second());
        assert!(ledger.take("one", rate, SECOND).is_ok());
        assert!(ledger.take("one", rate, SECOND).is_ok());
        assert!(ledger.take("one", rate, SECOND).is_err());
        assert!(ledger.must_wait("one", rate, SECOND).is_some());
        assert!(ledger.must_wait("other", rate, SECOND).is_none());
        assert!(ledger.take("other", rate, SECOND).is_ok());
    }

    #[test]
    fn what_others_took_counts_and_what_was_not_told_yet_comes_on_top() {
        let (ledger, rate) = (Ledger::new(true), Rate::new(10.0, Duration::from_secs(1)).unwrap());
        for _ in 0..3 {
            ledger.take("one", rate, SECOND).unwrap();
        }
        assert_eq!(ledger.untold(), [("one".to_owned(), 300_000_000)]);
        assert_eq!(ledger.untold(), []);
        ledger.take("one", rate, SECOND).unwrap();
        // Together with others: seven requests, three of them from here.
        ledger.learn("one", 700_000_000, SECOND);
        assert_eq!(ledger.take("one", rate, SECOND).unwrap().requests, 1);
        assert_eq!(ledger.untold(), [("one".to_owned(), 200_000_000)]);
    }

    #[test]
    fn what_could_not_be_told_is_told_later() {
        let (ledger, rate) = (Ledger::new(true), two_a_second());
        ledger.take("one", rate, SECOND).unwrap();
        let untold = ledger.untold();
        for (name, untold_ns) in untold.clone() {
            ledger.take_back(name, untold_ns);
        }
        assert_eq!(ledger.untold(), untold);
    }

    #[test]
    fn a_flood_of_names_stays_within_bounds_and_pushes_nobody_out() {
        let (ledger, rate) = (Ledger::new(false), two_a_second());
        ledger.take("customer", rate, SECOND).unwrap();
        ledger.take("customer", rate, SECOND).unwrap();
        let let_in =
            (0..300_000).filter(|number| ledger.take(&number.to_string(), rate, SECOND).is_ok()).count();
        assert!(ledger.take("customer", rate, SECOND).is_err(), "it was forgotten");
        let accounts: usize = ledger.shards.iter().map(|shard| lock(shard).accounts.len()).sum();
        assert!(accounts <= SHARDS * (ACCOUNTS_PER_SHARD + 1), "{accounts} accounts");
        assert!(let_in < SHARDS * (ACCOUNTS_PER_SHARD + 3), "{let_in} were let in");
        // Once they paid, others have room again.
        assert!(ledger.take("late", rate, 60 * SECOND).is_ok());
    }
}
