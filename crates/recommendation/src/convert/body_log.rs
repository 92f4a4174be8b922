//! What customers log of themselves, in and out.

use larder_proto::larder::nutrition::v1::{BodyMeasurement, Intake};

use crate::convert::date;
use crate::error::Error;
use crate::store::body_measurements::BodyMeasurementRow;
use crate::store::intakes::IntakeRow;
use crate::validate::Fields;

/// Checks a measurement; `latest_day` is the last day that may be logged, counted from 1970.
pub(crate) fn measurement_from_wire(
    measurement: BodyMeasurement,
    latest_day: i32,
) -> Result<BodyMeasurementRow, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &measurement.customer_id);
    let measured_on_day = day(&mut fields, "measured_on", measurement.measured_on, latest_day);
    fields.number("weight_kg", measurement.weight_kg, 1.0, 700.0);
    fields.optional_number("body_fat_percent", measurement.body_fat_percent, 2.0, 75.0);
    fields.finish(BodyMeasurementRow {
        customer_id: measurement.customer_id,
        measured_on_day,
        weight_kg: measurement.weight_kg,
        body_fat_percent: measurement.body_fat_percent,
    })
}

/// The message of a stored measurement.
pub(crate) fn measurement_to_wire(row: BodyMeasurementRow) -> BodyMeasurement {
    BodyMeasurement {
        customer_id: row.customer_id,
        measured_on: Some(date(row.measured_on_day)),
        weight_kg: row.weight_kg,
        body_fat_percent: row.body_fat_percent,
    }
}

/// Checks a day of eating; `latest_day` is the last day that may be logged, counted from 1970.
pub(crate) fn intake_from_wire(intake: Intake, latest_day: i32) -> Result<IntakeRow, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &intake.customer_id);
    let eaten_on_day = day(&mut fields, "eaten_on", intake.eaten_on, latest_day);
    if (20_000.0..=200_000.0).contains(&intake.energy_kcal) {
        fields.refuse(
            "energy_kcal",
            "must be a number from 0 to 20000; this looks like kJ, of which 4.184 are a kcal",
        );
    } else {
        fields.number("energy_kcal", intake.energy_kcal, 0.0, 20_000.0);
    }
    fields.optional_number("protein_g", intake.protein_g, 0.0, 2_000.0);
    fields.optional_number("fat_g", intake.fat_g, 0.0, 2_000.0);
    fields.optional_number("carbohydrate_g", intake.carbohydrate_g, 0.0, 5_000.0);
    fields.finish(IntakeRow {
        customer_id: intake.customer_id,
        eaten_on_day,
        energy_kcal: intake.energy_kcal,
        protein_g: intake.protein_g,
        fat_g: intake.fat_g,
        carbohydrate_g: intake.carbohydrate_g,
    })
}

/// The message of a stored day of eating.
pub(crate) fn intake_to_wire(row: IntakeRow) -> Intake {
    Intake {
        customer_id: row.customer_id,
        eaten_on: Some(date(row.eaten_on_day)),
        energy_kcal: row.energy_kcal,
        protein_g: row.protein_g,
        fat_g: row.fat_g,
        carbohydrate_g: row.carbohydrate_g,
    }
}

fn day(
    fields: &mut Fields,
    field: &str,
    day: Option<larder_proto::google::r#type::Date>,
    latest_day: i32,
) -> i32 {
    let Some(date) = day else {
        fields.refuse(field, "must be told");
        return 0;
    };
    match fields.day(field, &date) {
        Some(day) if day > latest_day => {
            fields.refuse(field, "must not be after tomorrow");
            0
        }
        day => day.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use larder_proto::google::r#type::Date;

    use super::*;

    const TODAY: i32 = 20_000;

    #[test]
    fn each_bad_field_of_a_log_is_named() {
        let measurement = BodyMeasurement {
            customer_id: "a b".into(),
            measured_on: Some(date(TODAY + 2)),
            weight_kg: f64::NAN,
            body_fat_percent: Some(90.0),
        };
        let Err(Error::Invalid(violations)) = measurement_from_wire(measurement, TODAY + 1) else {
            panic!("must be refused")
        };
        let names: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(names, ["customer_id", "measured_on", "weight_kg", "body_fat_percent"]);
        let nothing = intake_from_wire(Intake::default(), TODAY).unwrap_err().to_string();
        assert!(nothing.contains("eaten_on: must be told"), "{nothing}");
    }

    #[test]
    fn joules_are_told_apart_from_calories() {
        let eaten_on = Some(Date { year: 2024, month: 1, day: 1 });
        let intake = Intake { customer_id: "c".into(), eaten_on, energy_kcal: 20_500.0, ..Intake::default() };
        let refused = intake_from_wire(intake.clone(), TODAY).unwrap_err().to_string();
        assert!(refused.contains("looks like kJ"), "{refused}");
        assert!(intake_from_wire(Intake { energy_kcal: 2_050.0, ..intake }, TODAY).is_ok());
    }
}
