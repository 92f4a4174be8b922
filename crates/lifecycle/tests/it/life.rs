//! From start to drain, as an orchestrator sees it.

use super::*;
use larder_lifecycle::{Tasks, drain, system};
use larder_settings::LifecycleSettings;

#[tokio::test]
async fn the_ops_port_outlives_the_service_and_says_it_is_draining() {
    let port = OpsPort::start().await;
    port.registry.startup_complete();
    let service = Shutdown::new();
    let mut tasks = Tasks::new();
    let told = service.wait_owned();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    tasks.spawn("server", async move {
        told.await;
        let _ = released.await;
    });
    let settings = LifecycleSettings {
        drain_timeout: Duration::from_secs(20),
        readiness_delay: Duration::from_millis(1),
    };
    let registry = port.registry.clone();
    let waiting = service.clone();
    let draining = tokio::spawn(async move { drain(&registry, &settings, &service, tasks).await });
    waiting.wait().await;

    let (status, body) = port.get_json("/readyz").await;
    assert_eq!((status, &body["phase"]), (503, &Value::from("draining")));
    assert_eq!(port.get("/livez").await.0, 200);
    release.send(()).unwrap();
    assert!(draining.await.unwrap().is_clean());

    let address = port.address;
    port.shutdown.trigger();
    port.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_open_connection_does_not_hold_up_the_end() {
    let port = OpsPort::start().await;
    let mut idler = TcpStream::connect(port.address).await.unwrap();
    idler.write_all(b"GET /livez HT").await.unwrap();
    port.get("/livez").await;
    port.shutdown.trigger();
    tokio::time::timeout(Duration::from_secs(10), port.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn several_services_in_one_process_have_a_health_each() {
    let (gateway, recommendation) = (OpsPort::start().await, OpsPort::start().await);
    gateway.registry.startup_complete();
    recommendation.registry.startup_complete();
    recommendation.registry.register(required("postgresql", || async { CheckOutcome::unhealthy("away") }));
    recommendation.registry.set_draining();
    assert_eq!(gateway.get("/health").await.0, 200);
    assert_eq!(gateway.get("/readyz").await.0, 200);
    assert_eq!(recommendation.get("/health").await.0, 503);
    assert_eq!(recommendation.get("/readyz").await.0, 503);
}

#[tokio::test]
async fn the_machine_is_checked() {
    let port = OpsPort::start().await;
    let folder = tempfile::tempdir().unwrap();
    system::register(&port.registry, folder.path());
    let report = port.registry.report().await;
    let names: Vec<&str> = report.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["memory", "cpu", "disk"]);
    assert!(report.checks.iter().all(|check| !check.required));
}
