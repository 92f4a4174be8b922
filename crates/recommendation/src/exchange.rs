//! Tables out: which rows an export has, and how its file leaves while they are read.

mod filter;
pub(crate) mod imports;
mod pages;
mod send;

pub(crate) use self::filter::{ExportFilter, Narrowed, check_known, table_of};
pub(crate) use self::send::begin;
