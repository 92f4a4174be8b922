//! What is measured of certificates.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const ENDS_AT: &str = "larder_certificate_ends_timestamp_seconds";
const RELOADS: &str = "larder_certificate_reloads_total";
const REFUSED: &str = "larder_certificate_refused";

const ORDERS: &str = "larder_certificate_orders_total";

/// Describes every metric of certificates.
pub(crate) fn describe() {
    describe_gauge!(ENDS_AT, "When the certificate in force ends, in seconds since 1970, by what it is for");
    describe_counter!(
        RELOADS,
        "Changed certificate files, by what they are for and whether they were taken up"
    );
    describe_counter!(ORDERS, "Certificates asked for by ACME, by whether they came");
    describe_gauge!(
        REFUSED,
        "1 while the files of a certificate are refused and the one before stays in force"
    );
}

/// Counts a certificate that was asked for by ACME.
pub(crate) fn count_order(came: bool) {
    counter!(ORDERS, "outcome" => if came { "came" } else { "failed" }).increment(1);
}

/// Tells when the certificate in force ends.
pub(crate) fn set_end(certificate: &'static str, at_s: i64) {
    gauge!(ENDS_AT, "certificate" => certificate).set(at_s as f64);
}

/// Tells what became of changed files.
pub(crate) fn count_reload(certificate: &'static str, taken_up: bool) {
    let outcome = if taken_up { "taken_up" } else { "refused" };
    counter!(RELOADS, "certificate" => certificate, "outcome" => outcome).increment(1);
    set_refused(certificate, !taken_up);
}

/// Tells whether the files are refused now.
pub(crate) fn set_refused(certificate: &'static str, refused: bool) {
    gauge!(REFUSED, "certificate" => certificate).set(if refused { 1.0 } else { 0.0 });
}
