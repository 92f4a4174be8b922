//! The model card as Markdown and as JSON. Nothing is rounded in JSON, and nothing is left out of
//! either.

use larder_proto::larder::recommendation::v1::{MeasuredValue, MethodEvaluation, ModelCard};
use serde_json::{Value, json};

use crate::commands::models::instant;

/// The card for people.
pub(super) fn markdown(card: &ModelCard, verdict: &str, reason: &str) -> String {
    let at = |at: &Option<_>| instant(at.as_ref()).unwrap_or_default();
    let mut lines = vec![
        "# Model card".to_owned(),
        String::new(),
        format!("- data: {} to {}", at(&card.data_from), at(&card.data_until)),
        format!(
            "- learnt from what came before {}; foretold: the {} days after it",
            at(&card.split_at),
            card.horizon_days
        ),
        format!(
            "- {} customers, lists of {}, ranked from all products; intervals hold the true value 95 times in 100",
            card.evaluated_customer_count, card.list_length
        ),
        format!("- verdict: **{verdict}**: {reason}"),
    ];
    if let Some(gain) = &card.ndcg_gain_over_promoted {
        lines.push(format!("- nDCG against the model that serves, paired by customer: {}", signed(gain)));
    }
    lines.push(format!(
        "- cost: {:.1} s, {} MiB of memory at most",
        card.training_seconds,
        card.peak_memory_bytes / 1_048_576
    ));
    lines.push(String::new());
    lines.push(
        "| method | nDCG | recall | repeat recall | explore recall | coverage | novelty, bits |".to_owned(),
    );
    lines.push("| --- | --- | --- | --- | --- | --- | --- |".to_owned());
    lines.extend(card.methods.iter().map(row));
    lines.push(String::new());
    lines.push("| part | value |".to_owned());
    lines.push("| --- | --- |".to_owned());
    lines.extend(card.parts.iter().map(|(part, value)| format!("| {part} | {value} |")));
    lines.join("\n")
}

fn row(method: &MethodEvaluation) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {:.1} % | {:.2} |",
        method.method,
        measured(&method.ndcg),
        measured(&method.recall),
        measured(&method.repeat_recall),
        measured(&method.explore_recall),
        method.coverage * 100.0,
        method.novelty_bits
    )
}

fn measured(value: &Option<MeasuredValue>) -> String {
    let Some(MeasuredValue { value, low, high }) = value else { return "–".to_owned() };
    format!("{value:.4} ({low:.4} to {high:.4})")
}

fn signed(MeasuredValue { value, low, high }: &MeasuredValue) -> String {
    format!("{value:+.4} ({low:+.4} to {high:+.4})")
}

/// The card for programs.
pub(super) fn json(card: &ModelCard, verdict: &str, reason: &str) -> Value {
    let methods: Vec<Value> = card
        .methods
        .iter()
        .map(|method| {
            json!({
                "method": method.method,
                "ndcg": interval(&method.ndcg),
                "recall": interval(&method.recall),
                "repeatRecall": interval(&method.repeat_recall),
                "exploreRecall": interval(&method.explore_recall),
                "coverage": method.coverage,
                "noveltyBits": method.novelty_bits,
            })
        })
        .collect();
    json!({
        "modelVersion": card.model_version,
        "dataFrom": instant(card.data_from.as_ref()),
        "dataUntil": instant(card.data_until.as_ref()),
        "splitAt": instant(card.split_at.as_ref()),
        "horizonDays": card.horizon_days,
        "listLength": card.list_length,
        "evaluatedCustomerCount": card.evaluated_customer_count,
        "verdict": verdict,
        "reason": reason,
        "methods": methods,
        "ndcgGainOverPromoted": interval(&card.ndcg_gain_over_promoted),
        "trainingSeconds": card.training_seconds,
        "peakMemoryBytes": card.peak_memory_bytes,
        "parts": card.parts,
    })
}

fn interval(value: &Option<MeasuredValue>) -> Value {
    match value {
        Some(MeasuredValue { value, low, high }) => json!({"value": value, "low": low, "high": high}),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let value = |value| Some(MeasuredValue { value, low: value - 0.01, high: value + 0.01 });
        let method = |name: &str, ndcg| MethodEvaluation {
            method: name.into(),
            ndcg: value(ndcg),
            recall: value(0.15),
            repeat_recall: value(0.2),
            explore_recall: None,
            coverage: 0.25,
            novelty_bits: 3.5,
        };
        ModelCard {
            model_version: String::new(),
            data_from: at(1_500_000_000),
            data_until: at(1_510_000_000),
            split_at: at(1_507_580_800),
            horizon_days: 28,
            list_length: 20,
            evaluated_customer_count: 1_200,
            methods: vec![method("model", 0.38), method("popularity", 0.12)],
            ndcg_gain_over_promoted: value(0.02),
            training_seconds: 12.34,
            peak_memory_bytes: 512 * 1_048_576,
            parts: [("products".to_owned(), "4631".to_owned())].into(),
        }
    }

    #[test]
    fn a_card_tells_people_everything() {
        let text = markdown(&card(), "promote", "not worse");
        for part in [
            "- data: 2017-07-14T02:40:00Z to 2017-11-06T20:26:40Z",
            "1200 customers, lists of 20",
            "verdict: **promote**: not worse",
            "+0.0200 (+0.0100 to +0.0300)",
            "12.3 s, 512 MiB",
            "| model | 0.3800 (0.3700 to 0.3900) | 0.1500 (0.1400 to 0.1600) | 0.2000 (0.1900 to 0.2100) | – | 25.0 % | 3.50 |",
            "| products | 4631 |",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn a_card_tells_programs_the_same() {
        let told = json(&card(), "promote", "not worse");
        assert_eq!(told["methods"][0]["ndcg"]["value"], 0.38);
        assert!(told["methods"][0]["exploreRecall"].is_null());
        assert_eq!(told["evaluatedCustomerCount"], 1_200);
        assert_eq!(told["parts"]["products"], "4631");
    }
}
