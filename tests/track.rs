//! Trackers, as the command line has them: an MLflow server that is there, is not, or comes back, and TensorBoard's files.
//!
//! The server of these tests speaks as much of MLflow's REST interface as a client needs. The real one is tried where `mlflow` is
//! installed, and left out with a word where not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn gandle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gandle"));
    command.args(arguments).env("GANDLE_DATA_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
    for name in ["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"] {
        command.env_remove(name);
    }
    command
}

fn train(session: &Path, steps: usize, more: &[&str]) -> Command {
    let mut command = gandle(&["train", "--preset", "improved", "--data", "demo", "--resume", "--out"]);
    command.arg(session).args(["--steps", &steps.to_string(), "--set", "train.grid_every=3"]);
    command.args(tiny::TINY.iter().flat_map(|entry| ["--set", entry])).args(more);
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

/// What a server knows of a run.
#[derive(Clone, Default)]
struct Run {
    tags: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
    /// Key, step and value.
    metrics: Vec<(String, u64, Value)>,
    status: Vec<String>,
    files: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Known {
    experiments: Vec<String>,
    runs: Vec<Run>,
    /// What clients proved themselves by.
    authorization: Vec<String>,
}

impl Known {
    fn answer(&mut self, path: &str, body: &[u8]) -> Result<Value, (u16, Value)> {
        if let Some(file) = path.strip_prefix("/api/2.0/mlflow-artifacts/artifacts/1/") {
            let (run, name) = file.split_once("/artifacts/").unwrap();
            self.runs[run.parse::<usize>().unwrap()].files.insert(name.to_owned(), body.len());
            return Ok(json!({}));
        }
        let body: Value = serde_json::from_slice(body).unwrap();
        let run = body["run_id"].as_str().and_then(|id| id.parse::<usize>().ok());
        let pairs = |list: &Value| -> Vec<(String, String)> {
            let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), pair["value"].as_str()?.to_owned()));
            list.as_array().map(|list| list.iter().filter_map(pair).collect()).unwrap_or_default()
        };
        match path.strip_prefix("/api/2.0/mlflow/").unwrap() {
            "experiments/create" => {
                let name = body["name"].as_str().unwrap().to_owned();
                if self.experiments.contains(&name) {
                    return Err((400, json!({ "error_code": "RESOURCE_ALREADY_EXISTS", "message": "it is there" })));
                }
                self.experiments.push(name);
                Ok(json!({ "experiment_id": "1" }))
            }
            "experiments/search" => {
                let told = |name: &String| json!({ "name": name, "experiment_id": "1" });
                Ok(json!({ "experiments": self.experiments.iter().map(told).collect::<Vec<_>>() }))
            }
            "runs/search" => {
                let filter = body["filter"].as_str().unwrap();
                let id = filter.strip_prefix("tags.\"gandle.run\" = '").unwrap().trim_end_matches('\'');
                let found = self.runs.iter().position(|run| run.tags["gandle.run"] == id);
                Ok(json!({ "runs": found.map(|at| vec![self.told(at)]).unwrap_or_default() }))
            }
            "runs/create" => {
                let tags = pairs(&body["tags"]).into_iter().collect();
                self.runs.push(Run { tags, ..Run::default() });
                Ok(json!({ "run": self.told(self.runs.len() - 1) }))
            }
            "runs/update" => {
                self.runs[run.unwrap()].status.push(body["status"].as_str().unwrap().to_owned());
                Ok(json!({}))
            }
            "runs/log-batch" => {
                let run = &mut self.runs[run.unwrap()];
                for metric in body["metrics"].as_array().unwrap() {
                    let key = metric["key"].as_str().unwrap().to_owned();
                    run.metrics.push((key, metric["step"].as_u64().unwrap(), metric["value"].clone()));
                }
                assert!(body["metrics"].as_array().unwrap().len() <= 1000);
                for (key, value) in pairs(&body["params"]) {
                    assert!(run.parameters.insert(key.clone(), value).is_none(), "{key} is sent twice");
                }
                run.tags.extend(pairs(&body["tags"]));
                Ok(json!({}))
            }
            other => Err((404, json!({ "message": other }))),
        }
    }

    fn told(&self, at: usize) -> Value {
        let tags = self.runs[at].tags.iter().map(|(key, value)| json!({ "key": key, "value": value }));
        json!({
            "info": { "run_id": at.to_string(), "artifact_uri": format!("mlflow-artifacts:/1/{at}/artifacts") },
            "data": { "tags": tags.collect::<Vec<_>>() },
        })
    }
}

/// A server on a port of its own, which can be stopped and started again with what it knows.
struct Server {
    address: String,
    known: Arc<Mutex<Known>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(address: &str, known: Arc<Mutex<Known>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let over = Arc::new(AtomicBool::new(false));
        let (mine, told) = (Arc::clone(&known), Arc::clone(&over));
        let thread = std::thread::Builder::new().name("server".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                serve(stream.unwrap(), &mine);
            }
        });
        let thread = thread.unwrap();
        Self { address, known, over, thread: Some(thread) }
    }

    fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    fn run(&self, at: usize) -> Run {
        self.known.lock().unwrap().runs[at].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        TcpStream::connect(&self.address).ok(); // Wakes the thread.
        self.thread.take().map(JoinHandle::join);
    }
}

/// One request, one connection.
fn serve(stream: TcpStream, known: &Mutex<Known>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    if reader.read_line(&mut head).unwrap_or(0) == 0 {
        return;
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => known.lock().unwrap().authorization.push(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let (status, answer) = match known.lock().unwrap().answer(path, &body) {
        Ok(answer) => (200, answer),
        Err(refused) => refused,
    };
    let answer = answer.to_string();
    let length = answer.len();
    let head = format!("HTTP/1.1 {status} told\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all((head + &answer).as_bytes()).ok();
}

fn steps(run: &Run, key: &str) -> Vec<u64> {
    run.metrics.iter().filter(|(name, ..)| name == key).map(|(_, step, _)| *step).collect()
}

const LOSS: &str = "loss/discriminator";

#[test]
fn a_server_has_settings_curves_pictures_and_the_end_and_a_run_that_goes_on_goes_on_there() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start("127.0.0.1:0", Arc::default());
    let (session, to) = (root.path().join("cells"), format!("--mlflow={}", server.uri()));
    let mut first = train(&session, 4, &[&to, "--experiment", "marrow"]);
    first.env("MLFLOW_TRACKING_TOKEN", "secret");
    succeed(first);
    let run = server.run(0);
    assert_eq!(server.known.lock().unwrap().experiments, ["marrow"]);
    assert!(server.known.lock().unwrap().authorization.iter().all(|told| told == "Bearer secret"));
    assert_eq!((run.tags["gandle.session"].as_str(), run.parameters["image_size"].as_str()), ("cells", "16"));
    assert_eq!(run.parameters["generator.family"], "dcgan");
    assert_eq!(steps(&run, LOSS), [1, 2, 3, 4]);
    assert_eq!(run.status, ["RUNNING", "FINISHED"]);
    let files: Vec<&str> = run.files.keys().map(String::as_str).collect();
    assert!(files.contains(&"run.toml") && files.contains(&"samples/0000003.png"), "{files:?}");
    assert!(run.files.values().all(|bytes| *bytes > 100), "{:?}", run.files);

    // Trained longer, in the same run and with another name.
    let renamed = root.path().join("marrow");
    std::fs::rename(&session, &renamed).unwrap();
    let mut longer = gandle(&["resume", "--steps", "6", &to, "--experiment", "marrow"]);
    longer.arg(&renamed);
    succeed(longer);
    let run = server.run(0);
    assert_eq!(server.known.lock().unwrap().runs.len(), 1);
    assert_eq!(steps(&run, LOSS), [1, 2, 3, 4, 5, 6]);
    assert_eq!(run.status, ["RUNNING", "FINISHED", "RUNNING", "FINISHED"]);
    assert_eq!(run.tags["gandle.events"], renamed.join("events.jsonl").metadata().unwrap().len().to_string());

    // All that is there is not sent again.
    let before = server.run(0).metrics.len();
    let mut again = gandle(&["track", &to, "--experiment=marrow"]);
    again.arg(&renamed);
    succeed(again);
    assert_eq!(server.run(0).metrics.len(), before);
}

#[test]
fn a_server_that_is_away_fails_nothing_and_gets_all_of_it_later() {
    let root = tempfile::tempdir().unwrap();
    let known: Arc<Mutex<Known>> = Arc::default();
    let address = Server::start("127.0.0.1:0", Arc::clone(&known)).address.clone();
    // Nobody is there.
    let session = root.path().join("cells");
    let to = format!("--mlflow=http://{address}");
    let said = succeed(train(&session, 3, &[&to]));
    assert!(said.contains("finished at step 3") && said.contains("gandle track"), "{said}");
    let mut track = gandle(&["track", &to]);
    track.arg(&session);
    let output = track.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));

    let server = Server::start(&address, known);
    let mut track = gandle(&["track", &to]);
    track.arg(&session);
    succeed(track);
    let run = server.run(0);
    assert_eq!((steps(&run, LOSS), run.status), (vec![1, 2, 3], vec!["RUNNING".to_owned(), "FINISHED".to_owned()]));

    for (more, part) in [(&["--mlflow", "localhost"][..], "address"), (&[], "--tensorboard")] {
        let mut track = gandle(&["track"]);
        let output = track.arg(&session).args(more).output().unwrap();
        assert!(output.status.code() == Some(2) && text(&output).contains(part), "{}", text(&output));
    }
}

#[test]
fn a_server_that_goes_away_amid_a_run_and_comes_back_lacks_nothing() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start("127.0.0.1:0", Arc::default());
    let session = root.path().join("cells");
    let mut run = train(&session, 3000, &[&format!("--mlflow={}", server.uri())]);
    let child = Ended(run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    wait(|| server.known.lock().unwrap().runs.first().is_some_and(|run| run.metrics.len() > 50));
    let (address, known) = (server.address.clone(), Arc::clone(&server.known));
    drop(server);
    std::thread::sleep(Duration::from_millis(1500));
    let server = Server::start(&address, known);
    wait(|| server.run(0).status.last().is_some_and(|status| status == "FINISHED"));
    drop(child);
    let mut told = steps(&server.run(0), LOSS);
    // What was under way when it went may be there twice.
    told.sort_unstable();
    told.dedup();
    assert_eq!(told, (1..=3000).collect::<Vec<u64>>());
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.kill().ok();
        }
        self.0.wait().ok();
    }
}

#[track_caller]
fn wait(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(300), "it has not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_real_server_takes_it() {
    if Command::new("mlflow").arg("--version").output().is_err() {
        println!("left out: mlflow is not installed");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = Command::new("mlflow");
    server.args(["server", "--host", "127.0.0.1", "--workers", "1", "--port", &address.port().to_string()]);
    server.arg("--backend-store-uri").arg(format!("sqlite:///{}/runs.db", root.path().display()));
    server.arg("--artifacts-destination").arg(root.path().join("artifacts"));
    let mut server = server.current_dir(&root).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait(|| TcpStream::connect(address).is_ok());
    let to = format!("--mlflow=http://{address}");
    let session = root.path().join("cells");
    let (first, second) = (succeed(train(&session, 4, &[&to])), succeed(train(&session, 4, &[&to])));
    let mut track = gandle(&["track", &to]);
    track.arg(&session);
    let said = succeed(track);
    let pictures = walk(&root.path().join("artifacts"));
    let asked = Command::new("mlflow")
        .args(["experiments", "search"])
        .env("MLFLOW_TRACKING_URI", format!("http://{address}"))
        .output();
    Command::new("pkill").args(["-P", &server.id().to_string()]).status().ok();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(!first.contains("MLflow") && !said.contains("MLflow"), "{first}{second}{said}");
    assert!(text(&asked.unwrap()).contains("gandle"));
    assert!(
        pictures.iter().any(|name| name == "0000003.png") && pictures.iter().any(|name| name == "run.toml"),
        "{pictures:?}"
    );
}

/// Names of all files below a folder.
fn walk(folder: &Path) -> Vec<String> {
    let entries: Vec<_> = std::fs::read_dir(folder).map(|read| read.flatten().collect()).unwrap_or_default();
    let of = |entry: &std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => walk(&path),
        path => vec![path.file_name().unwrap().to_string_lossy().into_owned()],
    };
    entries.iter().flat_map(of).collect()
}
