//! Tests of `train` as SageMaker runs it: a process with its tree, log and exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Container, metric};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_model_of_latent_factors_beats_every_baseline() {
    let container = Container::with_interactions(r#"{"seed":"1","unseen_index":"0"}"#);
    let output = container.train();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{log}{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let rmse = metric(&log, "validation:rmse");
    let baseline = metric(&log, "validation:baseline_rmse");
    assert!(
        rmse < 0.85 * baseline,
        "{rmse} is not better than the biases' {baseline}"
    );
    assert!(baseline < metric(&log, "validation:item_mean_rmse"));
    assert!(baseline < metric(&log, "validation:global_mean_rmse"));
    let ndcg = metric(&log, "validation:ndcg@10");
    assert!(ndcg > metric(&log, "validation:baseline_ndcg@10") + 0.01);
    assert!(ndcg > metric(&log, "validation:popularity_ndcg@10") + 0.02);
    assert!(metric(&log, "train:rmse") < rmse);

    let report: serde_json::Value =
        serde_json::from_str(&container.read("output/data/metrics.json")).unwrap();
    let reported = report["metrics"]["validation:rmse"].as_f64().unwrap();
    assert!((reported - rmse).abs() < 1e-6);
    assert_eq!(report["train"]["files"], 2);
    assert!(!container.path("output/failure").exists());
    let files: Vec<_> = std::fs::read_dir(container.path("model"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files, ["model.safetensors"]);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let model = |seed: &str| {
        let settings = format!(r#"{{"seed":"{seed}","regularization":"0.1","iterations":"5"}}"#);
        let container = Container::with_interactions(&settings);
        assert!(container.train().status.success());
        std::fs::read(container.path("model/model.safetensors")).unwrap()
    };
    assert_eq!(model("1"), model("1"));
    assert_ne!(model("1"), model("2"));
}

#[test]
fn a_job_without_validation_or_configuration_trains() {
    let container = Container::new();
    container.write("input/data/train/a.csv", "5,1,1\n1,2,1\n3,2,2\n");
    let output = container.train();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && !log.contains("validation:"),
        "{log}"
    );
    assert!(container.path("model/model.safetensors").exists());
}

#[test]
fn the_failure_file_names_bad_input() {
    let bad_cell = Container::with_interactions("{}");
    bad_cell.write("input/data/train/part-00001.csv", "4,1,1,7\n4,one,1,7\n");
    let failure = bad_cell.train_fails();
    assert!(
        failure.contains("part-00001.csv line 2 column 1: user \"one\""),
        "{failure}"
    );

    let no_channel = Container::new();
    let failure = no_channel
        .write("input/config/hyperparameters.json", "{}")
        .train_fails();
    assert!(
        failure.starts_with("channel train has no file below"),
        "{failure}"
    );

    let no_validation = Container::with_interactions("{}");
    std::fs::remove_dir_all(no_validation.path("input/data/validation")).unwrap();
    let failure = no_validation.train_fails();
    assert!(
        failure.starts_with("channel validation has no file below"),
        "{failure}"
    );

    let failure = Container::with_interactions(r#"{"epochs":"3"}"#).train_fails();
    assert!(
        failure.starts_with("unknown hyperparameter \"epochs\""),
        "{failure}"
    );
    let failure = Container::with_interactions(r#"{"factors":"0"}"#).train_fails();
    assert!(
        failure.starts_with("hyperparameter factors is \"0\""),
        "{failure}"
    );
}

#[test]
fn sigterm_stops_training_without_a_model() {
    let container = Container::with_interactions(r#"{"iterations":"1000","factors":"512"}"#);
    let mut child = container
        .command("train")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
    // At this line the signals are caught, and training is about to begin.
    log.find(|line| line.as_ref().unwrap().starts_with("channel validation"))
        .unwrap()
        .unwrap();
    let started = Instant::now();
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(5));
    let failure = container.read("output/failure");
    assert_eq!(failure, "stopped by SIGTERM before the model was written");
    assert!(!container.path("model").exists());
}
