//! How much a channel was sent lately, against its limit. Kept in the database, so that a restart in the
//! middle of a storm does not begin to count anew.

use larder_oncall::settings::MessageLimit;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::micros;

/// Messages sent in the window that began last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    window_began_at_us: i64,
    sent: u32,
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) messages: u32,
    /// When more may be sent.
    pub(crate) full_until_us: i64,
}

impl Load {
    pub(crate) fn read(kept: Option<Value>) -> Self {
        kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
    }

    pub(crate) fn write(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// How many messages the limit leaves.
    pub(crate) fn ask(&mut self, limit: &MessageLimit, now_us: i64) -> Allowance {
        let per_us = micros(limit.per).max(1);
        let is_over = now_us < self.window_began_at_us || now_us - self.window_began_at_us >= per_us;
        if is_over {
            *self = Self { window_began_at_us: now_us, sent: 0 };
        }
        Allowance {
            messages: limit.messages.saturating_sub(self.sent),
            full_until_us: self.window_began_at_us + per_us,
        }
    }

    /// Counts what was sent.
    pub(crate) fn count(&mut self, sent: u32) {
        self.sent = self.sent.saturating_add(sent);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn a_window_fills_up_and_ends() {
        let limit = MessageLimit { messages: 3, per: Duration::from_secs(60), digest_above: 3 };
        let mut load = Load::default();
        assert_eq!(load.ask(&limit, 1_000 * S).messages, 3);
        load.count(2);
        let mut load = Load::read(Some(load.write()));
        assert_eq!(load.ask(&limit, 1_030 * S).messages, 1);
        load.count(1);
        assert_eq!(load.ask(&limit, 1_059 * S), Allowance { messages: 0, full_until_us: 1_060 * S });
        assert_eq!(load.ask(&limit, 1_060 * S).messages, 3);
        load.count(3);
        assert_eq!(load.ask(&limit, 500 * S).messages, 3, "a clock that was put back blocks nobody");
    }
}
