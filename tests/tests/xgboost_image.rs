//! The stand-in for the image of the built-in XGBoost: the container's channels, hyperparameters as
//! texts, the container's error messages, checkpoints, and requests.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use end_to_end::{python, workspace};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The label is twice the first feature; the second one has no information, and is missing in every
/// third row.
const ROWS: usize = 60;

fn csv(weighted: bool) -> String {
    let row = |n: usize| {
        let weight = if weighted { "2.5," } else { "" };
        let noise = if n.is_multiple_of(3) {
            String::new()
        } else {
            (n * 7 % 11).to_string()
        };
        format!("{},{weight}{n},{noise}\n", 2 * n)
    };
    (0..ROWS).map(row).collect()
}

fn libsvm() -> String {
    let row = |n: usize| format!("{} 0:{n} 1:{}\n", 2 * n, n * 7 % 11);
    (0..ROWS).map(row).collect()
}

/// What a container finds below /opt/ml.
struct Container(tempfile::TempDir);

impl Container {
    /// With these hyperparameters beside a small search, and a channel of this type for each text.
    fn new(more: &Value, kind: Option<&str>, channels: &[(&str, &str)]) -> Self {
        let container = Self(tempfile::tempdir().unwrap());
        for folder in ["input/config", "input/data", "model", "output"] {
            fs::create_dir_all(container.base().join(folder)).unwrap();
        }
        container.hyperparameters(more);
        let described = channels.iter().map(|(name, _)| {
            let mut channel =
                json!({"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"});
            if let Some(kind) = kind {
                channel["ContentType"] = json!(kind);
            }
            ((*name).to_owned(), channel)
        });
        container.config("inputdataconfig", &Value::Object(described.collect()));
        for (name, text) in channels {
            container.file(&format!("{name}/part-00000"), text);
        }
        container
    }

    fn base(&self) -> &Path {
        self.0.path()
    }

    fn config(&self, name: &str, json: &Value) {
        let path = self.base().join(format!("input/config/{name}.json"));
        fs::write(path, json.to_string()).unwrap();
    }

    fn hyperparameters(&self, more: &Value) {
        let mut all = json!({"num_round": "8", "objective": "reg:squarederror", "nthread": "1",
            "max_depth": "4", "eval_metric": "rmse,mae"});
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        self.config("hyperparameters", &all);
    }

    /// A file of a channel; an empty text leaves the channel empty.
    fn file(&self, path: &str, text: &str) {
        let path = self.base().join("input/data").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !text.is_empty() {
            fs::write(path, text).unwrap();
        }
    }

    fn command(&self, verb: &str) -> Command {
        let image = workspace::root().join("crates/sagemaker-local/xgboost/image.py");
        let mut command = Command::new(python::program("python"));
        command
            .arg(image)
            .arg(verb)
            .env("SAGEMAKER_BASE_DIR", self.base());
        command
    }

    /// What a training that goes well logs.
    fn trains(&self) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = python::output(&mut self.command("train"));
        let log = String::from_utf8(stdout).unwrap();
        let errors = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{log}{errors}");
        assert!(self.base().join("model/xgboost-model").is_file());
        log
    }

    /// The reason of a training that fails, as SageMaker reads it.
    fn fails(&self) -> String {
        let output = python::output(&mut self.command("train"));
        assert_eq!(output.status.code(), Some(1));
        assert!(!self.base().join("model/xgboost-model").exists());
        fs::read_to_string(self.base().join("output/failure")).unwrap()
    }

    /// The rounds of which checkpoints are there.
    fn checkpoints(&self) -> Vec<u32> {
        let Ok(folder) = fs::read_dir(self.base().join("checkpoints")) else {
            return Vec::new();
        };
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut rounds: Vec<u32> = names
            .filter_map(|name| name.strip_prefix("xgboost-checkpoint.")?.parse().ok())
            .collect();
        rounds.sort_unstable();
        rounds
    }
}

fn values(log: &str, metric: &str) -> Vec<f64> {
    // As the built-in's metric definitions read it.
    let pattern = regex::Regex::new(&format!(r"#011{metric}:([0-9.eE+-]+)")).unwrap();
    let found = pattern.captures_iter(log);
    found.map(|found| found[1].parse().unwrap()).collect()
}

// Training.

#[test]
fn csv_is_read_with_the_label_first_from_every_folder_of_a_channel() {
    let validation = csv(false);
    let channels = [("train", csv(false)), ("validation", validation)];
    let channels = channels
        .each_ref()
        .map(|(name, text)| (*name, text.as_str()));
    let container = Container::new(&json!({}), Some("text/csv"), &channels);
    container.file("train/a/b/part-00001", &csv(false));
    container.file("train/.hidden", "not,a,row\n");
    container.file("train/a/b/c/d/too-deep", "not,a,row\n");
    let log = container.trains();
    assert!(log.contains("train: 120 rows, 2 columns"), "{log}");
    assert!(log.contains("validation: 60 rows, 2 columns"), "{log}");
    let errors = values(&log, "validation-rmse");
    assert_eq!(errors.len(), 8, "a line a round: {log}");
    assert!(errors[7] < errors[0] / 3.0, "it learns: {errors:?}");
    assert_eq!(values(&log, "train-mae").len(), 8, "both metrics: {log}");
    assert!(
        log.starts_with("train:") && log.contains("\n[0]#011train-rmse:"),
        "{log}"
    );
}

#[test]
fn a_weight_is_the_second_column_and_no_feature() {
    let rows = csv(true);
    let weighted = json!({"csv_weights": "1"});
    for (more, columns) in [(&weighted, 2), (&json!({}), 3)] {
        let container = Container::new(more, Some("text/csv"), &[("train", &rows)]);
        let log = container.trains();
        assert!(
            log.contains(&format!("60 rows, {columns} columns")),
            "{log}"
        );
    }
}

#[test]
fn libsvm_is_what_a_channel_without_a_type_is() {
    for kind in [None, Some("text/libsvm"), Some("text/x-libsvm")] {
        let container = Container::new(&json!({}), kind, &[("train", &libsvm())]);
        let log = container.trains();
        assert!(log.contains("train: 60 rows, 2 columns"), "{kind:?}: {log}");
        let errors = values(&log, "train-rmse");
        assert!(errors[7] < errors[0] / 3.0, "{errors:?}");
    }
}

#[test]
fn a_header_is_taken_for_a_row_as_the_container_takes_it() {
    let rows = format!("label,first,second\n{}", csv(false));
    let container = Container::new(&json!({}), Some("text/csv"), &[("train", &rows)]);
    let log = container.trains();
    assert!(log.contains("train: 61 rows"), "{log}");
}

#[test]
fn what_is_refused_is_refused_in_the_containers_words() {
    let rows = csv(false);
    let trained = [("train", rows.as_str())];
    let csv = Some("text/csv");
    // A digit is sniffed as the delimiter, and is not in every row.
    let single = [("train", "1\n2\n3\n")];
    let blank = [("train", "\n1,2\n")];
    for (more, kind, channels, words) in [
        (
            json!({}),
            csv,
            &single[..],
            "Failed to load text/csv data with exception:",
        ),
        (
            json!({}),
            csv,
            &blank,
            "Could not determine delimiter on line",
        ),
        (json!({}), csv, &[("train", "")], "No data in channel train"),
        (
            json!({}),
            csv,
            &[("validation", rows.as_str())],
            "Missing required channel: train",
        ),
        (
            json!({}),
            Some("application/x-parquet"),
            &trained,
            "application/x-parquet is not an accepted ContentType",
        ),
        (
            json!({"max_dept": "4"}),
            csv,
            &trained,
            "Extraneous hyperparameter found: max_dept",
        ),
        (
            json!({"num_round": null}),
            csv,
            &trained,
            "Missing required hyperparameter: num_round",
        ),
        (
            json!({"num_round": "ten"}),
            csv,
            &trained,
            "Hyperparameter num_round: could not parse value: ten",
        ),
        (
            json!({"objective": "rmse"}),
            csv,
            &trained,
            "XGB train call failed with exception:",
        ),
    ] {
        let reason = Container::new(&more, kind, channels).fails();
        assert!(reason.contains(words), "{words}: {reason}");
    }
}

// Checkpoints.

#[test]
fn a_training_goes_on_from_the_last_checkpoint() {
    let rows = csv(false);
    let container = Container::new(&json!({}), Some("text/csv"), &[("train", &rows)]);
    container.trains();
    assert_eq!(container.checkpoints(), [3, 4, 5, 6, 7], "the last five");
    container.hyperparameters(&json!({"num_round": "10"}));
    let log = container.trains();
    assert!(log.contains("Checkpoint of 8 rounds loaded"), "{log}");
    assert!(
        !log.contains("\n[7]") && log.contains("\n[8]") && log.contains("\n[9]"),
        "{log}"
    );
    assert!(log.contains("Model of 10 rounds saved"), "{log}");
    assert_eq!(container.checkpoints(), [5, 6, 7, 8, 9]);
}

#[test]
fn what_is_told_to_end_leaves_a_whole_checkpoint() {
    let rows = csv(false);
    let endless = json!({"num_round": "1000000"});
    let container = Container::new(&endless, Some("text/csv"), &[("train", &rows)]);
    let mut training = container.command("train");
    let mut training = training.stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while container.checkpoints().len() < 3 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no checkpoint");
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = nix::unistd::Pid::from_raw(training.id().try_into().unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(training.wait().unwrap().success());
    assert!(!container.base().join("model/xgboost-model").exists());
    let done = container.checkpoints().last().unwrap() + 1;
    container.hyperparameters(&json!({"num_round": (done + 2).to_string()}));
    let log = container.trains();
    assert!(
        log.contains(&format!("Checkpoint of {done} rounds loaded")),
        "{log}"
    );
    assert!(
        log.contains(&format!("Model of {} rounds saved", done + 2)),
        "{log}"
    );
}

// Requests.

/// The program that serves a container's model; it ends when dropped.
struct Served {
    program: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself, which its test has seen.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Served {
    async fn start(container: &Container, batch: bool) -> Self {
        let port = sagemaker_local::port::reserve().unwrap();
        let mut command = container.command("serve");
        command.env("SAGEMAKER_BIND_TO_PORT", port.to_string());
        if batch {
            command.env("SAGEMAKER_BATCH", "true");
        }
        let served = Self {
            program: command.spawn().unwrap(),
            url: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        let begun = Instant::now();
        loop {
            let ping = served.http.get(format!("{}/ping", served.url)).send().await;
            if ping.is_ok_and(|answer| answer.status() == 200) {
                return served;
            }
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "it does not serve"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Status, media type and text of the answer.
    async fn answers(&self, kind: &str, accept: &str, body: &str) -> (u16, String, String) {
        let call = self.http.post(format!("{}/invocations", self.url));
        let call = call.header("content-type", kind).header("accept", accept);
        let answer = call.body(body.to_owned()).send().await.unwrap();
        let told = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (answer.status().as_u16(), told, answer.text().await.unwrap())
    }
}

fn numbers(text: &str, between: char) -> Vec<f64> {
    text.trim_end()
        .split(between)
        .map(|number| number.parse().unwrap())
        .collect()
}

#[tokio::test]
async fn rows_are_scored_and_answered_as_they_are_asked_for() {
    let rows = csv(false);
    let container = Container::new(
        &json!({"num_round": "40"}),
        Some("text/csv"),
        &[("train", &rows)],
    );
    container.trains();
    let served = Served::start(&container, false).await;
    let body = "10,3\n40,\n";
    let (status, kind, text) = served.answers("text/csv", "text/csv", body).await;
    assert_eq!((status, kind.as_str()), (200, "text/csv"));
    let scores = numbers(&text, '\n');
    assert!(
        scores.len() == 2 && (scores[0] - 20.0).abs() < 4.0 && (scores[1] - 80.0).abs() < 4.0,
        "twice the first feature: {text}"
    );
    let (_, kind, text) = served.answers("text/csv", "application/json", body).await;
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kind, "application/json");
    assert_eq!(told["predictions"][1]["score"].as_f64(), Some(scores[1]));
    let (_, kind, text) = served
        .answers("text/csv", "application/jsonlines", body)
        .await;
    assert_eq!(
        (kind.as_str(), text.lines().count()),
        ("application/jsonlines", 2)
    );

    for (kind, body, status, words) in [
        (
            "text/csv",
            "1,2,3\n",
            400,
            "the rows have 3 columns, and the model 2",
        ),
        ("text/csv", "1,2\n3\n", 400, "the rows differ in length"),
        (
            "text/csv",
            "1,a\n",
            400,
            "Unable to evaluate payload provided",
        ),
        ("text/csv", "\n", 400, "there are no rows"),
        (
            "application/json",
            "{}",
            415,
            "application/json is not an accepted content type",
        ),
    ] {
        let (told, _, text) = served.answers(kind, "text/csv", body).await;
        assert_eq!(told, status, "{body:?}: {text}");
        assert!(text.contains(words), "{body:?}: {text}");
    }
    let (status, _, text) = served.answers("text/csv", "text/html", body).await;
    assert!(
        status == 406 && text.contains("text/html is not supported"),
        "{text}"
    );
    let elsewhere = served
        .http
        .get(format!("{}/other", served.url))
        .send()
        .await;
    assert_eq!(elsewhere.unwrap().status(), 404);
}

#[tokio::test]
async fn a_batch_is_answered_line_by_line() {
    let rows = csv(false);
    let container = Container::new(&json!({}), Some("text/csv"), &[("train", &rows)]);
    container.trains();
    let served = Served::start(&container, true).await;
    let (_, _, text) = served.answers("text/csv", "text/csv", "10,3\n40,\n").await;
    assert!(text.ends_with('\n'), "{text:?}");
    assert_eq!(numbers(&text, '\n').len(), 2);
}

/// A row for each class, ten times over; the class is the first feature.
fn classes() -> String {
    let row = |n: usize| format!("{},{},{}\n", n % 3, n % 3, n);
    (0..30).map(row).collect()
}

async fn served_classes(batch: bool) -> (tempfile::TempDir, Served) {
    let softprob =
        json!({"objective": "multi:softprob", "num_class": "3", "eval_metric": "mlogloss"});
    let container = Container::new(&softprob, Some("text/csv"), &[("train", &classes())]);
    container.trains();
    let served = Served::start(&container, batch).await;
    (container.0, served)
}

#[tokio::test]
async fn probabilities_of_classes_are_cells_of_the_rows_line() {
    let (_container, served) = served_classes(false).await;
    for body in ["0,0\n", "0,0\n1,1\n2,2\n"] {
        let (status, kind, text) = served.answers("text/csv", "*/*", body).await;
        assert_eq!((status, kind.as_str()), (200, "text/csv"));
        let rows: Vec<_> = text.lines().map(|line| numbers(line, ',')).collect();
        assert_eq!(
            rows.len(),
            body.lines().count(),
            "a line for each row: {text}"
        );
        for (class, row) in rows.iter().enumerate() {
            assert_eq!(row.len(), 3, "{text}");
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{text}");
            assert!(row.iter().all(|it| *it <= row[class]), "{text}");
        }
    }
    let (_, _, text) = served
        .answers("text/csv", "application/json", "0,0\n")
        .await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        answer["predictions"][0]["score"].as_array().unwrap().len(),
        3
    );
}

#[tokio::test]
async fn probabilities_of_a_batch_are_a_list_a_line() {
    let (_container, served) = served_classes(true).await;
    let (_, _, text) = served.answers("text/csv", "text/csv", "0,0\n1,1\n").await;
    let rows: Vec<Vec<f64>> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        rows.len() == 2 && rows.iter().all(|row| row.len() == 3),
        "{text}"
    );
}
