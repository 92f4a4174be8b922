//! How soon an Alertmanager that was killed is missed: it sends its Watchdog every five seconds, is expected as the
//! example of an on-call file expects Prometheus, and dies without a word.

use std::time::{Duration, Instant};

use larder_testkit::Row;

use crate::Measured;
use crate::alerts::WayIn;
use crate::peer::Alertmanager;
use crate::receiver::Receiver;
use crate::service::Service;

const BEATING: &str = "select count(*) from alerting.heartbeats where last_beat_at is not null";

pub(crate) async fn measure() -> Measured<()> {
    let receiver = Receiver::start().await?;
    let service = Service::start(&on_call(&receiver.url())).await?;
    let hook = format!("{}/hooks/alertmanager", service.url());
    let mut alertmanager = Alertmanager::start("group_interval: 5s, group_by: [alertname]", &hook).await?;
    let now = jiff::Timestamp::now();
    let watchdog = serde_json::json!([{
        "labels": { "alertname": "Watchdog", "severity": "none" },
        "startsAt": now.to_string(),
        "endsAt": (now + Duration::from_secs(3_600)).to_string(),
    }]);
    WayIn::to(alertmanager.url()).post(watchdog.to_string()).await?;
    service.wait_for(BEATING, 1, Duration::from_secs(30)).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let killed = Instant::now();
    alertmanager.kill();
    let told = receiver.wait_for("alertmanager has fallen silent", killed, Duration::from_secs(120)).await?;
    Row::new("dead-man-detection", (told.at - killed).as_secs_f64(), "s").target("<= 45").print();
    Ok(())
}

fn on_call(url: &str) -> String {
    format!(
        r#"
        [route]
        receiver = "r"
        group_by = ["alertname", "source"]
        group_wait = "0s"

        [[receivers]]
        name = "r"
        channels = ["hook"]

        [[channels]]
        name = "hook"
        kind = "webhook"
        url = "{url}/larder"
        secret = SECRET

        [[heartbeats]]
        name = "alertmanager"
        every = "15s"
        alert_name = "Watchdog"
        "#
    )
}
