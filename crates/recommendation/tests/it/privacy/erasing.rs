//! Erasure with proof: nothing is left, the report says so, and whoever changes it is found out.

use larder_proto::larder::catalog::v1 as catalog;
use sqlx::AssertSqlSafe;

use super::*;

/// Where in the schema a text still stands among the rows of a tenant.
async fn places_of(house: &House, tenant: &str, text: &str) -> Vec<String> {
    let admin = house.database.admin_pool();
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text, data_type::text from information_schema.columns
         where table_schema = 'recommendation' and table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&admin)
    .await
    .unwrap();
    let mut found = Vec::new();
    for (table, column, kind) in columns {
        let holds = if kind == "bytea" {
            format!("position(convert_to($2, 'UTF8') in {column}) > 0")
        } else {
            format!("position($2 in {column}::text) > 0")
        };
        let query = format!("select count(*) from recommendation.{table} where tenant_id = $1 and {holds}");
        let rows: i64 =
            sqlx::query_scalar(AssertSqlSafe(query)).bind(tenant).bind(text).fetch_one(&admin).await.unwrap();
        if rows > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

async fn verify(guest: &mut Guest, report: &ErasureReport, copy: &str) -> VerifyErasureReportResponse {
    let request = VerifyErasureReportRequest {
        erasure_id: report.erasure_id.clone(),
        report_json: copy.to_owned(),
        customer_id: "zoe-smith".into(),
    };
    guest.privacy.verify_erasure_report(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_erasure_leaves_nothing_and_proves_it_without_naming_anybody() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    for (tenant, customer) in [("shop", "zoe-smith"), ("shop", "yan-jones"), ("other", "zoe-smith")] {
        seed(&house, tenant, customer, 40).await;
    }
    let held = hold(&mut guest, "zoe-smith").await;
    release(&mut guest, &held.hold_id).await;
    let before = places_of(&house, "shop", "zoe-smith").await;
    for place in ["customers.attributes", "import_parts.content", "import_purchases.event_ids"] {
        assert!(before.contains(&place.to_owned()), "{place} is searched: {before:?}");
    }
    let others = places_of(&house, "other", "zoe-smith").await;
    let erased = guest.privacy.erase_customer_data(erase_request("zoe-smith")).await.unwrap().into_inner();
    assert_eq!(places_of(&house, "shop", "zoe-smith").await, Vec::<String>::new());
    assert_eq!(places_of(&house, "shop", "Name of zoe").await, Vec::<String>::new());
    assert_eq!(places_of(&house, "other", "zoe-smith").await, others);
    assert!(places_of(&house, "shop", "yan-jones").await.contains(&"interactions.customer_id".to_owned()));
    let report = erased.report.unwrap();
    assert!(!erased.erased_before && !report.report_json.contains("zoe"), "{}", report.report_json);
    assert_eq!((report.reason.as_str(), report.erased_by.as_str()), ("asked by letter", "test"));
    assert!(report.removed.len() >= 8 && report.removed.iter().all(|rows| rows.row_count == 1), "{report:?}");
    assert_eq!(report.backups.len(), 1, "{report:?}");
    let verdict = verify(&mut guest, &report, &report.report_json).await;
    assert!(verdict.intact && verdict.follows_previous && verdict.names_customer, "{verdict:?}");
    assert!(verdict.found.is_empty() && verdict.problems.is_empty(), "{verdict:?}");
    let foreign = GetErasureReportRequest { erasure_id: report.erasure_id.clone() };
    assert_eq!(other.privacy.get_erasure_report(foreign).await.unwrap_err().code(), Code::NotFound);
    let again = guest.privacy.erase_customer_data(erase_request("zoe-smith")).await.unwrap().into_inner();
    assert!(again.erased_before);
    assert_eq!(again.report.unwrap().digest, report.digest);
}

#[tokio::test]
async fn a_report_that_was_changed_or_taken_away_does_not_verify() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let mut reports = Vec::new();
    for customer in ["xia-brown", "zoe-smith"] {
        seed(&house, "shop", customer, 40).await;
        let erased = guest.privacy.erase_customer_data(erase_request(customer)).await.unwrap().into_inner();
        reports.push(erased.report.unwrap());
    }
    let (first, second) = (&reports[0], &reports[1]);
    assert_eq!((first.previous_digest.as_str(), &second.previous_digest), ("", &first.digest));
    let listed =
        guest.privacy.list_erasures(ListErasuresRequest { page_size: 1, ..Default::default() }).await;
    let listed = listed.unwrap().into_inner();
    assert_eq!(listed.erasures[0].erasure_id, second.erasure_id);
    let next = ListErasuresRequest { page_size: 1, page_token: listed.next_page_token };
    let next = guest.privacy.list_erasures(next).await.unwrap().into_inner();
    assert_eq!(next.erasures[0].erasure_id, first.erasure_id);
    assert_eq!(next.next_page_token, "");
    let copy = second.report_json.replace("\"rowCount\": 1", "\"rowCount\": 0");
    let verdict = verify(&mut guest, second, &copy).await;
    assert!(!verdict.intact && verdict.problems.len() == 1, "{verdict:?}");
    assert!(!verify(&mut guest, first, "").await.names_customer, "it is about somebody else");
    let admin = house.database.admin_pool();
    let change =
        "update recommendation.erasure_reports set report = replace(report, 'by letter', 'by nobody')
                  where erasure_id = $1";
    sqlx::query(change).bind(&first.erasure_id).execute(&admin).await.unwrap();
    assert!(!verify(&mut guest, first, "").await.intact, "what is kept here was changed");
    let verdict = verify(&mut guest, second, "").await;
    assert!(verdict.intact && !verdict.follows_previous, "{verdict:?}");
    let gone = "delete from recommendation.erasure_reports where erasure_id = $1";
    sqlx::query(gone).bind(&first.erasure_id).execute(&admin).await.unwrap();
    assert!(!verify(&mut guest, second, "").await.follows_previous);
    seed(&house, "shop", "zoe-smith", 1).await;
    let verdict = verify(&mut guest, second, "").await;
    assert!(verdict.found.iter().any(|rows| rows.table == "customers"), "they came back: {verdict:?}");
}

#[tokio::test]
async fn the_report_tells_which_training_knows_nothing_any_more() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let erased = guest.privacy.erase_customer_data(erase_request("ann")).await.unwrap().into_inner();
    assert_eq!(erased.snapshot_count, 1);
    let report = erased.report.unwrap();
    assert_eq!(report.forgotten_by_model_version, "", "the model was trained before");
    for _ in 0..100 {
        guest.train().await;
        let request = GetErasureReportRequest { erasure_id: report.erasure_id.clone() };
        let now = guest.privacy.get_erasure_report(request).await.unwrap().into_inner().report.unwrap();
        assert_eq!(now.digest, report.digest);
        if !now.forgotten_by_model_version.is_empty() {
            assert!(now.forgotten_at.is_some());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no model ever forgot them");
}

#[tokio::test]
async fn what_cannot_be_erased_is_refused_and_changes_nothing() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    seed(&house, "shop", "zoe-smith", 40).await;
    for (customer_id, why, told) in [
        ("zoe-smith", "", "reason: must be 1 to 500 characters long"),
        ("zoe-smith", "asked by zoe-smith", "reason: must not name the customer, since it is kept"),
        ("zoe smith", "asked", "customer_id: must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -"),
    ] {
        let request = EraseCustomerDataRequest { customer_id: customer_id.into(), reason: why.into() };
        let refused = guest.privacy.erase_customer_data(request).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, told));
    }
    let unknown = guest.privacy.erase_customer_data(erase_request("nobody")).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.message()), (Code::NotFound, "customer not found"));
    let foreign = other.privacy.erase_customer_data(erase_request("zoe-smith")).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (Code::NotFound, "customer not found"));
    assert!(places_of(&house, "shop", "zoe-smith").await.contains(&"import_parts.content".to_owned()));
    let listed = guest.privacy.list_erasures(ListErasuresRequest::default()).await.unwrap().into_inner();
    assert!(listed.erasures.is_empty());
    // The older call goes the same way, and answers for whom nobody knows with zeros.
    let request = catalog::EraseCustomerRequest { customer_id: "zoe-smith".into() };
    let erased = guest.catalog.erase_customer(request).await.unwrap().into_inner();
    assert_eq!((erased.customer_count, erased.interaction_count, erased.intake_count), (1, 1, 1));
    let listed = guest.privacy.list_erasures(ListErasuresRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.erasures.len(), 1);
    let request = catalog::EraseCustomerRequest { customer_id: "nobody".into() };
    assert_eq!(guest.catalog.erase_customer(request).await.unwrap().into_inner().customer_count, 0);
}
