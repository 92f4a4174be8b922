//! What only the console measures: how pages do in people's browsers. Requests are measured at the gateway.

use metrics::{counter, describe_counter, describe_histogram, histogram};

const VITAL_SECONDS: &str = "larder_console_web_vital_seconds";
const LAYOUT_SHIFT: &str = "larder_console_layout_shift_ratio";
const BROWSER_ERRORS: &str = "larder_console_browser_errors_total";

/// Describes every metric of the console.
pub(crate) fn describe() {
    describe_histogram!(VITAL_SECONDS, "Web Vitals as browsers measured them (ttfb, fcp, lcp, inp), by page");
    describe_histogram!(LAYOUT_SHIFT, "How much pages moved while they were read (CLS), by page");
    describe_counter!(BROWSER_ERRORS, "Errors of the console's scripts in browsers, by page");
}

/// Keeps a measured time. Both names are of lists of our own.
pub(crate) fn keep_vital(vital: &'static str, page: &'static str, seconds: f64) {
    histogram!(VITAL_SECONDS, "vital" => vital, "page" => page).record(seconds);
}

/// Keeps how much a page moved.
pub(crate) fn keep_layout_shift(page: &'static str, ratio: f64) {
    histogram!(LAYOUT_SHIFT, "page" => page).record(ratio);
}

/// Counts an error in a browser.
pub(crate) fn count_browser_error(page: &'static str) {
    counter!(BROWSER_ERRORS, "page" => page).increment(1);
}
