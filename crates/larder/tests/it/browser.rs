//! The console in a real browser: Chromium without a window, driven by its own driver over the WebDriver protocol. Each
//! page is shown wide and narrow, light and dark, and has to be readable there; scripts do what they are for.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::larder::Up;

const PAGES: [&str; 15] = [
    "/console",
    "/console/recommendations?customer=household-1501&other=promoted",
    "/console/market?market=old-town",
    "/console/feedback?market=old-town",
    "/console/statistics",
    "/console/nutrition?sex=SEX_FEMALE&born=1990-02-03&height=170&weight=65&activity=ACTIVITY_LEVEL_LIGHT&goal=NUTRITION_GOAL_MAINTAIN",
    "/console/catalogue",
    "/console/customers",
    "/console/promotions",
    "/console/exports",
    "/console/incidents",
    "/console/backups",
    "/console/models",
    "/console/access",
    "/console/audit",
];
/// The widths a page is shown at: a desk, and the smallest phone that has to do.
const WIDE: (u32, u32) = (1280, 900);
const NARROW: (u32, u32) = (360, 740);
const PATIENCE: Duration = Duration::from_secs(30);

/// What is wrong with a page as it stands: text without contrast, fields and pictures without a name, more width than
/// there is, headings that jump.
const WRONG: &str = include_str!("browser/wrong.js");

pub(crate) async fn shows_the_console(up: &Up) {
    let browser = Browser::start().await;
    every_page_can_be_read(&browser, up).await;
    a_slider_moves_the_plan(&browser, up).await;
    feedback_waits_for_a_network(&browser, up).await;
    browser.go(&format!("{}/console", up.gateway)).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    vitals_are_told(up).await;
    browser.stop().await;
}

async fn every_page_can_be_read(browser: &Browser, up: &Up) {
    for path in PAGES {
        let name = path.trim_start_matches("/console").trim_matches('/').split('?').next().unwrap();
        let name = if name.is_empty() { "overview" } else { name };
        for (size, width) in [(WIDE, "wide"), (NARROW, "narrow")] {
            for scheme in ["light", "dark"] {
                browser.look(size, scheme).await;
                browser.go(&format!("{}{path}", up.gateway)).await;
                let wrong = browser.run(WRONG, json!([])).await;
                browser.picture(&format!("{name}-{width}-{scheme}")).await;
                assert_eq!(wrong, json!([]), "{path} {width} {scheme}");
            }
        }
    }
    browser.look(WIDE, "light").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn a_slider_moves_the_plan(browser: &Browser, up: &Up) {
    browser.go(&format!("{}/console/market?market=old-town", up.gateway)).await;
    let before = browser.run("return document.querySelector('#plan').innerText", json!([])).await;
    let slide = "const slider = document.querySelector('#van_volume-slider'); slider.value = '40'; \
                 slider.dispatchEvent(new Event('input', { bubbles: true })); return slider.hidden";
    assert_eq!(browser.run(slide, json!([])).await, false, "with scripts there are sliders");
    let after = browser
        .until(
            "const now = document.querySelector('#plan').innerText; return now === arguments[0] ? null : now",
            json!([before]),
        )
        .await;
    assert!(after.as_str().unwrap().contains("expected profit differs by"), "{after}");
    let address = browser.run("return location.search", json!([])).await;
    assert!(address.as_str().unwrap().contains("van_volume=40"), "{address}");
}

async fn feedback_waits_for_a_network(browser: &Browser, up: &Up) {
    browser.go(&format!("{}/console/feedback?market=station", up.gateway)).await;
    let kept = "return caches.match('/console/feedback?market=station').then((found) => found ? true : null)";
    browser.until(kept, json!([])).await;
    browser.network(false).await;
    browser.go(&format!("{}/console/feedback?market=station", up.gateway)).await;
    let fill = "document.getElementById('brought.pizza-the-greek').value = '9'; \
                document.getElementById('sold.pizza-the-greek').value = '7'; \
                document.querySelector('form[data-offline] button').click(); return true";
    browser.run(fill, json!([])).await;
    let queued = "return JSON.parse(localStorage.getItem('larder-queue') || '[]').length === arguments[0] ? document.getElementById('said').innerText : null";
    let said = browser.until(queued, json!([1])).await;
    assert!(said.as_str().unwrap().contains('1'), "{said}");
    browser.picture("feedback-offline").await;
    browser.network(true).await;
    browser.go(&format!("{}/console/feedback?market=station", up.gateway)).await;
    browser.until(queued, json!([0])).await;
    let kept = up.get("/v1/market-feedback?marketId=station&productId=pizza-the-greek").await;
    assert_eq!(kept["feedback"][0]["brought"], 9.0, "{kept}");
    // What failed without a network is in the browser's log, and is no fault.
    browser.complaints().await;
}

async fn vitals_are_told(up: &Up) {
    let url = format!("{}/metrics", up.gateway_ops);
    let http: Client<HttpConnector, String> = Client::builder(TokioExecutor::new()).build_http();
    for _ in 0..100 {
        let answer = http.get(url.parse().unwrap()).await.unwrap();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        if text.contains("larder_console_web_vital_seconds") {
            assert!(!text.contains("larder_console_browser_errors_total{"), "a script failed: {text}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no browser told how it did");
}

/// A browser with its driver; both end with it.
struct Browser {
    driver: Child,
    http: Client<HttpConnector, String>,
    session: String,
    pictures: PathBuf,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn start() -> Self {
        let program = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; `cargo xtask test` sets it"))
        };
        let (chromium, chromedriver) = (program("LARDER_TEST_CHROMIUM"), program("LARDER_TEST_CHROMEDRIVER"));
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().expect("the driver says its port");
            if let Some((_, rest)) = line.split_once("successfully on port ") {
                break rest.trim_end_matches('.').to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let http = Client::builder(TokioExecutor::new()).build_http();
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new".to_owned(),
            // Containers and root have no sandbox to offer; the only pages are our own.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--lang=en".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({"binary": chromium, "args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let base = format!("http://127.0.0.1:{port}/session");
        let made = ask(&http, "POST", &base, Some(wanted)).await;
        let session = format!("{base}/{}", made["sessionId"].as_str().unwrap());
        let pictures = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console");
        std::fs::create_dir_all(&pictures).unwrap();
        Self { driver, http, session, pictures, _profile: profile }
    }

    async fn tell(&self, command: &str, body: Value) -> Value {
        ask(&self.http, "POST", &format!("{}/{command}", self.session), Some(body)).await
    }

    async fn go(&self, url: &str) {
        self.tell("url", json!({ "url": url })).await;
    }

    async fn run(&self, script: &str, arguments: Value) -> Value {
        self.tell("execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// Runs a script again and again until it answers with something.
    async fn until(&self, script: &str, arguments: Value) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.run(script, arguments.clone()).await;
            if !answer.is_null() {
                return answer;
            }
            assert!(tokio::time::Instant::now() < deadline, "never came: {script}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn look(&self, (width, height): (u32, u32), scheme: &str) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    async fn network(&self, is_there: bool) {
        let conditions = json!({"offline": !is_there, "latency": 0, "throughput": 100_000_000});
        self.tell("chromium/network_conditions", json!({ "network_conditions": conditions })).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.tell("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// Keeps a picture of the page, from its top to its end.
    async fn picture(&self, name: &str) {
        let taken = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::write(self.pictures.join(format!("{name}.png")), bytes).unwrap();
    }

    /// What the browser has complained of since it was asked last: scripts that failed, and what the policy refused.
    async fn complaints(&self) -> Vec<String> {
        let log = self.tell("se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn stop(mut self) {
        ask(&self.http, "DELETE", &self.session, None).await;
        self.driver.kill().await.unwrap();
    }
}

async fn ask(http: &Client<HttpConnector, String>, method: &str, url: &str, body: Option<Value>) -> Value {
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .body(body.map(|body| body.to_string()).unwrap_or_default())
        .unwrap();
    let answer = http.request(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(status.is_success(), "{method} {url}: {answer}");
    answer["value"].clone()
}
