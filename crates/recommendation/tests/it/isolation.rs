//! One tenant cannot read, write or count another's rows, and a foreign id answers like a
//! missing one. The last test drops a policy and sees the walls fall: they are real.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::SCHEMA;
use larder_testkit::TestDatabase;
use tonic::Status;

use crate::house::{House, product, purchase};

/// Everything of a refusal that a caller can see, without the id it asked for.
fn seen(status: &Status, id: &str) -> String {
    format!("{:?} {} {:?}", status.code(), status.message().replace(id, "ID"), status.details().len())
}

#[tokio::test]
async fn a_foreign_id_answers_like_a_missing_one() {
    let house = House::open().await;
    let (mut owner, mut other) = (house.guest("owner").await, house.guest("other").await);
    owner.stock_shop().await;
    other.upsert(vec![product("own", "A")]).await;
    owner.train_well().await;
    for id in ["bread", "missing"] {
        let get = other.catalog.get_product(GetProductRequest { product_id: id.into() }).await.unwrap_err();
        let delete =
            other.catalog.delete_product(DeleteProductRequest { product_id: id.into() }).await.unwrap_err();
        let request = RecommendSimilarRequest { product_id: id.into(), ..Default::default() };
        let similar = other.recommendations.recommend_similar(request).await.unwrap_err();
        for refused in [&get, &delete, &similar] {
            assert_eq!(seen(refused, id), seen(&get, id));
        }
    }
    let erase = EraseCustomerRequest { customer_id: "ann".into() };
    let erased = other.catalog.erase_customer(erase).await.unwrap().into_inner();
    assert_eq!((erased.interaction_count, erased.customer_count), (0, 0));
    assert_eq!(owner.recommend("ann").await.recommendations.len(), 6);
}

#[tokio::test]
async fn lists_and_answers_hold_the_callers_rows_alone() {
    let house = House::open().await;
    let (mut owner, mut other) = (house.guest("owner").await, house.guest("other").await);
    owner.stock_shop().await;
    owner.train_well().await;
    other.upsert(vec![product("own", "A")]).await;
    other.record(vec![purchase("ann", "own", 1)]).await;
    let products = other.catalog.list_products(ListProductsRequest::default()).await.unwrap().into_inner();
    assert_eq!(products.products.len(), 1);
    let transactions = other.catalog.list_transactions(ListTransactionsRequest::default()).await.unwrap();
    assert_eq!(transactions.into_inner().transactions.len(), 1);
    let models = other.recommendations.list_models(ListModelsRequest::default()).await.unwrap().into_inner();
    assert!(models.models.is_empty());
    let answer = other.recommend("ann").await;
    assert!(answer.recommendations.iter().all(|item| item.product_id == "own"));
}

#[tokio::test]
async fn the_same_event_id_of_two_tenants_is_two_events() {
    let house = House::open().await;
    for tenant in ["one", "two"] {
        let answer = house.guest(tenant).await.record(vec![purchase("ann", "bread", 1)]).await;
        assert_eq!(answer.duplicate_count, 0, "{tenant}");
    }
}

/// Counts what the app role sees of a table as a tenant, with no condition in the query:
/// row-level security alone stands between the tenants here.
async fn visible(database: &TestDatabase, table: &str, tenant: &str) -> i64 {
    let pool = database.app_pool(SCHEMA);
    let tenant = larder_identity::TenantId::parse(tenant).unwrap();
    let mut transaction = larder_database::begin_tenant(&pool, &tenant).await.unwrap();
    let query = format!("select count(*) from {SCHEMA}.{table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut *transaction).await.unwrap()
}

const TABLES: [&str; 37] = [
    "body_measurements",
    "budgets",
    "connection_states",
    "connections",
    "customers",
    "demand_models",
    "erasure_reports",
    "erasures",
    "experiments",
    "exposures",
    "food_matches",
    "idempotency_keys",
    "import_parts",
    "import_purchases",
    "import_undo",
    "imports",
    "intakes",
    "interactions",
    "legal_holds",
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

#[tokio::test]
async fn every_table_is_walled_and_a_dropped_policy_shows() {
    let mut house = House::open().await;
    let mut owner = house.guest("owner").await;
    owner.stock_shop().await;
    owner.train_well().await;
    house.stop().await;
    let admin = house.database.admin_pool();
    let walled: Vec<String> = sqlx::query_scalar(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'recommendation' and c.relkind = 'r' and c.relname <> '_sqlx_migrations'
               and c.relrowsecurity and c.relforcerowsecurity order by 1",
    )
    .fetch_all(&admin)
    .await
    .unwrap();
    let mut expected = TABLES.to_vec();
    expected.sort_unstable();
    assert_eq!(walled, expected, "every table has row-level security, forced");
    for table in ["products", "interactions", "models", "model_promotions"] {
        assert!(visible(&house.database, table, "owner").await > 0, "{table}");
        assert_eq!(visible(&house.database, table, "other").await, 0, "{table}");
        let fall = format!("create policy hole on {SCHEMA}.{table} to {SCHEMA}_app using (true)");
        sqlx::query(sqlx::AssertSqlSafe(fall)).execute(&admin).await.unwrap();
        assert!(visible(&house.database, table, "other").await > 0, "{table}: this test cannot fail");
    }
}

#[tokio::test]
async fn a_row_of_another_tenant_cannot_be_written() {
    let house = House::open().await;
    let pool = house.database.app_pool(SCHEMA);
    let tenant = larder_identity::TenantId::parse("mine").unwrap();
    let mut transaction = larder_database::begin_tenant(&pool, &tenant).await.unwrap();
    let refused = sqlx::query("insert into recommendation.tenants (tenant_id) values ('other')")
        .execute(&mut *transaction)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("row-level security"), "{refused}");
}
