//! The columns a file may have: named as the fields of the contract. An unknown, doubled
//! or missing column is refused before the first row is read, with the nearest name.

use csv::StringRecord;

use super::Kind;

/// What `larder import --help` says about columns.
pub(super) const HELP: &str = "\
Columns are named as the fields of the contract; those marked * are required:
  products      product_id* name* category brand tags price currency in_stock
                package_size allergens energy_kcal protein_g fat_g saturated_fat_g carbohydrate_g
                sugars_g fibre_g sodium_mg (per 100 g) attributes.<key>
  customers     customer_id* name birth_date sex height_cm weight_kg activity_level
                goal diets allergens attributes.<key>
  interactions  event_id* customer_id* product_id* kind* quantity value occurred_at
                amount currency recommendation_id
  transactions  transaction_id* customer_id* product_id* quantity amount currency occurred_at*
  promotions    promotion_id* name* product_ids categories discount_percent*
                starts_at* ends_at*
  budgets       budget_id* name* customer_id category amount* currency
                starts_on* ends_on*
Several values in one cell are parted by ';'. Amounts are written 3.49 EUR, or 3.49 beside a
column `currency` or with --currency EUR, instants 2026-03-31T12:00:00Z, days 2026-03-31, kinds purchase or
INTERACTION_KIND_PURCHASE. An empty cell means absent.

Workbooks are uploaded and read by the service, and so are files with --all-or-nothing, --dry-run, --map,
--decimal-mark or --date-order: titles may then be those of templates, and days and numbers as people write them.
What such an import changed can be taken back with --undo.

Exit codes: 0 every row went in, 3 some were refused, 1 or 4 the import stopped.";

/// Columns of a rejects file, which may be imported again as it is.
pub(super) const REJECT_COLUMNS: [&str; 4] = ["reject_file", "reject_line", "reject_field", "reject_reason"];

struct Known {
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// Names the fields go by when they are nested in another message.
    nested_in: &'static str,
    attributes: bool,
}

fn known(kind: Kind) -> Known {
    match kind {
        Kind::Products => Known {
            required: &["product_id", "name"],
            optional: &[
                "category",
                "brand",
                "tags",
                "price",
                "currency",
                "in_stock",
                "package_size",
                "allergens",
                "allergens_complete",
                "diets",
                "energy_kcal",
                "protein_g",
                "fat_g",
                "saturated_fat_g",
                "carbohydrate_g",
                "sugars_g",
                "fibre_g",
                "sodium_mg",
            ],
            nested_in: "nutrition_per_100g.",
            attributes: true,
        },
        Kind::Customers => Known {
            required: &["customer_id"],
            optional: &[
                "name",
                "birth_date",
                "sex",
                "height_cm",
                "weight_kg",
                "activity_level",
                "goal",
                "diets",
                "allergens",
            ],
            nested_in: "profile.",
            attributes: true,
        },
        Kind::Interactions => Known {
            required: &["event_id", "customer_id", "product_id", "kind"],
            optional: &["quantity", "value", "occurred_at", "amount", "currency", "recommendation_id"],
            nested_in: "",
            attributes: false,
        },
        Kind::Transactions => Known {
            required: &["transaction_id", "customer_id", "product_id", "occurred_at"],
            optional: &["quantity", "amount", "currency"],
            nested_in: "",
            attributes: false,
        },
        Kind::Promotions => Known {
            required: &["promotion_id", "name", "discount_percent", "starts_at", "ends_at"],
            optional: &["product_ids", "categories"],
            nested_in: "",
            attributes: false,
        },
        Kind::Budgets => Known {
            required: &["budget_id", "name", "amount", "starts_on", "ends_on"],
            optional: &["customer_id", "category", "currency"],
            nested_in: "",
            attributes: false,
        },
    }
}

/// The columns of one file, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// Judges a header line; the error is a sentence about the first thing wrong with it.
    pub(super) fn parse(kind: Kind, header: &StringRecord) -> Result<Self, String> {
        let known = known(kind);
        let names: Vec<String> = header.iter().map(|name| plain_name(name, known.nested_in)).collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(format!("column {name:?} is there twice"));
            }
            if !is_known(name, &known) {
                return Err(unknown_column(name, kind, &known));
            }
        }
        match known.required.iter().find(|required| !names.iter().any(|name| name == *required)) {
            Some(missing) => Err(format!("column {missing:?} is missing; {} need it", kind.noun())),
            None => Ok(Self { names }),
        }
    }

    /// The names in the order of the file.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Where the column called `name` stands.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|column| column == name)
    }
}

/// A name without blanks, a byte-order mark, or the message it is nested in.
fn plain_name(name: &str, nested_in: &str) -> String {
    let name = name.trim_start_matches('\u{feff}').trim();
    let plain = if nested_in.is_empty() { name } else { name.strip_prefix(nested_in).unwrap_or(name) };
    plain.to_owned()
}

fn is_known(name: &str, known: &Known) -> bool {
    let attribute = known.attributes && name.strip_prefix("attributes.").is_some_and(|key| !key.is_empty());
    attribute
        || known.required.iter().chain(known.optional).chain(&REJECT_COLUMNS).any(|known| *known == name)
}

fn unknown_column(name: &str, kind: Kind, known: &Known) -> String {
    let all: Vec<&str> = known.required.iter().chain(known.optional).copied().collect();
    let nearest =
        all.iter().max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    match nearest.filter(|nearest| strsim::jaro_winkler(name, nearest) > 0.8) {
        Some(nearest) => format!("column {name:?} is unknown; did you mean {nearest:?}?"),
        None => format!("column {name:?} is unknown; {} may have {}", kind.noun(), all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: Kind, header: &[&str]) -> Result<Columns, String> {
        Columns::parse(kind, &StringRecord::from(header.to_vec()))
    }

    #[test]
    fn a_misspelt_column_is_told_with_the_nearest_name() {
        let refusal =
            parse(Kind::Interactions, &["event_id", "custmer_id", "product_id", "kind"]).unwrap_err();
        assert_eq!(refusal, "column \"custmer_id\" is unknown; did you mean \"customer_id\"?");
    }

    #[test]
    fn a_missing_or_doubled_column_is_refused() {
        assert!(parse(Kind::Products, &["name"]).unwrap_err().contains("\"product_id\" is missing"));
        assert!(parse(Kind::Products, &["product_id", "name", "name"]).unwrap_err().contains("twice"));
    }

    #[test]
    fn nested_names_and_a_byte_order_mark_are_understood() {
        let columns = parse(
            Kind::Products,
            &["\u{feff}product_id", "name", "nutrition_per_100g.fat_g", "attributes.origin"],
        );
        let columns = columns.unwrap();
        assert_eq!(columns.position("product_id"), Some(0));
        assert_eq!(columns.position("fat_g"), Some(2));
        assert!(parse(Kind::Interactions, &["attributes.origin"]).is_err());
    }
}
