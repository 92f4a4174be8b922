//! Maintenance as a file says: of one tenant and of everybody, with and without kept answers,
//! over JSON and gRPC.

use std::path::Path;
use std::time::Duration;

use larder_proto::larder::catalog::v1::GetProductRequest;
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use tokio::time::Instant;
use tonic::Code;

use crate::support::{Answer, Gateway, gateway_with, service, settings};

async fn maintained(file: &Path) -> Gateway {
    let mut settings = settings(service::start().await);
    settings.cache.enabled = true;
    settings.gateway.maintenance_file = Some(file.to_owned());
    gateway_with(settings, None).await
}

async fn get(gateway: &Gateway, tenant: &str, path: &str) -> Answer {
    gateway.http.send("GET", path, &[("x-larder-tenant", tenant)], "").await
}

/// Writes the file and waits until the tenant is answered like this.
async fn say(gateway: &Gateway, file: &Path, text: &str, tenant: &str, status: u16) {
    std::fs::write(file, text).unwrap();
    let written = Instant::now();
    while get(gateway, tenant, "/v1/products/never-asked-before").await.status != status {
        assert!(written.elapsed() < Duration::from_secs(5), "{text:?} is not heeded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_tenant_is_told_to_come_back_later_and_the_others_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maintenance.toml");
    let gateway = maintained(&file).await;
    let kept = "/v1/customers/7/recommendations";
    assert_eq!(get(&gateway, "shop-1", kept).await.status, 200);
    let notice = "[tenants.shop-1]\nmessage = \"we count the shelves\"\nretry_after_s = 90\n";
    say(&gateway, &file, notice, "shop-1", 503).await;
    let refused = get(&gateway, "shop-1", kept).await;
    assert_eq!(refused.header("retry-after"), "90");
    let problem = refused.problem(503);
    assert_eq!(
        (&problem["reason"], &problem["detail"]),
        (&"MAINTENANCE".into(), &"we count the shelves".into())
    );
    assert_eq!(get(&gateway, "shop-2", "/v1/products/a").await.status, 200);
    assert_eq!(gateway.http.get("/openapi.json").await.status, 200);

    let mut client =
        CatalogServiceClient::connect(format!("http://{}", gateway.app.address())).await.unwrap();
    let mut request = tonic::Request::new(GetProductRequest { product_id: "a".into() });
    request.metadata_mut().insert("x-larder-tenant", "shop-1".parse().unwrap());
    let status = client.get_product(request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "we count the shelves"));

    // With the cache allowed, what is kept is given and said to be no more than that.
    let notice = format!("{notice}answers_from_cache = true\n");
    std::fs::write(&file, notice).unwrap();
    let written = Instant::now();
    let answer = loop {
        let answer = get(&gateway, "shop-1", kept).await;
        if answer.status == 200 {
            break answer;
        }
        assert!(written.elapsed() < Duration::from_secs(5), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(answer.json()["degraded"], true);
    assert_eq!(answer.header("cache-status"), "larder; hit; detail=last-good");
    get(&gateway, "shop-1", "/v1/products/another").await.problem(503);

    // A file that cannot be read changes nothing; one that is gone ends it.
    std::fs::write(&file, "[tenants.shop-1]\nmesage = 1\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    get(&gateway, "shop-1", "/v1/products/another").await.problem(503);
    say(&gateway, &file, "", "shop-1", 200).await;
    say(&gateway, &file, "[everything]\nmessage = \"we move\"\n", "shop-2", 503).await;
    std::fs::remove_file(&file).unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(get(&gateway, "shop-2", "/v1/products/a").await.status, 200);
}
