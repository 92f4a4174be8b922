//! The generic foods of the United States Department of Agriculture (FoodData Central:
//! SR Legacy, FNDDS and Foundation Foods) that products without nutrition are compared with.

use std::io::Read as _;

use crate::{Food, Nutrient, Nutrients};

/// The file that comes with the crate; its source line is in `data/README.md`.
const FOODS: &[u8] = include_bytes!("../../data/foods.csv.gz");

/// The columns that hold amounts per 100 g, and what they are amounts of.
const AMOUNTS: [(&str, Nutrient); 19] = [
    ("energy_kcal", Nutrient::Energy),
    ("protein_g", Nutrient::Protein),
    ("fat_g", Nutrient::Fat),
    ("saturated_fat_g", Nutrient::SaturatedFat),
    ("carbohydrate_g", Nutrient::Carbohydrate),
    ("sugars_g", Nutrient::Sugars),
    ("fiber_g", Nutrient::Fibre),
    ("sodium_mg", Nutrient::Sodium),
    ("cholesterol_mg", Nutrient::Cholesterol),
    ("calcium_mg", Nutrient::Calcium),
    ("iron_mg", Nutrient::Iron),
    ("potassium_mg", Nutrient::Potassium),
    ("magnesium_mg", Nutrient::Magnesium),
    ("zinc_mg", Nutrient::Zinc),
    ("vitamin_c_mg", Nutrient::VitaminC),
    ("vitamin_a_rae_ug", Nutrient::VitaminA),
    ("vitamin_d_ug", Nutrient::VitaminD),
    ("vitamin_b12_ug", Nutrient::VitaminB12),
    ("folate_ug", Nutrient::Folate),
];

/// Most that errors of measurement take from carbohydrate "by difference" (FoodData Central,
/// Foundation Foods documentation), in grams per 100 g.
const LEFT_OVER_ERROR_G: f32 = 1.0;

/// A food of the table: what it holds, and where that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct TableFood {
    /// The food; its serving is one portion of the table.
    pub food: Food,
    /// The part of FoodData Central it comes from: `sr_legacy`, `fndds` or `foundation`.
    pub source: String,
    /// What the portion is called ("slice"); empty where the table does not say.
    pub portion_unit: String,
}

impl TableFood {
    /// Mass of one portion in grams; `None` where the table does not say.
    #[must_use]
    pub fn portion_g(&self) -> Option<f32> {
        self.food.serving_g
    }
}

/// Generic foods to compare products with.
#[derive(Clone, Debug, Default)]
pub struct FoodTable {
    foods: Vec<TableFood>,
}

/// Why a table of foods cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FoodTableError {
    /// The file is not compressed comma-separated text.
    #[error("the table of foods cannot be read: {0}")]
    Unreadable(#[from] csv::Error),
    /// It lacks a column.
    #[error("the table of foods has no column `{0}`")]
    ColumnMissing(&'static str),
    /// A cell that should hold an amount holds something else.
    #[error("line {line} of the table of foods: `{column}` is no amount of zero or more")]
    NoAmount {
        /// Where, the header being line 1.
        line: usize,
        /// In which column.
        column: &'static str,
    },
}

impl FoodTable {
    /// The table that comes with the crate: 7,168 foods, USDA FoodData Central.
    ///
    /// # Panics
    /// Never: a test reads the file.
    #[must_use]
    pub fn usda() -> Self {
        Self::parse(FOODS).expect("the table that comes with the crate can be read; a test does it")
    }

    /// A table in gzip-compressed comma-separated text with the columns of `data/foods.csv.gz`;
    /// an empty cell is an amount that was not measured, never zero.
    ///
    /// # Errors
    /// When it cannot be read, lacks a column, or holds an amount below zero.
    pub fn parse(compressed: &[u8]) -> Result<Self, FoodTableError> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(compressed).read_to_end(&mut text).map_err(csv::Error::from)?;
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let headers = reader.headers()?.clone();
        let place = |column: &'static str| {
            headers.iter().position(|each| each == column).ok_or(FoodTableError::ColumnMissing(column))
        };
        let words = [place("food_id")?, place("name")?, place("source")?, place("category")?];
        let (unit, portion_at) = (place("portion_unit")?, place("portion_g")?);
        let amounts = AMOUNTS
            .into_iter()
            .map(|(column, nutrient)| Ok((place(column)?, column, nutrient)))
            .collect::<Result<Vec<_>, FoodTableError>>()?;

        let mut foods = Vec::new();
        for (row, record) in reader.records().enumerate() {
            let record = record?;
            let amount = |at: usize, column| amount(&record[at], row + 2, column);
            let mut per_100g = Nutrients::UNKNOWN;
            for &(at, column, nutrient) in &amounts {
                per_100g = per_100g.with(nutrient, amount(at, column)?);
            }
            let [food_id, name, source, category] = words.map(|at| record[at].to_owned());
            let serving_g = portion(&record[portion_at], row + 2)?;
            let food = Food { food_id, name, category, per_100g, serving_g, ..Food::default() };
            let portion_unit = if &record[unit] == "undetermined" { "" } else { &record[unit] }.to_owned();
            foods.push(TableFood { food, source, portion_unit });
        }
        Ok(Self { foods })
    }

    /// Every food, in the order of the table.
    #[must_use]
    pub fn foods(&self) -> &[TableFood] {
        &self.foods
    }

    /// The food with this id of the table.
    #[must_use]
    pub fn find(&self, food_id: &str) -> Option<&TableFood> {
        self.foods.iter().find(|each| each.food.food_id == food_id)
    }
}

/// The mass of a portion. The table divides one mass by no pieces, so that it is infinite there:
/// that is not known.
fn portion(cell: &str, line: usize) -> Result<Option<f32>, FoodTableError> {
    let portion_g = if cell.is_empty() { Ok(0.0) } else { cell.parse::<f32>() };
    let portion_g = portion_g.map_err(|_| FoodTableError::NoAmount { line, column: "portion_g" })?;
    Ok((portion_g.is_finite() && portion_g > 0.0).then_some(portion_g))
}

fn amount(cell: &str, line: usize, column: &'static str) -> Result<Option<f32>, FoodTableError> {
    if cell.is_empty() {
        return Ok(None);
    }
    match cell.parse::<f32>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(Some(amount)),
        // Carbohydrate is what is left of 100 g after everything that was measured, so the errors
        // of those measurements leave a little less than nothing of it in a piece of meat.
        Ok(amount) if column == "carbohydrate_g" && amount >= -LEFT_OVER_ERROR_G => Ok(Some(0.0)),
        _ => Err(FoodTableError::NoAmount { line, column }),
    }
}
