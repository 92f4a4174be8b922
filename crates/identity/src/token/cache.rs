//! Remembers which tokens were verified, for as long as they are valid and for at most so many
//! of them. Tokens are kept as hashes: a dump of the memory shows none. Only valid tokens get
//! in, so nobody without a key can push others out.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};

use crate::Caller;

const MOST_TOKENS: usize = 1_024;

/// The tokens that were verified.
#[derive(Default)]
pub(crate) struct VerifiedTokens {
    callers: RwLock<HashMap<[u8; 32], Verified>>,
}

struct Verified {
    caller: Caller,
    /// The last second of its life, since 1970.
    valid_until: u64,
}

impl VerifiedTokens {
    /// The caller that `token` was found to prove, while it is valid.
    pub(crate) fn find(&self, token: &str, now: u64) -> Option<Caller> {
        let callers = self.callers.read().unwrap_or_else(PoisonError::into_inner);
        callers
            .get(&key_of(token))
            .filter(|verified| now <= verified.valid_until)
            .map(|verified| verified.caller.clone())
    }

    /// Remembers that `token` proves `caller` until `valid_until`.
    pub(crate) fn remember(&self, token: &str, caller: &Caller, valid_until: u64, now: u64) {
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_TOKENS {
            make_room(&mut callers, now);
        }
        callers.insert(key_of(token), Verified { caller: caller.clone(), valid_until });
    }
}

/// Forgets what has expired, and if nothing has, the half that expires first: dear, but rare.
fn make_room(callers: &mut HashMap<[u8; 32], Verified>, now: u64) {
    callers.retain(|_, verified| now <= verified.valid_until);
    if callers.len() < MOST_TOKENS {
        return;
    }
    let mut by_expiry: Vec<(u64, [u8; 32])> =
        callers.iter().map(|(key, verified)| (verified.valid_until, *key)).collect();
    by_expiry.sort_unstable();
    for (_, key) in by_expiry.iter().take(MOST_TOKENS / 2) {
        callers.remove(key);
    }
}

fn key_of(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TenantId;

    fn caller(name: &str) -> Caller {
        Caller { subject: name.to_owned(), ..Caller::anonymous(TenantId::demo()) }
    }

    #[test]
    fn a_token_is_remembered_for_its_life_and_no_longer() {
        let tokens = VerifiedTokens::default();
        tokens.remember("t", &caller("a"), 100, 50);
        assert_eq!(tokens.find("t", 100), Some(caller("a")));
        assert_eq!(tokens.find("t", 101), None);
        assert_eq!(tokens.find("u", 100), None);
    }

    #[test]
    fn the_number_of_tokens_is_bounded_and_the_latest_stay() {
        let tokens = VerifiedTokens::default();
        for number in 0..10_000_u64 {
            tokens.remember(&number.to_string(), &caller("a"), 1_000 + number, 0);
            assert!(tokens.callers.read().unwrap().len() <= MOST_TOKENS);
        }
        assert!(tokens.find("9999", 0).is_some());
        assert!(tokens.find("0", 0).is_none());
    }
}
