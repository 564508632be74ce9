//! An MLflow server, by its REST interface (version 2.0): parameters, metrics, pictures and how a run stands.
//!
//! A run of gandle is one run there, found again by a tag, so that a session that goes on goes on there too. Another tag says how
//! much of the session the server has, and is written together with the last metrics of a batch.

use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use ureq::Agent;

use super::tracker::{Run, Server, Tracker};
use crate::event::{Event, Grid, Score, Started, Step};
use crate::session::{Timed, read_grid_file};

/// The tag that names the run.
const RUN: &str = "gandle.run";
/// The tag that says how many bytes of the session's events the server knows.
const KNOWN: &str = "gandle.events";
/// Metrics and parameters of one call at most, as the server wants it.
const MOST_METRICS: usize = 1000;
const MOST_PARAMETERS: usize = 100;
/// Characters of a parameter's value at most: what old servers take.
const LONGEST: usize = 250;
/// Bytes of an answer at most.
const MOST_ANSWER: u64 = 16 << 20;
/// For how long a server may be silent.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Where servers that keep artifacts themselves say that they lie.
const PROXIED: &str = "mlflow-artifacts:";

/// A client of a server.
pub struct Mlflow {
    server: Server,
    agent: Agent,
    /// What proves who asks.
    authorization: Option<String>,
    open: Option<Open>,
}

/// The run there.
#[derive(Default)]
struct Open {
    id: String,
    /// Where its pictures and settings go below the address, where the server takes them.
    artifacts: Option<String>,
    /// Milliseconds since 1970 at which the run first began, once that is known.
    began: Option<u64>,
    /// Milliseconds of training so far.
    trained: u64,
}

impl Open {
    fn now(&self) -> u64 {
        self.began.unwrap_or_default() + self.trained
    }

    fn metric(&self, key: &str, value: f64, step: usize) -> Value {
        // JSON has no word for these.
        let value = match value {
            value if value.is_nan() => json!("NaN"),
            f64::INFINITY => json!("Infinity"),
            f64::NEG_INFINITY => json!("-Infinity"),
            value => json!(value),
        };
        json!({ "key": key, "value": value, "timestamp": self.now(), "step": step })
    }
}

impl Mlflow {
    /// Of this server. Who asks is proved by what MLflow's own clients take from the environment: `MLFLOW_TRACKING_TOKEN`, or
    /// `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`.
    pub fn new(server: Server) -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
        let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let basic = || {
            let (user, password) =
                (of("MLFLOW_TRACKING_USERNAME")?, of("MLFLOW_TRACKING_PASSWORD").unwrap_or_default());
            Some(format!("Basic {}", BASE64.encode(format!("{user}:{password}"))))
        };
        let authorization = of("MLFLOW_TRACKING_TOKEN").map(|token| format!("Bearer {token}")).or_else(basic);
        Self { server, agent: config.build().into(), authorization, open: None }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/2.0/{path}", self.server.uri.trim_end_matches('/'))
    }

    /// Posts to the interface. An error has what the server says of it.
    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut request = self.agent.post(self.url(path)).header("content-type", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.answer(path, request.send(body.to_string()))
    }

    /// Stores a file of the run.
    fn put(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut request = self.agent.put(self.url(path)).header("content-type", "application/octet-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.answer(path, request.send(bytes)).map(drop)
    }

    fn answer(
        &self,
        path: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let mut answer = answer.with_context(|| format!("{} does not answer", self.server.uri))?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(MOST_ANSWER).read_to_string();
        let text = text.with_context(|| format!("{}: the answer of {path} could not be read", self.server.uri))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if !status.is_success() {
            let reason = value["message"].as_str().unwrap_or_default();
            return Err(Refusal {
                path: path.to_owned(),
                status: status.as_u16(),
                code: value["error_code"].to_string(),
            })
            .with_context(|| format!("{} refuses {path} with status {status} {reason}", self.server.uri));
        }
        Ok(value)
    }

    /// The number of the experiment, which is made where there is none.
    fn experiment(&self) -> anyhow::Result<String> {
        let name = &self.server.experiment;
        let id = |answer: Value| answer["experiment_id"].as_str().map(str::to_owned);
        match self.post("mlflow/experiments/create", &json!({ "name": name })) {
            Ok(answer) => return id(answer).context("the server made an experiment without a number"),
            Err(err) if err.downcast_ref().is_some_and(Refusal::is_there) => {}
            Err(err) => return Err(err),
        }
        let filter = format!("name = '{}'", name.replace('\'', ""));
        let found = self.post("mlflow/experiments/search", &json!({ "max_results": 1000, "filter": filter }))?;
        let experiments = found["experiments"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mine = experiments.iter().find(|experiment| experiment["name"] == json!(name));
        mine.and_then(|mine| id(mine.clone())).with_context(|| {
            format!("{} has an experiment called {name} that is deleted: choose another", self.server.uri)
        })
    }

    fn log(&self, id: &str, metrics: &[Value], parameters: &[Value], tags: &[(&str, String)]) -> anyhow::Result<()> {
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        let body = json!({ "run_id": id, "metrics": metrics, "params": parameters, "tags": tags });
        self.post("mlflow/runs/log-batch", &body).map(drop)
    }

    /// What a run begins with: its settings, once. A server keeps the first value of each.
    fn begin_run(&self, open: &Open, run: &Run, started: &Started) -> anyhow::Result<()> {
        let parameter = |(key, value): &(String, String)| {
            let value: String = value.trim_matches('"').chars().take(LONGEST).collect();
            json!({ "key": key, "value": value })
        };
        let settings: Vec<Value> = started.config.settings().iter().map(parameter).collect();
        for part in settings.chunks(MOST_PARAMETERS) {
            self.log(&open.id, &[], part, &[])?;
        }
        let about = [
            ("gandle.session", run.name.clone()),
            ("gandle.version", started.version.clone()),
            ("gandle.classes", started.classes.join(", ").chars().take(LONGEST).collect()),
            ("gandle.device", started.device.clone()),
        ];
        self.log(&open.id, &[], &[], &about)?;
        if let Some(artifacts) = &open.artifacts {
            self.put(&format!("{artifacts}/run.toml"), started.config.to_toml().as_bytes())?;
        }
        Ok(())
    }

    fn picture(&self, open: &Open, run: &Run, grid: &Grid) -> anyhow::Result<()> {
        let Some(artifacts) = &open.artifacts else { return Ok(()) };
        match read_grid_file(&run.folder, grid) {
            Ok(bytes) => self.put(&format!("{artifacts}/samples/{:07}.png", grid.step), &bytes),
            Err(err) => {
                tracing::warn!("the grid of step {} is left out: {err:#}", grid.step);
                Ok(())
            }
        }
    }

    fn stands(&self, open: &Open, status: &str) -> anyhow::Result<()> {
        let mut body = json!({ "run_id": open.id, "status": status });
        if status != "RUNNING" {
            body["end_time"] = json!(open.now());
        }
        self.post("mlflow/runs/update", &body).map(drop)
    }
}

/// What a server says where it does not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {status} {code}")]
struct Refusal {
    path: String,
    status: u16,
    code: String,
}

impl Refusal {
    /// Whether there is one of that name already.
    fn is_there(&self) -> bool {
        self.code.contains("RESOURCE_ALREADY_EXISTS")
    }
}

fn curves(open: &Open, step: &Step) -> Vec<Value> {
    step.numbers.iter().map(|(number, value)| open.metric(&key(number.info().tag), value.into(), step.step)).collect()
}

fn scored(open: &Open, score: &Score) -> Value {
    let of = score.class.as_ref().map_or_else(String::new, |class| format!("/class {class}"));
    open.metric(&key(&format!("{} {}{of}", score.metric, score.judge())), score.value, score.step)
}

/// A name as servers take it: letters, digits, `_`, `-`, `.`, spaces and `/`.
fn key(name: &str) -> String {
    let sane = |letter: char| letter.is_ascii_alphanumeric() || "_-. /".contains(letter);
    name.chars().map(|letter| if sane(letter) { letter } else { '_' }).take(LONGEST).collect()
}

impl Tracker for Mlflow {
    fn name(&self) -> String {
        format!("MLflow at {}", self.server.uri)
    }

    fn begin(&mut self, run: &Run) -> anyhow::Result<u64> {
        let experiment = self.experiment()?;
        let filter = format!("tags.\"{RUN}\" = '{}'", run.id);
        let found = self.post(
            "mlflow/runs/search",
            &json!({ "experiment_ids": [experiment], "filter": filter, "max_results": 1 }),
        )?;
        let there = found["runs"].as_array().and_then(|runs| runs.first()).cloned();
        let there = match there {
            Some(there) => there,
            None => {
                let tags = json!([{ "key": RUN, "value": run.id }, { "key": KNOWN, "value": "0" }]);
                let asked = json!({ "experiment_id": experiment, "run_name": run.name, "tags": tags });
                self.post("mlflow/runs/create", &asked)?["run"].take()
            }
        };
        let id = there["info"]["run_id"].as_str().context("the server made a run without a number")?.to_owned();
        let uri = there["info"]["artifact_uri"].as_str().unwrap_or_default();
        // `mlflow-artifacts:/1/RUN/artifacts`; others lie where only the server's own clients reach them.
        let artifacts = uri.strip_prefix(PROXIED).map(|path| {
            let path = path.trim_start_matches('/');
            format!("mlflow-artifacts/artifacts/{path}")
        });
        let tags = there["data"]["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let known = tags.iter().find(|tag| tag["key"] == json!(KNOWN)).and_then(|tag| tag["value"].as_str());
        self.open = Some(Open { id, artifacts, ..Open::default() });
        Ok(known.and_then(|known| known.parse().ok()).unwrap_or(0))
    }

    fn know(&mut self, event: &Event) {
        let Some(open) = &mut self.open else { return };
        if let Event::Started(started) = event {
            open.began.get_or_insert(started.time.saturating_mul(1000));
        } else if let Event::Step(step) = event {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole milliseconds")]
            let trained = (step.seconds * 1000.0) as u64;
            open.trained = trained;
        }
    }

    fn take(&mut self, run: &Run, events: &[Timed], until: u64) -> anyhow::Result<()> {
        let mut metrics = Vec::new();
        for (event, _) in events {
            let first = self.open.as_ref().is_some_and(|open| open.began.is_none());
            self.know(event);
            let open = self.open.as_ref().context("no run is open")?;
            if let Event::Started(started) = event {
                if first {
                    self.begin_run(open, run, started)?;
                }
                self.stands(open, "RUNNING")?;
            } else if let Event::Step(step) = event {
                metrics.extend(curves(open, step));
            } else if let Event::Score(score) = event {
                metrics.push(scored(open, score));
            } else if let Event::Grid(grid) = event {
                self.picture(open, run, grid)?;
            } else if let Event::Finished { .. } = event {
                self.stands(open, "FINISHED")?;
            } else if let Event::Stopped { .. } = event {
                self.stands(open, "KILLED")?;
            } else if let Event::Failed { .. } = event {
                self.stands(open, "FAILED")?;
            }
        }
        let open = self.open.as_ref().context("no run is open")?;
        let mut parts = metrics.chunks(MOST_METRICS).peekable();
        while let Some(part) = parts.next_if(|part| part.len() == MOST_METRICS) {
            self.log(&open.id, part, &[], &[])?;
        }
        self.log(&open.id, parts.next().unwrap_or_default(), &[], &[(KNOWN, until.to_string())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_servers_take() {
        assert_eq!(
            key("frechet-distance efficientnet-lite2/class a|b"),
            "frechet-distance efficientnet-lite2/class a_b"
        );
        let open = Open { began: Some(5000), trained: 70, ..Open::default() };
        let metric = open.metric("a", f64::NAN, 3);
        assert_eq!((&metric["value"], &metric["timestamp"]), (&json!("NaN"), &json!(5070)));
    }
}
