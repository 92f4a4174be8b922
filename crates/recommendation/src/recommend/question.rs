//! What is asked for, with all that the answer depends on, and the answer.

use larder_identity::TenantId;
use larder_ranking::{Arrangement, Filter, Ranker, Relation, Relaxation, RepeatPolicy, Source};
use uuid::Uuid;

use crate::given::Detailed;
use crate::models_at_hand::ModelAtHand;
use crate::nutrition::customer_goals::GoalOf;
use crate::profile::Profile;
use crate::session::SessionEvent;

/// The rung of the ladder that an answer stands on: that of its best product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    Personal,
    Similar,
    PopularInCategory,
    Popular,
    LastGood,
    Nothing,
}

impl Rung {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Similar => "similar",
            Self::PopularInCategory => "popular_in_category",
            Self::Popular => "popular",
            Self::LastGood => "last_good",
            Self::Nothing => "nothing",
        }
    }

    pub(super) fn of(items: &[Detailed]) -> Self {
        match items.first().map(|detailed| detailed.item.source) {
            Some(Source::Personal) => Self::Personal,
            Some(Source::Similar) => Self::Similar,
            Some(Source::PopularInCategory) => Self::PopularInCategory,
            Some(Source::Popular) => Self::Popular,
            None => Self::Nothing,
        }
    }
}

/// What is asked for.
pub(crate) enum Question<'a> {
    For {
        customer_id: &'a str,
        repeat_policy: RepeatPolicy,
    },
    Session {
        events: &'a [SessionEvent],
        /// What stands for the visitor, if they come again under it.
        visitor: Option<&'a str>,
        /// What the visitor told of themselves.
        told: &'a Profile,
    },
    Similar {
        product_id: &'a str,
        relation: Option<Relation>,
    },
    Popular,
    Trending,
}

/// A question with all that the answer depends on.
pub(crate) struct Asking<'a> {
    pub(crate) question: Question<'a>,
    pub(crate) limit: usize,
    pub(crate) filter: &'a Filter,
    pub(crate) model: &'a ModelAtHand,
    pub(crate) ranker: Ranker,
    pub(crate) arrangement: &'a Arrangement,
    /// What the customer, or the visitor, says of themselves.
    pub(crate) traits: &'a [String],
    /// Whether each product carries what its score is made of.
    pub(crate) explains: bool,
}

impl Question<'_> {
    pub(super) fn call(&self) -> &'static str {
        match self {
            Self::For { .. } => "recommend",
            Self::Session { .. } => "session",
            Self::Similar { .. } => "similar",
            Self::Popular => "popular",
            Self::Trending => "trending",
        }
    }

    /// Whose ignored products fade.
    pub(super) fn subject(&self) -> Option<&str> {
        match self {
            Self::For { customer_id, .. } => Some(customer_id),
            Self::Session { visitor, .. } => *visitor,
            _ => None,
        }
    }

    /// Whose ignored products fade, and whose goal counts.
    pub(super) fn whose(&self) -> (Option<&str>, Option<GoalOf<'_>>) {
        let goal_of = match self {
            Self::For { customer_id, .. } => Some(GoalOf::Customer(customer_id)),
            Self::Session { told, .. } => Some(GoalOf::Visitor(told)),
            _ => None,
        };
        (self.subject(), goal_of)
    }

    /// What an answer is kept under; `None` for answers that fit nobody else.
    pub(super) fn key(&self, tenant: &TenantId) -> Option<String> {
        match self {
            Self::For { customer_id, repeat_policy: RepeatPolicy::Allow } => {
                Some(format!("{tenant}/c/{customer_id}"))
            }
            Self::Similar { product_id, relation: None } => Some(format!("{tenant}/p/{product_id}")),
            Self::Popular => Some(format!("{tenant}/popular")),
            _ => None,
        }
    }
}

/// An answer, ready to be put on the wire.
pub(crate) struct Answer {
    pub(crate) recommendation_id: Uuid,
    pub(crate) items: Vec<Detailed>,
    /// The next best behind the list, for an answer that explores.
    pub(crate) spare: Vec<Detailed>,
    /// Wishes that were given up.
    pub(crate) relaxations: Vec<Relaxation>,
    pub(crate) rung: Rung,
    pub(crate) model_version: String,
    pub(crate) degraded: bool,
    /// What was missing; or, when nothing was, why the list is short.
    pub(crate) reason: String,
}
