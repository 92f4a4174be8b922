//! The experts whose opinions are mixed, and what they are trusted with: cheap ones that each know one
//! thing, because with six market days nothing clever can be learnt, and with many their mixture does as well.

pub(crate) mod absence;
pub(crate) mod level;
pub(crate) mod order;
pub(crate) mod spread;
pub(crate) mod trust;
