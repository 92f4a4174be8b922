//! Personal data: all of it is exported, erased with proof and held, and the inventory that says what it is is the schema's.

mod erasing;
mod holding;
mod letting_go;

use std::collections::{BTreeMap, BTreeSet};

use larder_proto::larder::privacy::v1::*;
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{DAY_S, Guest, House, NOW_S};

/// Tables without a row about a customer. Whoever adds a table puts it here, or into the inventory.
const WITHOUT_CUSTOMERS: [&str; 29] = [
    "connection_states",
    "connections",
    "demand_models",
    "erasure_reports",
    "erasures",
    "experiments",
    "food_matches",
    "idempotency_keys",
    "import_parts",
    "import_purchases",
    "imports",
    "market_changes",
    "market_days",
    "market_feedback",
    "market_outlooks",
    "market_plans",
    "market_products",
    "markets",
    "model_promotions",
    "models",
    "products",
    "promotions",
    "retention_runs",
    "sale_hours",
    "sales",
    "shop_products",
    "stock_counts",
    "tenants",
    "webhook_events",
];

/// Rows about a customer in every table that has any, 40 days old, and in whatever else may name them.
const SEED: [&str; 11] = [
    "insert into recommendation.tenants (tenant_id) select $1 where $2 <> '' and $3 > 0 on conflict do nothing",
    "insert into recommendation.customers
         (tenant_id, customer_id, name, sex, activity_level, goal, diets, allergens, attributes, deleted_at)
     values ($1, $2, 'Name of ' || $2, 0, 0, 0, '{}', '{milk}',
             jsonb_build_object('email', $2 || '@example.org'), to_timestamp($3))",
    "insert into recommendation.interactions
         (tenant_id, event_id, customer_id, product_id, kind, quantity, occurred_at)
     values ($1, $2 || '-event', $2, 'bread', 3, 1, to_timestamp($3))",
    "insert into recommendation.budgets
         (tenant_id, budget_id, name, customer_id, category, amount_micros, amount_currency, starts_on, ends_on)
     values ($1, $2 || '-budget', 'Food', $2, '', 1, 'EUR', to_timestamp($3)::date, to_timestamp($3)::date)",
    "insert into recommendation.body_measurements (tenant_id, customer_id, measured_on, weight_kg)
     values ($1, $2, to_timestamp($3)::date, 70)",
    "insert into recommendation.intakes (tenant_id, customer_id, eaten_on, energy_kcal)
     values ($1, $2, to_timestamp($3)::date, 2000)",
    "insert into recommendation.exposures
         (tenant_id, recommendation_id, subject, placement, model_version, shown_at, exploration, fixed_places,
          shown_positions, propensities, product_ids, pool_product_ids, pool_scores, pool_relevances, pool_repeats)
     values ($1, md5($2), $2, 'home', 'm', to_timestamp($3), 0, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
    "insert into recommendation.imports (tenant_id, import_id, kind, file_name, part_count, created_at)
     values ($1, md5($2), 'customers', 'list.csv', 1, to_timestamp($3))
     on conflict do nothing",
    "insert into recommendation.import_undo (tenant_id, import_id, row_id, before)
     select $1, md5($2), $2, jsonb_build_object('customer_id', $2, 'name', 'Name before') where $3 > 0",
    "insert into recommendation.import_parts (tenant_id, import_id, part, content)
     select $1, md5($2), 0, convert_to('customer_id' || chr(10) || $2, 'UTF8') where $3 > 0",
    "insert into recommendation.import_purchases (tenant_id, import_id, batch, event_ids)
     select $1, md5($2), 0, array[$2 || '-event', 'of-somebody-else'] where $3 > 0
     on conflict do nothing",
];

/// Makes rows about a customer in every table, `age_days` old.
async fn seed(house: &House, tenant: &str, customer: &str, age_days: i64) {
    let admin = house.database.admin_pool();
    for statement in SEED {
        let at_s = (NOW_S - age_days * DAY_S) as f64;
        sqlx::query(statement).bind(tenant).bind(customer).bind(at_s).execute(&admin).await.unwrap();
    }
}

/// The whole document of an export.
async fn export(guest: &mut Guest, customer_id: &str) -> Value {
    let request = ExportCustomerRequest { customer_id: customer_id.into() };
    let mut parts = guest.privacy.export_customer(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = parts.message().await.unwrap() {
        bytes.extend(message.part.unwrap().data);
    }
    serde_json::from_slice(&bytes).unwrap()
}

async fn hold(guest: &mut Guest, customer_id: &str) -> LegalHold {
    let request = SetLegalHoldRequest { customer_id: customer_id.into(), reason: "case 7".into() };
    guest.privacy.set_legal_hold(request).await.unwrap().into_inner().hold.unwrap()
}

async fn release(guest: &mut Guest, hold_id: &str) -> LegalHold {
    let request = ReleaseLegalHoldRequest { hold_id: hold_id.into(), reason: "case 7 is closed".into() };
    guest.privacy.release_legal_hold(request).await.unwrap().into_inner().hold.unwrap()
}

fn erase_request(customer_id: &str) -> EraseCustomerDataRequest {
    EraseCustomerDataRequest { customer_id: customer_id.into(), reason: "asked by letter".into() }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn an_export_has_a_row_of_every_table_and_nobody_elses() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    seed(&house, "shop", "zoe-smith", 40).await;
    seed(&house, "shop", "yan-jones", 40).await;
    seed(&house, "other", "zoe-smith", 40).await;
    hold(&mut guest, "zoe-smith").await;
    let whole = export(&mut guest, "zoe-smith").await;
    assert_eq!((&whole["customerId"], &whole["tenantId"]), (&"zoe-smith".into(), &"shop".into()));
    let tables = whole["tables"].as_object().unwrap();
    assert!(tables.len() >= 8, "{:?}", tables.keys());
    for (name, table) in tables {
        let rows = table["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{name}: {table}");
        assert_eq!(whole["rowCounts"][name], 1, "{name}");
        let told: BTreeSet<_> = table["columns"].as_object().unwrap().keys().collect();
        let there: BTreeSet<_> = rows[0].as_object().unwrap().keys().collect();
        assert_eq!(told, there, "{name}: every column is told");
    }
    assert_eq!(tables["customers"]["rows"][0]["attributes"]["email"], "zoe-smith@example.org");
    assert!(!whole.to_string().contains("yan-jones"));
    assert_eq!(export(&mut guest, "yan-jones").await["rowCounts"]["legal_holds"], 0);
}

#[tokio::test]
async fn an_export_under_way_is_whole_whoever_erases_meanwhile() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    seed(&house, "shop", "zoe-smith", 40).await;
    sqlx::query(
        "insert into recommendation.interactions
             (tenant_id, event_id, customer_id, product_id, kind, quantity, occurred_at)
         select 'shop', 'e-' || number, 'zoe-smith', 'bread', 3, 1, now() from generate_series(1, 20000) as number",
    )
    .execute(&house.database.admin_pool())
    .await
    .unwrap();
    let request = ExportCustomerRequest { customer_id: "zoe-smith".into() };
    let mut parts = guest.privacy.export_customer(request).await.unwrap().into_inner();
    let first = parts.message().await.unwrap().unwrap();
    assert_eq!(first.file_name, "customer-zoe-smith.json");
    let erased = guest.privacy.erase_customer_data(erase_request("zoe-smith")).await.unwrap().into_inner();
    assert!(!erased.erased_before);
    let mut bytes = first.part.unwrap().data;
    while let Some(message) = parts.message().await.unwrap() {
        bytes.extend(message.part.unwrap().data);
    }
    let whole: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(whole["tables"]["interactions"]["rows"].as_array().unwrap().len(), 20_001);
    let request = ExportCustomerRequest { customer_id: "zoe-smith".into() };
    assert_eq!(guest.privacy.export_customer(request).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_inventory_is_what_the_schema_has() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let request = GetPrivacyDocumentRequest { kind: "inventory".into() };
    let record = guest.privacy.get_privacy_document(request).await.unwrap().into_inner();
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns
         where table_schema = 'recommendation' and table_name <> '_sqlx_migrations' and column_name <> 'tenant_id'",
    )
    .fetch_all(&house.database.admin_pool())
    .await
    .unwrap();
    let mut schema: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, column) in rows {
        schema.entry(table).or_default().insert(column);
    }
    // It has no other column than the tenant's.
    schema.entry("tenants".to_owned()).or_default();
    let told: BTreeMap<_, BTreeSet<_>> = record
        .sections
        .iter()
        .filter(|section| section.columns.first().is_some_and(|column| column == "column"))
        .map(|section| {
            (section.heading.clone(), section.rows.iter().map(|row| row.cells[0].clone()).collect())
        })
        .collect();
    for (table, columns) in &schema {
        match told.get(table) {
            Some(told) => assert_eq!(told, columns, "{table}"),
            None => {
                assert!(
                    WITHOUT_CUSTOMERS.contains(&table.as_str()),
                    "{table} is a table that nobody looked at"
                );
                let names = |column: &&String| *column == "customer_id" || *column == "subject";
                assert_eq!(columns.iter().find(names), None, "{table} has rows about customers");
            }
        }
    }
    assert!(told.keys().all(|table| schema.contains_key(table)), "{:?}", told.keys());
    let guarded: Vec<String> = sqlx::query_scalar(
        "select event_object_table::text from information_schema.triggers
         where trigger_schema = 'recommendation' and trigger_name = 'legal_holds_keep' order by 1",
    )
    .fetch_all(&house.database.admin_pool())
    .await
    .unwrap();
    let without = ["import_undo", "legal_holds"];
    let expected: Vec<_> = told.keys().filter(|table| !without.contains(&table.as_str())).cloned().collect();
    assert_eq!(guarded, expected, "no row about a customer is deleted under a hold");
}

#[tokio::test]
async fn documents_tell_what_is_set_and_mark_what_is_not() {
    let database = larder_testkit::TestDatabase::create(&[(
        larder_recommendation::SCHEMA,
        &larder_recommendation::migrator(),
    )])
    .await;
    let house = House::open_with(database, |settings| {
        settings.privacy.controller_name = Some("Corner Bakery".to_owned());
        settings.privacy.interactions_days = 730;
        settings.backup.folder_keep_days = 10;
        settings.backup.full_interval_days = 5;
    })
    .await;
    let mut guest = house.guest("shop").await;
    for kind in ["inventory", "notice", "agreement"] {
        let request = GetPrivacyDocumentRequest { kind: kind.into() };
        let document = guest.privacy.get_privacy_document(request).await.unwrap().into_inner();
        let text = &document.markdown;
        assert!(
            text.contains("Corner Bakery") && text.contains("730 days") && text.contains("15 days"),
            "{text}"
        );
        assert!(text.contains("[TO BE FILLED IN: privacy.controller_address]"), "{text}");
        assert!(document.missing_settings.contains(&"privacy.controller_address".to_owned()), "{kind}");
        assert!(!document.missing_settings.contains(&"privacy.controller_name".to_owned()), "{kind}");
    }
    let request = GetPrivacyDocumentRequest { kind: "contract".into() };
    let refused = guest.privacy.get_privacy_document(request).await.unwrap_err();
    assert_eq!(refused.message(), "kind: must be one of inventory, notice, agreement");
}
