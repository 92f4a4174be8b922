//! Nutrition: logs of bodies and meals, targets, matches, scores and plans, each as a client
//! calls for them.

mod logs;
mod matches;
mod plans;
mod scores;
mod targets;
