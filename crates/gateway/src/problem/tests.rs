//! The table of codes, and what of a status becomes part of the document.

use super::*;
use tonic::Status;

fn json(problem: &Problem) -> serde_json::Value {
    serde_json::from_slice(&problem.to_json("/v1/products/a", Some("c-1"))).unwrap()
}

#[test]
fn every_code_has_its_status() {
    let expected = [
        (Code::InvalidArgument, 400),
        (Code::FailedPrecondition, 400),
        (Code::OutOfRange, 400),
        (Code::Unauthenticated, 401),
        (Code::PermissionDenied, 403),
        (Code::NotFound, 404),
        (Code::AlreadyExists, 409),
        (Code::Aborted, 409),
        (Code::ResourceExhausted, 429),
        (Code::Cancelled, 499),
        (Code::Internal, 500),
        (Code::Unknown, 500),
        (Code::DataLoss, 500),
        (Code::Unimplemented, 501),
        (Code::Unavailable, 503),
        (Code::DeadlineExceeded, 504),
    ];
    for (code, status) in expected {
        assert_eq!(Problem::new(code, "x").0.status.as_u16(), status, "{code:?}");
    }
}

#[test]
fn details_become_members_and_headers() {
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation("filter.max_price.units", "must not be negative");
    details.set_error_info("OUT_OF_STOCK", "larder", [("product_id".to_owned(), "a".to_owned())]);
    details.set_retry_info(Some(Duration::from_millis(1500)));
    details.set_debug_info(["stack frame".to_owned()], "secret");
    let status = Status::with_error_details(Code::Unavailable, "not now", details);
    let problem = Problem::from_status(&status);
    let document = json(&problem);
    assert_eq!(document["type"], "urn:larder:problem:unavailable");
    assert_eq!(document["code"], "UNAVAILABLE");
    assert_eq!(document["reason"], "OUT_OF_STOCK");
    assert_eq!(document["metadata"]["product_id"], "a");
    assert_eq!(document["errors"][0]["field"], "filter.maxPrice.units");
    assert_eq!(document["correlationId"], "c-1");
    assert!(!document.to_string().contains("stack frame") && !document.to_string().contains("secret"));
    let response = problem.into_response("/", None);
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[test]
fn inner_text_stays_inside() {
    for code in [Code::Internal, Code::Unknown, Code::DataLoss] {
        let problem = Problem::from_status(&Status::new(code, "SELECT * FROM /var/lib"));
        assert!(!json(&problem).to_string().contains("SELECT"));
    }
}

#[test]
fn unauthenticated_says_how_to_authenticate() {
    let response = Problem::new(Code::Unauthenticated, "no key").into_response("/", None);
    assert!(response.headers().contains_key("www-authenticate"));
}
