//! What nutrition needs of the catalogue and of people, read from memory and made ready for the
//! pure functions of `larder-nutrition`. Nothing here knows the wire, and
//! only `expenditure` asks the database.

pub(crate) mod catalogue;
pub(crate) mod customer_goals;
pub(crate) mod expenditure;
pub(crate) mod food_match;
pub(crate) mod foods;
pub(crate) mod generic_foods;
pub(crate) mod labels;
pub(crate) mod package;
pub(crate) mod people;
pub(crate) mod planning;
pub(crate) mod scoring;
