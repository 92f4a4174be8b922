//! Legal holds: whoever deletes is refused, whichever way they come, until the last hold is released.

use larder_proto::larder::catalog::v1 as catalog;
use larder_recommendation::SCHEMA;

use super::*;

async fn holds(guest: &mut Guest, include_released: bool) -> Vec<LegalHold> {
    let request = ListLegalHoldsRequest { include_released, ..Default::default() };
    guest.privacy.list_legal_holds(request).await.unwrap().into_inner().holds
}

#[tokio::test]
async fn nothing_about_a_held_customer_is_deleted_by_any_way() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    seed(&house, "shop", "zoe-smith", 40).await;
    seed(&house, "shop", "yan-jones", 40).await;
    let admin = house.database.admin_pool();
    let shown = "update recommendation.customers set deleted_at = null";
    sqlx::query(shown).execute(&admin).await.unwrap();
    let first = hold(&mut guest, "zoe-smith").await;
    let second = hold(&mut guest, "zoe-smith").await;
    assert_eq!((first.set_by.as_str(), first.reason.as_str()), ("test", "case 7"));
    assert!(holds(&mut other, true).await.is_empty());
    for one in [&first, &second] {
        let erase = guest.privacy.erase_customer_data(erase_request("zoe-smith")).await.unwrap_err();
        let request = catalog::EraseCustomerRequest { customer_id: "zoe-smith".into() };
        let erase_as_before = guest.catalog.erase_customer(request).await.unwrap_err();
        let request = catalog::DeleteCustomerRequest { customer_id: "zoe-smith".into() };
        let delete = guest.catalog.delete_customer(request).await.unwrap_err();
        for refused in [erase, erase_as_before, delete] {
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::FailedPrecondition, "UNDER_LEGAL_HOLD")
            );
        }
        let released = release(&mut guest, &one.hold_id).await;
        assert_eq!(
            (released.released_by.as_str(), released.release_reason.as_str()),
            ("test", "case 7 is closed")
        );
    }
    assert!(holds(&mut guest, false).await.is_empty());
    assert_eq!(holds(&mut guest, true).await.len(), 2);
    let erased = guest.privacy.erase_customer_data(erase_request("zoe-smith")).await.unwrap().into_inner();
    assert!(!erased.erased_before);
    assert!(holds(&mut guest, true).await.is_empty(), "holds that are over go too");
}

#[tokio::test]
async fn the_database_itself_refuses_whoever_forgets_to_ask() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    seed(&house, "shop", "zoe-smith", 40).await;
    seed(&house, "shop", "yan-jones", 40).await;
    hold(&mut guest, "zoe-smith").await;
    let tenant = larder_identity::TenantId::parse("shop").unwrap();
    let pool = house.database.app_pool(SCHEMA);
    for (table, column) in [
        ("customers", "customer_id"),
        ("interactions", "customer_id"),
        ("budgets", "customer_id"),
        ("body_measurements", "customer_id"),
        ("intakes", "customer_id"),
        ("exposures", "subject"),
    ] {
        let mut transaction = larder_database::begin_tenant(&pool, &tenant).await.unwrap();
        let of = |customer: &str| {
            sqlx::AssertSqlSafe(format!("delete from recommendation.{table} where {column} = '{customer}'"))
        };
        let gone = sqlx::query(of("yan-jones")).execute(&mut *transaction).await.unwrap();
        assert_eq!(gone.rows_affected(), 1, "{table}");
        let refused = sqlx::query(of("zoe-smith")).execute(&mut *transaction).await.unwrap_err();
        assert_eq!(larder_database::constraint(&refused), Some("legal_holds_keep"), "{table}: {refused}");
    }
}

#[tokio::test]
async fn a_hold_waits_for_a_deletion_under_way_and_holds_back_the_next() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    seed(&house, "shop", "zoe-smith", 40).await;
    let tenant = larder_identity::TenantId::parse("shop").unwrap();
    let pool = house.database.app_pool(SCHEMA);
    let mut deleting = larder_database::begin_tenant(&pool, &tenant).await.unwrap();
    let intakes = "delete from recommendation.intakes where customer_id = 'zoe-smith'";
    sqlx::query(intakes).execute(&mut *deleting).await.unwrap();
    let mut holder = guest.clone();
    let holding = tokio::spawn(async move { hold(&mut holder, "zoe-smith").await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!holding.is_finished(), "it is not acknowledged while something is being deleted");
    deleting.commit().await.unwrap();
    holding.await.unwrap();
    assert_eq!(export(&mut guest, "zoe-smith").await["rowCounts"]["intakes"], 0);
    let mut deleting = larder_database::begin_tenant(&pool, &tenant).await.unwrap();
    let budgets = "delete from recommendation.budgets where customer_id = 'zoe-smith'";
    assert!(sqlx::query(budgets).execute(&mut *deleting).await.is_err());
}

#[tokio::test]
async fn holds_want_a_known_customer_and_a_reason() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    seed(&house, "shop", "zoe-smith", 40).await;
    let request = SetLegalHoldRequest { customer_id: "nobody".into(), reason: "case 7".into() };
    assert_eq!(guest.privacy.set_legal_hold(request).await.unwrap_err().code(), Code::NotFound);
    let request = SetLegalHoldRequest { customer_id: "zoe-smith".into(), reason: "case 7".into() };
    assert_eq!(other.privacy.set_legal_hold(request).await.unwrap_err().code(), Code::NotFound);
    let request = SetLegalHoldRequest { customer_id: "zoe-smith".into(), reason: " ".into() };
    let refused = guest.privacy.set_legal_hold(request).await.unwrap_err();
    assert_eq!(refused.message(), "reason: must say why");
    let held = hold(&mut guest, "zoe-smith").await;
    let request = ReleaseLegalHoldRequest { hold_id: held.hold_id.clone(), reason: String::new() };
    let refused = guest.privacy.release_legal_hold(request).await.unwrap_err();
    assert_eq!(refused.message(), "reason: must be 1 to 500 characters long");
    let request = ReleaseLegalHoldRequest { hold_id: held.hold_id, reason: "over".into() };
    assert_eq!(other.privacy.release_legal_hold(request).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(holds(&mut guest, false).await.len(), 1);
}
