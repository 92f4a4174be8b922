//! How people write numbers and days, where the text alone does not tell.

/// What stands between the whole part of a number and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// 1,234.5
    Dot,
    /// 1.234,5
    Comma,
}

/// What comes first in a day written with three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// 31/03/2026
    DayFirst,
    /// 03/31/2026
    MonthFirst,
}

/// The habits of whoever made a file; what is `None` is read only where it is plain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Of numbers that are text.
    pub decimal_mark: Option<DecimalMark>,
    /// Of days that are text.
    pub date_order: Option<DateOrder>,
    /// Of amounts in rows that name no currency.
    pub currency: Option<String>,
}
