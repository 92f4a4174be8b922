//! Training is a process of its own. Whatever becomes of it, and of the database under it, what
//! serves goes on serving, the failure is told, nothing is left half-written, and the next training
//! does its work.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use larder_testkit::{NetworkCut, TestDatabase};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use url::Url;

use super::larder::{Finished, finish, larder, signal};

const LIMIT: Duration = Duration::from_secs(90);
/// Enough for a training that can be caught at work.
const CUSTOMERS: usize = 80;
const PRODUCTS: usize = 60;

/// A recommendation service whose way to the database can be cut.
struct Service {
    child: Child,
    folder: TempDir,
    cut: NetworkCut,
    address: String,
    ops: SocketAddr,
    _database: TestDatabase,
}

impl Service {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create(&[]).await;
        let mut url = Url::parse(database.url().expose_secret()).unwrap();
        let upstream = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let upstream = tokio::net::lookup_host(upstream).await.unwrap().next().unwrap();
        let cut = NetworkCut::before(upstream).await;
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(cut.address().port())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [api, ops] = listeners.map(|listener| listener.local_addr().unwrap());
        let mut command = larder(&["serve", "recommendation"]);
        command
            .env("LARDER_DATA_DIR", folder.path().join("data"))
            .env("LARDER_DATABASE__URL", url.as_str())
            .env("LARDER_DATABASE__ACQUIRE_TIMEOUT_MS", "500")
            .env("LARDER_RECOMMENDATION__LISTEN_ADDRESS", api.to_string())
            .env("LARDER_RECOMMENDATION__OPS_ADDRESS", ops.to_string())
            .env("LARDER_RECOMMENDATION__TRAINING_ENABLED", "false")
            .env("LARDER_TELEMETRY__LOG_FILTER", "warn")
            .current_dir(folder.path())
            .stdout(Stdio::null());
        command.envs(settings.iter().copied());
        let child = command.spawn().unwrap();
        let service = Self { child, folder, cut, address: format!("http://{api}"), ops, _database: database };
        service.until_ready().await;
        service
    }

    async fn until_ready(&self) {
        let url = format!("http://{}", self.ops);
        let ready = async {
            while finish(&mut larder(&["healthcheck", "--url", &url])).await.code != Some(0) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(LIMIT, ready).await.expect("it gets ready");
    }

    /// A call of the program for the tenant of these tests.
    fn call(&self, arguments: &[&str]) -> Command {
        let mut command = larder(arguments);
        command.args(["--address", &self.address, "--tenant", "shop"]).current_dir(self.folder.path());
        command
    }

    async fn import(&self) {
        let products = self.folder.path().join("products.csv");
        let rows = (0..PRODUCTS).map(|number| format!("p{number},Product {number},1.50 EUR\n"));
        fs::write(&products, format!("product_id,name,price\n{}", rows.collect::<String>())).unwrap();
        let interactions = self.folder.path().join("interactions.csv");
        fs::write(&interactions, purchases()).unwrap();
        for (kind, file) in [("products", &products), ("interactions", &interactions)] {
            let import = ["import", "--kind", kind, file.to_str().unwrap()];
            finish(&mut self.call(&import)).await.expect_code(0);
        }
    }

    async fn train(&self) -> Finished {
        finish(&mut self.call(&["models", "train", "--json"])).await
    }

    /// The version that serves and how many models there are.
    async fn models(&self) -> (String, usize) {
        let listed = finish(&mut self.call(&["models", "list", "--json"])).await.expect_code(0).json();
        let models = listed["models"].as_array().unwrap().clone();
        let serving = models.iter().find(|model| model["promoted"] == true);
        (
            serving.map_or_else(String::new, |model| model["modelVersion"].as_str().unwrap().to_owned()),
            models.len(),
        )
    }

    /// Begins a training and returns once its process is at work.
    async fn caught_training(&self) -> (tokio::task::JoinHandle<Finished>, u32) {
        let mut call = self.call(&["models", "train", "--json"]);
        let training = tokio::spawn(async move { finish(&mut call).await });
        let pid = self.child.id().unwrap();
        let caught = async {
            loop {
                if let Some(worker) = worker_of(pid) {
                    return worker;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        (training, tokio::time::timeout(LIMIT, caught).await.expect("a training process"))
    }

    async fn metric(&self, name: &str) -> f64 {
        let text = http_get(self.ops, "/metrics").await;
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    fn half_written(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("data/snapshots/shop");
        let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
        files.filter(|file| file.to_string_lossy().ends_with(".training")).collect()
    }

    async fn stop(mut self) -> Option<i32> {
        signal("TERM", self.child.id().unwrap()).await;
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        ended.expect("it stops within the limit").unwrap().code()
    }
}

/// A year of weekly purchases with habits.
fn purchases() -> String {
    let mut rows = String::from("event_id,customer_id,product_id,kind,occurred_at\n");
    for customer in 0..CUSTOMERS {
        for week in 0..26 {
            for nth in 0..4 {
                let product = (customer * 13 + nth * 7 + week % 3) % PRODUCTS;
                let day = 1 + (week * 7 + customer % 7) % 28;
                let month = 1 + week * 7 / 28 % 12;
                rows.push_str(&format!(
                    "{customer}-{week}-{nth},c{customer},p{product},purchase,2024-{month:02}-{day:02}T10:00:00Z\n"
                ));
            }
        }
    }
    rows
}

/// The training process that `parent` started, if there is one.
fn worker_of(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok();
    let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let of_threads =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let all: Vec<String> = children.into_iter().chain(of_threads).collect();
    let pids = all.iter().flat_map(|line| line.split_whitespace()).filter_map(|pid| pid.parse::<u32>().ok());
    pids.into_iter().find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("train-worker"))
    })
}

async fn http_get(address: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_running(pid: u32) -> bool {
    // One that nobody has waited for yet has ended all the same.
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    Path::new(&format!("/proc/{pid}")).exists() && !status.contains(") Z")
}

/// Waits until the process is ten steps politer than its parent, by the 19th field of its status.
async fn until_polite(pid: u32, parent: u32) {
    let niceness = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = status.rsplit(") ").next().unwrap_or_default().to_owned();
        fields.split(' ').nth(16).and_then(|nice| nice.parse::<i32>().ok()).unwrap_or(0)
    };
    for _ in 0..500 {
        if niceness(pid) >= (niceness(parent) + 10).min(19) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the training process stays at niceness {}", niceness(pid));
}

async fn until_ended(pid: u32) {
    let ended = async {
        while is_running(pid) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the training process ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_training_leaves_serving_untouched() {
    let service = Service::start(&[]).await;
    service.import().await;
    let trained = service.train().await.expect_code(0).json();
    let version = trained["model_version"].as_str().unwrap().to_owned();

    let (training, worker) = service.caught_training().await;
    until_polite(worker, service.child.id().unwrap()).await;
    signal("KILL", worker).await;
    let failed = training.await.unwrap().expect_code(1);
    assert!(failed.stderr.contains("training process ended before it was done"), "{failed:?}");
    assert!(failed.stderr.contains("SIGKILL") || failed.stderr.contains("signal: 9"), "{failed:?}");
    assert_eq!(service.models().await, (version.clone(), 1), "nothing was registered");
    assert_eq!(service.half_written(), Vec::<PathBuf>::new());
    assert!(service.metric("larder_recommendation_trainings_failed_total").await >= 1.0);
    let health = http_get(service.ops, "/health/detailed").await;
    assert!(health.contains("the last training of tenant shop failed"), "{health}");

    let again = service.train().await.expect_code(0).json();
    assert_ne!(again["model_version"].as_str().unwrap(), version, "the lock is free");
    assert_eq!(service.models().await.1, 2);
    assert_eq!(service.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_the_database_ends_the_training_and_nothing_else() {
    let service = Service::start(&[]).await;
    service.import().await;
    let trained = service.train().await.expect_code(0).json();
    let version = trained["model_version"].as_str().unwrap().to_owned();

    let (training, worker) = service.caught_training().await;
    service.cut.cut();
    let failed = training.await.unwrap().expect_code(1);
    assert!(failed.stderr.contains("database cannot be reached"), "{failed:?}");
    until_ended(worker).await;
    service.cut.mend();
    service.until_ready().await;
    let again = tokio::time::timeout(LIMIT, async {
        loop {
            let again = service.train().await;
            if again.code == Some(0) {
                return again.json();
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let again = again.await.expect("it trains again");
    assert_ne!(again["model_version"].as_str().unwrap(), version);
    assert_eq!(service.models().await.1, 2, "the training that was broken off registered nothing");
    assert_eq!(service.half_written(), Vec::<PathBuf>::new());
    assert_eq!(service.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_service_ends_its_training() {
    let service = Service::start(&[]).await;
    service.import().await;
    let (training, worker) = service.caught_training().await;
    assert_eq!(service.stop().await, Some(0));
    until_ended(worker).await;
    training.await.unwrap().expect_code(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_service_ends_its_training() {
    let mut service = Service::start(&[]).await;
    service.import().await;
    let (training, worker) = service.caught_training().await;
    service.child.kill().await.unwrap();
    until_ended(worker).await;
    drop(training);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_training_is_tried_again_by_itself() {
    let service = Service::start(&[("LARDER_RECOMMENDATION__TRAINING_ENABLED", "true")]).await;
    let pid = service.child.id().unwrap();
    let killed = async {
        let mut killed = 0;
        while killed < 2 {
            if let Some(worker) = worker_of(pid) {
                signal("KILL", worker).await;
                until_ended(worker).await;
                killed += 1;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (killed, ()) = tokio::join!(tokio::time::timeout(LIMIT, killed), service.import());
    killed.expect("it is tried again");
    let served = async {
        while service.models().await.0.is_empty() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(LIMIT, served).await.expect("a model serves in the end");
    assert!(service.metric("larder_recommendation_trainings_failed_total").await >= 2.0);
    assert_eq!(service.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_needs_too_much_memory_says_which_setting_to_change() {
    let service = Service::start(&[("LARDER_RECOMMENDATION__TRAINING_MEMORY_LIMIT_BYTES", "16777216")]).await;
    service.import().await;
    let failed = service.train().await.expect_code(1);
    assert!(failed.stderr.contains("recommendation.training_memory_limit_bytes"), "{failed:?}");
    assert_eq!(service.models().await, (String::new(), 0));
    assert_eq!(service.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_operated_from_the_command_line() {
    let service = Service::start(&[]).await;
    service.import().await;
    let trained = service.train().await.expect_code(0).json();
    assert_eq!(trained["state"], "MODEL_STATE_PROMOTED", "{trained}");
    let first = trained["model_version"].as_str().unwrap().to_owned();
    let second = service.train().await.expect_code(0).json()["model_version"].as_str().unwrap().to_owned();
    let table = finish(&mut service.call(&["models", "list"])).await.expect_code(0).stdout;
    assert!(table.contains(&first) && table.contains("retired") && table.contains("promoted"), "{table}");
    let back = finish(&mut service.call(&["models", "roll-back", "--json"])).await.expect_code(0).json();
    assert_eq!(back["modelVersion"], first.as_str());
    finish(&mut service.call(&["models", "promote", &second])).await.expect_code(0);
    assert_eq!(service.models().await.0, second);
    let pinned = finish(&mut service.call(&["models", "pin", &second, "--json"])).await.expect_code(0).json();
    assert_eq!(pinned["pinned"], true);
    finish(&mut service.call(&["models", "unpin", &second])).await.expect_code(0);
    let refused = finish(&mut service.call(&["models", "promote", "no-such-model"])).await.expect_code(1);
    assert!(refused.stderr.contains("no such model"), "{refused:?}");

    let card = service.folder.path().join("card.md");
    let evaluate = ["evaluate", "--list-length", "10", "--out", card.to_str().unwrap()];
    finish(&mut service.call(&evaluate)).await.expect_code(0);
    let card = fs::read_to_string(card).unwrap();
    assert!(card.contains("# Model card") && card.contains("| personal_frequency |"), "{card}");
    let json = finish(&mut service.call(&["evaluate", "--json"])).await.expect_code(0).json();
    assert_eq!(json["listLength"], 20);
    assert!(json["evaluatedCustomerCount"].as_u64().unwrap() > 30, "{json}");
    assert!(json["peakMemoryBytes"].as_u64().unwrap() > 1_000_000, "it was a process of its own: {json}");
    assert_eq!(service.models().await, (second, 2), "an evaluation registers nothing");
    assert_eq!(service.stop().await, Some(0));
}
