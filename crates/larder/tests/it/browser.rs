//! The console in a real browser: Chromium without a window, driven by its own driver over the WebDriver protocol. Each
//! page is shown wide and narrow, light and dark, and has to be readable there; scripts do what they are for.

use std::path::{Path, PathBuf};
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

const PAGES: [&str; 24] = [
    "",
    "recommendations?customer=household-1501&other=promoted",
    "market?market=old-town",
    "feedback?market=old-town",
    "statistics",
    "nutrition?sex=SEX_FEMALE&born=1990-02-03&height=170&weight=65&activity=ACTIVITY_LEVEL_LIGHT&goal=NUTRITION_GOAL_MAINTAIN&days=2&unknown_allergens=true",
    "catalogue",
    "catalogue/916122",
    "customers",
    "customers/household-1501",
    "promotions",
    "exports",
    "imports",
    "incidents",
    "on-call",
    "backups",
    "models",
    "experiments",
    "access",
    "tenants",
    "flags?flag=recommendation-model",
    "privacy",
    "privacy/documents/notice",
    "audit",
];
/// Pictures in the README: the page, and how it is looked at.
const SHOWN: [(&str, &str); 3] =
    [("market", "wide-light"), ("recommendations", "wide-light"), ("overview", "narrow-dark")];
/// The widths a page is shown at: a desk, and the smallest phone that has to do.
const WIDE: (u32, u32) = (1280, 900);
const NARROW: (u32, u32) = (360, 740);
/// The looks of a page that are compared with how it looked when somebody found it right: each other is one of them in
/// another colour or width.
const COMPARED: [&str; 2] = ["wide-light", "narrow-dark"];
/// How much smaller a picture is when it is compared: text becomes lines, the arrangement stays.
const SHRUNK: f64 = 0.2;
/// The share of a picture that may differ: figures, times and names do from one run to the next.
const MOST_DIFFERENT: f64 = 0.04;
const COMPARE: &str = include_str!("browser/compare.js");
const PATIENCE: Duration = Duration::from_secs(30);

/// What is wrong with a page as it stands: text without contrast, fields and pictures without a name, more width than
/// there is, headings that jump.
const WRONG: &str = include_str!("browser/wrong.js");

/// What a page may weigh as it comes over the wire with everything it loads, in bytes.
const MOST_BYTES: f64 = 150_000.0;
/// How long the server may take for a page, 19 times out of 20; held where the program is built for use.
const MOST_MS: f64 = 50.0;
const TIMED: usize = 20;

/// Walks through every page, and those at `further` paths.
pub(crate) async fn shows_the_console(up: &Up, further: &[String]) {
    let browser = Browser::start().await;
    let mut told = Vec::new();
    for path in PAGES.into_iter().chain(further.iter().map(String::as_str)) {
        told.push(page_can_be_read(&browser, up, path).await);
    }
    std::fs::write(browser.pictures.join("pages.json"), serde_json::to_string_pretty(&told).unwrap())
        .unwrap();
    let strangers = told.iter().flat_map(|page| page["differs"].as_array().unwrap());
    let strangers: Vec<_> = strangers.filter(|one| one["share"].as_f64().unwrap() > MOST_DIFFERENT).collect();
    assert!(
        strangers.is_empty(),
        "pages look other than they did (LARDER_UPDATE_GENERATED=1 keeps the new looks): {strangers:?}"
    );
    browser.look(WIDE, "light").await;
    a_slider_moves_the_plan(&browser, up).await;
    a_file_goes_in(&browser, up).await;
    feedback_waits_for_a_network(&browser, up).await;
    browser.go(&format!("{}/console", up.gateway)).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    vitals_are_told(up).await;
    browser.stop().await;
}

/// A page in every look; what it weighs and how long it takes.
async fn page_can_be_read(browser: &Browser, up: &Up, path: &str) -> Value {
    let name = path.split('?').next().unwrap();
    let name = match name.split_once('/') {
        Some((kind, _)) => format!("one-of-{kind}"),
        None if name.is_empty() => "overview".to_owned(),
        None => name.to_owned(),
    };
    let url = format!("{}/console/{path}", up.gateway);
    let url = url.trim_end_matches('/');
    let mut differing = Vec::new();
    for (size, width) in [(WIDE, "wide"), (NARROW, "narrow")] {
        for scheme in ["light", "dark"] {
            browser.look(size, scheme).await;
            browser.go(url).await;
            let look = format!("{width}-{scheme}");
            browser.picture(&format!("{name}-{look}")).await;
            if COMPARED.contains(&look.as_str()) {
                differing.extend(browser.differs(&format!("{name}-{look}"), size).await);
            }
            if SHOWN.contains(&(name.as_str(), look.as_str())) {
                browser.picture_for_readers(&name).await;
            }
            assert_eq!(browser.run(WRONG, json!([])).await, json!([]), "{path} {look}");
            assert_eq!(browser.axe().await, json!([]), "{path} {look}");
        }
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new(), "{path}");
    let weight = "return performance.getEntries().filter((one) => one.encodedBodySize !== undefined) \
                  .reduce((sum, one) => sum + one.encodedBodySize, 0)";
    let weight = browser.run(weight, json!([])).await.as_f64().unwrap();
    assert!(weight > 1_000.0 && weight < MOST_BYTES, "{path} weighs {weight} bytes");
    let ms = p95_ms(up, &url[up.gateway.len()..]).await;
    // Meals are worked out anew for each question.
    let is_held = !cfg!(debug_assertions) && !path.contains("days=");
    assert!(!is_held || ms < MOST_MS, "{path} takes {ms} ms");
    json!({"page": path, "weight_bytes": weight, "p95_ms": ms, "differs": differing, "measured_in": if cfg!(debug_assertions) { "debug" } else { "release" }})
}

/// The time of a page until its last byte, asked for over a connection that is there.
async fn p95_ms(up: &Up, path: &str) -> f64 {
    let mut times = Vec::new();
    for _ in 0..TIMED {
        let begun = tokio::time::Instant::now();
        assert_eq!(up.page(path).await.0, 200, "{path}");
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    (times[TIMED * 95 / 100 - 1] * 10.0).round() / 10.0
}

/// A file is chosen and sent, judged and written, and its page follows by itself.
async fn a_file_goes_in(browser: &Browser, up: &Up) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("promotions.csv");
    std::fs::write(&file, "promotion_id,name,categories,discount_percent,starts_at,ends_at\nbrowser,Plums,Fruit,10,2026-09-01T00:00:00Z,2026-09-08T00:00:00Z\n").unwrap();
    browser.go(&format!("{}/console/imports", up.gateway)).await;
    browser.run("document.getElementById('kind').value = 'promotions'", json!([])).await;
    browser.choose_file("#file", &file).await;
    browser.press("form[enctype] button").await;
    browser.until("return document.querySelector('.row_outcome_new') && true", json!([])).await;
    browser.press("button[value=commit]").await;
    browser.until("return document.querySelector('button[value=undo]') && true", json!([])).await;
    browser.picture("import-written").await;
    let kept = up.get("/v1/promotions").await;
    assert!(
        kept["promotions"].as_array().unwrap().iter().any(|one| one["promotionId"] == "browser"),
        "{kept}"
    );
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
    /// What judges pages, when it could be had.
    axe: Option<String>,
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
            "--hide-scrollbars".to_owned(),
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
        let axe = std::env::var_os("LARDER_TEST_AXE").map(|script| std::fs::read_to_string(script).unwrap());
        if axe.is_none() {
            eprintln!("LARDER_TEST_AXE is not set: pages are judged by the checks of wrong.js alone");
        }
        Self { axe, driver, http, session, pictures, _profile: profile }
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

    /// What axe finds of serious and critical on the page; nothing where it is not at hand.
    async fn axe(&self) -> Value {
        let Some(axe) = &self.axe else { return json!([]) };
        self.run(axe, json!([])).await;
        let judge = "const done = arguments[arguments.length - 1]; \
                     axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations \
                       .filter((one) => ['serious', 'critical'].includes(one.impact)) \
                       .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html)}`)), \
                     (error) => done([String(error)]))";
        self.tell("execute/async", json!({"script": judge, "args": []})).await
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.tell("element", json!({"using": "css selector", "value": selector})).await;
        let id = found.as_object().and_then(|one| one.values().next()?.as_str());
        format!("element/{}", id.expect("the driver names what it found"))
    }

    async fn press(&self, selector: &str) {
        let element = self.element(selector).await;
        self.tell(&format!("{element}/click"), json!({})).await;
    }

    async fn choose_file(&self, selector: &str, file: &Path) {
        let element = self.element(selector).await;
        self.tell(&format!("{element}/value"), json!({"text": file.to_str().unwrap()})).await;
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

    /// How much the page differs from what was kept of it; nothing while that is made anew.
    async fn differs(&self, name: &str, (width, height): (u32, u32)) -> Option<Value> {
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": SHRUNK});
        let taken = self.devtools("Page.captureScreenshot", json!({ "clip": clip })).await;
        let taken = taken["data"].as_str().unwrap();
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/browser/baselines/{name}.png"));
        if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, STANDARD.decode(taken).unwrap()).unwrap();
            return None;
        }
        let kept = std::fs::read(&file).unwrap_or_else(|error| {
            panic!("{}: {error}; LARDER_UPDATE_GENERATED=1 keeps how the page looks", file.display())
        });
        let pictures = json!([taken, STANDARD.encode(kept)]);
        let share = self.tell("execute/async", json!({"script": COMPARE, "args": pictures})).await;
        let share = share.as_f64().unwrap_or_else(|| panic!("{name} cannot be compared: {share}"));
        Some(json!({"picture": name, "share": share}))
    }

    /// Keeps what is seen of the page without scrolling among the documents, when pictures are to be made anew.
    async fn picture_for_readers(&self, name: &str) {
        if std::env::var_os("LARDER_UPDATE_GENERATED").is_none() {
            return;
        }
        let taken = self.devtools("Page.captureScreenshot", json!({"format": "webp", "quality": 80})).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("console-{name}.webp")), bytes).unwrap();
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
