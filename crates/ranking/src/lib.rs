//! Pure ranking: what a customer may want next, learnt from what customers did.
//!
//! A [`Trainer`] turns a stream of events into an immutable [`Snapshot`]; a [`Serving`] answers from
//! a snapshot and an overlay of fresher events. Nothing here reads a clock, a file, the network or a
//! random number: the time is an argument, and the same events always give the same answer.

mod basket;
mod constraint;
mod content;
mod decay;
mod discovery;
mod ease;
mod error;
pub mod evaluation;
mod event;
pub mod experiment;
mod explanation;
mod expression;
mod factors;
mod features;
mod filter;
#[cfg(test)]
mod fixtures;
pub mod forest;
mod history;
mod neighbours;
mod occasion;
mod product;
mod ranked;
mod ranker;
mod rerank;
mod serving;
mod snapshot;
mod sparse;
mod trainer;
mod worlds;

pub use basket::{BasketItem, NextBasket};
pub use constraint::Refusal;
pub use content::{ContentModel, ContentVector, CustomerProfile, ProfileModel, ProfileSettings};
pub use discovery::{DiscoveryModel, DiscoverySettings, history_value};
pub use ease::{EaseMethod, EaseModel, EaseSettings};
pub use error::{SnapshotError, UnknownProduct};
pub use event::{Event, InteractionKind, Watermark};
pub use explanation::{Contribution, Explanation};
pub use expression::{
    Expression, ExpressionCache, ExpressionCause, ExpressionError, HIGHEST_COST, LONGEST_EXPRESSION,
};
pub use factors::{FactorModel, FactorSettings};
pub use features::FeatureGroup;
pub use filter::{Filter, Ranker, RecommendQuery, RepeatPolicy};
pub use product::{NutritionPer100g, ProductRecord};
pub use ranked::{Ranked, RankedItem, Shortfall, SimilarCustomer, Source};
pub use ranker::Target;
pub use rerank::{
    Arrangement, Boost, CategoryCap, Delta, Fit, Impression, Impressions, Pin, Promoted, Relaxation, Wish,
};
pub use serving::{Relation, Serving, SessionStep};
pub use snapshot::{Snapshot, SnapshotHeader};
pub use sparse::{SparseMatrix, SparseRow};
pub use trainer::{Trainer, TrainingSettings};
