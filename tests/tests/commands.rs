//! The program on local AWS with the deployed functions, as a person runs it: a run is started by
//! the stack's name, followed, listed, named in every way, verified and reported; its JSON is as
//! documented.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::RunId;
use contract::states::{Outcome, PublishReportOutput};
use end_to_end::pipeline::Pipeline;
use end_to_end::program::{self, Ended};
use end_to_end::terminal::{Screen, Terminal, lines};
use end_to_end::workspace;
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Enough for a model that is deployed.
const ITEMS: usize = 20_000;

fn command(pipeline: &Pipeline, line: &str) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_millrace-under-test"));
    program::command(path, &pipeline.local, pipeline.local.folder(), line)
}

async fn run(pipeline: &Pipeline, line: &str) -> Ended {
    Ended::of(command(pipeline, line).output().await.unwrap())
}

/// What the command prints with `--json`, which is as its schema says.
async fn json(pipeline: &Pipeline, line: &str) -> Value {
    let text = run(pipeline, &format!("{line} --json")).await.well();
    program::document(line.split_whitespace().next().unwrap(), &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_starts_follows_and_reads_runs_by_the_stacks_name() {
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(42, ITEMS);
    pipeline.fill(TABLE, &interactions).await;
    definitions_are_pushed_and_pulled(&pipeline).await;
    everything_is_as_it_should_be(&pipeline).await;

    // The id is printed before the run ends, and is the run's own.
    let ended = run(&pipeline, "start --pipeline files --watch").await;
    assert!(ended.error.contains("ok  SealDataset"), "{}", ended.error);
    let first = RunId::parse(ended.well().trim()).unwrap();
    let watched = run(&pipeline, "watch --pipeline files").await.well();
    let output: PublishReportOutput = serde_json::from_str(&watched).unwrap();
    assert_eq!(
        (&output.run, output.outcome),
        (&first, Outcome::DatasetSealed)
    );

    every_reading_command_finds_the_run(&pipeline, &interactions, &first).await;
    a_failed_run_is_shown_and_is_exit_code_1(&pipeline, &first).await;
    a_signal_leaves_the_run_going(&pipeline).await;
    old_runs_are_listed(&pipeline, &first).await;
    the_champion_predicts(&pipeline, &interactions).await;
    pipeline.local.stop().await.unwrap();
}

/// A person pushes two definitions; another one pulls, and cannot overwrite a later push.
async fn definitions_are_pushed_and_pulled(pipeline: &Pipeline) {
    let folder = pipeline.local.folder();
    let mut definition = serde_json::to_value(demo::definition()).unwrap();
    let text = |definition: &Value| format!("{definition:#}\n");
    std::fs::write(folder.join("default.json"), text(&definition)).unwrap();
    let parts = definition.as_object_mut().unwrap();
    for part in ["promotion", "endpoint", "training", "pipeline"] {
        parts.remove(part);
    }
    std::fs::write(folder.join("files.json"), text(&definition)).unwrap();
    let validated = json(pipeline, "validate default.json files.json").await;
    for file in validated["definitions"].as_array().unwrap() {
        assert_eq!(
            (&file["valid"], &file["online"]),
            (&true.into(), &true.into())
        );
        assert!(file["sample"]["items"].as_u64().unwrap() >= 500, "{file}");
    }
    let pushed = run(pipeline, "push default.json files.json").await.well();
    let bucket = lake::ObjectStore::bucket(&pipeline.lake);
    let lines =
        ["default", "files"].map(|name| format!("created s3://{bucket}/config/{name}.json\n"));
    assert_eq!(pushed, lines.concat());
    let same = json(pipeline, "diff default.json files.json").await;
    assert_eq!(
        same["definitions"][1]["changes"].as_array().unwrap().len(),
        0
    );

    let again = json(pipeline, "push default.json").await;
    assert_eq!(again["definitions"][0]["outcome"], "unchanged");
    let pulled = json(pipeline, "pull files --to .").await;
    let expected = serde_json::json!([{"file": "./files.json", "outcome": "unchanged"}]);
    assert_eq!(pulled["definitions"], expected);
    std::fs::create_dir(folder.join("other")).unwrap();
    let pulled = run(pipeline, "pull files --to other").await.well();
    assert_eq!(pulled, "created other/files.json\n");
    definition["dataset"]["split"]["seed"] = 8.into();
    std::fs::write(folder.join("other/files.json"), text(&definition)).unwrap();
    let pushed = run(pipeline, "push other/files.json").await.well();
    assert!(pushed.starts_with("replaced "), "{pushed}");
    let late = run(pipeline, "push files.json --replace").await.well();
    assert!(late.starts_with("replaced "), "{late}");
    let refused = run(pipeline, "push other/files.json").await;
    assert_eq!(refused.code, 1, "{}", refused.error);
    assert!(
        refused.error.contains("changed by somebody else"),
        "{}",
        refused.error
    );
    std::fs::write(folder.join("new.json"), text(&definition)).unwrap();
    let partly = run(pipeline, "push new.json other/files.json").await;
    assert_eq!(partly.code, 3, "{}", partly.error);
    assert!(partly.output.starts_with("created "), "{}", partly.output);
    let differs = run(pipeline, "diff other/files.json").await;
    assert_eq!(differs.code, 1, "{}", differs.output);
    assert!(
        differs.output.contains("  + dataset.split.seed: 8"),
        "{}",
        differs.output
    );
}

async fn everything_is_as_it_should_be(pipeline: &Pipeline) {
    let diagnosis = json(pipeline, "doctor").await;
    let checks = diagnosis["checks"].as_array().unwrap();
    let names: Vec<_> = checks
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    for name in [
        "version",
        "settings",
        "credentials",
        "stack",
        "lake",
        "state machine",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let missing = run(pipeline, "doctor --stack other").await;
    assert_eq!(missing.code, 5, "{}", missing.output);
    assert!(missing.output.contains("not stack"), "{}", missing.output);
}

/// `predict` answers what the endpoint answers to the rows of `encode`.
async fn the_champion_predicts(pipeline: &Pipeline, interactions: &Interactions) {
    let none = run(pipeline, "predict {}").await;
    assert_eq!(none.code, 5, "{}", none.error);
    let started = a_terminal_shows_the_run(pipeline).await;
    let items: Vec<Value> = interactions.items().take(3).cloned().collect();
    let lines: Vec<_> = items.iter().map(ToString::to_string).collect();
    let file = pipeline.local.folder().join("items.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let rows = run(pipeline, &format!("encode {}", file.display()))
        .await
        .well();
    let endpoint = demo::definition().endpoint().name.clone().unwrap();
    let url = demo::invocations(&pipeline.local.sagemaker_url(), &endpoint);
    let asked = reqwest::Client::new()
        .post(url)
        .header("content-type", "text/csv");
    let answer = asked.body(rows).send().await.unwrap().text().await.unwrap();
    let scores: Vec<f64> = answer
        .split_whitespace()
        .map(|cell| cell.parse().unwrap())
        .collect();
    assert_eq!(scores.len(), 3, "{answer}");

    let asked = command(pipeline, "predict --json")
        .args(&lines)
        .output()
        .await
        .unwrap();
    let predictions: Value = serde_json::from_str(&Ended::of(asked).well()).unwrap();
    assert_eq!(predictions["run"], started.trim());
    assert_eq!(predictions["label"], "rating");
    let predicted: Vec<_> = predictions["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    let predicted: Vec<_> = predicted
        .iter()
        .map(|it| it["answer"].as_f64().unwrap())
        .collect();
    assert_eq!(predicted, scores);
    let key = |name: &str| items[1][name]["S"].as_str().unwrap().to_owned();
    let line = format!(
        "predict --key user_id={} --key event_id={}",
        key("user_id"),
        key("event_id")
    );
    let by_key = json(pipeline, &line).await;
    assert_eq!(by_key["predictions"][0]["answer"].as_f64(), Some(scores[1]));
    let gone = run(pipeline, "predict --key user_id=nobody --key event_id=none").await;
    assert_eq!(gone.code, 5, "{}", gone.error);
    let half = run(pipeline, "predict --key user_id=nobody").await;
    assert_eq!(half.code, 2, "{}", half.error);
    assert!(
        half.error.contains("the key has user_id and event_id"),
        "{}",
        half.error
    );
}

/// Watches a run in a terminal; draws the picture of the documentation, if it is to be written.
async fn a_terminal_shows_the_run(pipeline: &Pipeline) -> String {
    let mut watching = command(pipeline, "start --watch");
    let (ended, frames) = Terminal::new(13, 100).run(&mut watching).await;
    let ended = Ended::of(ended).well();
    let row = |screen: &Screen, state: &str| {
        let mut rows = lines(screen).into_iter();
        rows.find(|row| row.contains(state)).unwrap_or_default()
    };
    let last = frames.last().unwrap();
    for state in [
        "PlanExport",
        "ExportSegments",
        "MergeShards",
        "StartTraining",
        "PublishReport",
    ] {
        assert!(
            row(last, state).contains('✓'),
            "{state}: {:#?}",
            lines(last)
        );
    }
    let training = row(last, "StartTraining");
    assert!(training.contains(" calls, validation:rmse "), "{training}");
    let counted = |screen: &&Screen| row(screen, "ExportSegments").contains(" segments");
    assert!(
        frames.iter().any(|screen| counted(&screen)),
        "{:#?}",
        lines(last)
    );

    let picture = workspace::root().join("docs/src/images/watch.svg");
    // While it trains, and has said how well.
    let trains = |screen: &&Screen| {
        let row = row(screen, "StartTraining");
        row.contains("validation:rmse") && !row.contains('✓')
    };
    if std::env::var_os("MILLRACE_WRITE").is_some() {
        let screen = frames.iter().rfind(trains).or(frames.last()).unwrap();
        std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
        std::fs::write(&picture, end_to_end::terminal::svg(screen)).unwrap();
    }
    let drawn = std::fs::read_to_string(picture).unwrap();
    for state in [
        "PlanExport",
        "ExportSegments",
        "MergeShards",
        "StartTraining",
    ] {
        assert!(
            drawn.contains(state),
            "draw it again, with MILLRACE_WRITE=1: {state}"
        );
    }
    ended
}

async fn every_reading_command_finds_the_run(
    pipeline: &Pipeline,
    interactions: &Interactions,
    run_id: &RunId,
) {
    let prefix = &run_id.as_str()[..20];
    for name in [run_id.as_str(), prefix, "latest"] {
        let verified = json(pipeline, &format!("verify {name} --pipeline files")).await;
        assert_eq!(verified["run"], run_id.as_str());
        assert_eq!(
            (&verified["sound"], &verified["items"]),
            (&true.into(), &ITEMS.into())
        );
        let status = json(pipeline, &format!("status {name} --pipeline files")).await;
        assert_eq!(status["run"]["outcome"], "DatasetSealed");
    }
    // Readers without CloudFormation and Step Functions.
    let bucket = lake::ObjectStore::bucket(&pipeline.lake).to_owned();
    for name in [run_id.as_str(), prefix, "latest"] {
        let line = format!("report {name} --pipeline files --bucket {bucket}");
        let reported = json(pipeline, &line).await;
        assert_eq!(reported["report"]["run"], run_id.as_str());
        assert_eq!(reported["profile"]["items"], ITEMS);
    }
    let text = run(pipeline, &format!("status {run_id}")).await.well();
    for words in ["DatasetSealed", "ExportSegments", "20,000", "console"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    // What is encoded is as the first items were for training.
    let file = pipeline.local.folder().join("items.jsonl");
    let items = interactions.items().take(3);
    let lines: Vec<_> = items.map(ToString::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let line = format!("encode --run latest --pipeline files {}", file.display());
    let rows = run(pipeline, &line).await.well();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    let other = run(pipeline, &format!("verify {run_id} --pipeline other")).await;
    assert_eq!(other.code, 5, "{}", other.error);
}

/// The oldest run is kept: later ones made no good data, or left nothing at all.
async fn old_runs_are_listed(pipeline: &Pipeline, oldest: &RunId) {
    let listed = json(pipeline, "clean --pipeline files --keep 1 --dry-run").await;
    assert_eq!(listed["removed"], false);
    let kept = listed["kept"].as_array().unwrap();
    let of_oldest = kept.iter().find(|kept| kept["run"] == oldest.as_str());
    let reason = of_oldest.unwrap()["reason"].as_str().unwrap();
    assert!(
        ["the newest good data", "one of the newest"].contains(&reason),
        "{listed}"
    );
}

async fn a_failed_run_is_shown_and_is_exit_code_1(pipeline: &Pipeline, first: &RunId) {
    let line = "start --pipeline files --set dataset.label=Rating --watch";
    let ended = run(pipeline, line).await;
    assert_eq!(ended.code, 1, "{}", ended.error);
    assert!(ended.error.contains("AttributeMissing"), "{}", ended.error);
    let failed = RunId::parse(ended.output.trim()).unwrap();

    let list = json(pipeline, "runs -n 5").await;
    let runs = list["runs"].as_array().unwrap();
    let ids: Vec<_> = runs
        .iter()
        .map(|row| row["run"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [failed.as_str(), first.as_str()]);
    assert_eq!(runs[0]["error"]["name"], "AttributeMissing");
    assert_eq!(runs[1]["rows"]["train"].as_u64().unwrap() / 1000, 17);
    let text = run(pipeline, "runs").await.well();
    assert!(text.contains("failed: AttributeMissing"), "{text}");
    let none = json(pipeline, "runs --pipeline other").await;
    assert_eq!(none["runs"].as_array().unwrap().len(), 0);

    let status = json(pipeline, "status latest-failed --pipeline files").await;
    assert_eq!(status["run"]["run"], failed.as_str());
    assert_eq!(status["run"]["error"]["state"], "PlanExport");
    assert_eq!(status["log"], "/aws/lambda/millrace/plan-export");
    // What the function has written that failed, and what all of the good run's have.
    let logs = json(pipeline, "logs latest-failed --pipeline files").await;
    let lines = logs["lines"].as_array().unwrap();
    let refusal = lines
        .iter()
        .find(|line| line["fields"]["error"] == "AttributeMissing");
    let refusal = refusal.unwrap_or_else(|| panic!("{logs:#}"));
    assert!(
        refusal["message"].as_str().unwrap().contains("`Rating`"),
        "{refusal}"
    );
    let text = run(pipeline, &format!("logs {first}")).await.well();
    for function in [
        "plan-export",
        "export-segment",
        "merge-to-csv",
        "seal-dataset",
    ] {
        assert!(
            text.contains(&format!("  {function} ")),
            "{function} is not in\n{text}"
        );
    }
    let over = run(pipeline, &format!("stop {failed}")).await;
    assert_eq!(over.code, 1, "{}", over.error);
    let sound = run(pipeline, &format!("redrive {first}")).await;
    assert_eq!(sound.code, 1, "{}", sound.error);
}

/// Ctrl-C ends `watch` and leaves the run going; `stop` ends the run.
async fn a_signal_leaves_the_run_going(pipeline: &Pipeline) {
    let mut child = command(pipeline, "start --pipeline files --watch")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut id = [0; 24];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut id)
        .await
        .unwrap();
    let id = String::from_utf8(id.to_vec()).unwrap();
    let process = i32::try_from(child.id().unwrap()).unwrap();
    kill(Pid::from_raw(process), Signal::SIGINT).unwrap();
    let ended = Ended::of(child.wait_with_output().await.unwrap());
    assert_eq!(ended.code, 130, "{}", ended.error);
    let hint = format!("the run continues; come back with: millrace watch {id}");
    assert!(ended.error.contains(&hint), "{}", ended.error);

    let stopped = json(pipeline, &format!("stop {id}")).await;
    assert_eq!(
        (&stopped["run"], &stopped["was"]),
        (&id.as_str().into(), &"RUNNING".into())
    );
    let watched = run(pipeline, &format!("watch {id}")).await;
    assert_eq!(watched.code, 1, "{}", watched.error);
    assert!(watched.error.contains("ABORTED"), "{}", watched.error);
}
