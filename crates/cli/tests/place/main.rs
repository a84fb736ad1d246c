//! The program as a person runs it, with a CloudFormation, a Step Functions and an S3 that answer as
//! AWS does: the place comes from the stack, and each mistake is one clear message and its exit
//! code.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod bad_definitions;
mod everywhere;
mod fetched;
mod logs;
mod online;
mod output;
mod plan;
mod replay;
mod signals;
mod upload;
mod world;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use world::{EXECUTION, Ended, MACHINE, VERSION, World, execution, outputs, run};

/// The message has at most four lines of one screen, of which the first has these words.
#[track_caller]
fn refused(ended: &Ended, code: i32, words: &[&str], advice: &str) {
    assert_eq!((ended.code, ended.output.as_str()), (code, ""), "{ended:?}");
    let lines: Vec<_> = ended.error.lines().collect();
    assert!((1..=4).contains(&lines.len()), "{}", ended.error);
    assert!(lines[0].starts_with("error: "), "{}", ended.error);
    for word in words {
        assert!(
            ended.error.contains(word),
            "{word} is not in {}",
            ended.error
        );
    }
    let tries: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("  try: "))
        .collect();
    assert_eq!(tries.len(), 1, "{}", ended.error);
    assert!(
        tries[0].contains(advice),
        "{advice} is not in {}",
        ended.error
    );
    assert!(ended.error.len() < 700, "{}", ended.error);
}

#[tokio::test]
async fn the_stack_names_the_bucket_and_the_state_machine() {
    let world = World::new().await;
    world.account().executions = vec![execution("e", "default", "RUNNING")];
    let ended = world.run("runs").await;
    assert_eq!((ended.code, ended.error.as_str()), (0, ""), "{ended:?}");
    assert!(ended.output.contains("default"), "{}", ended.output);
    let asked = world.account().asked[0].clone();
    assert_eq!(asked.0, "ListExecutions");
    assert_eq!(asked.1["stateMachineArn"], MACHINE);

    world.account().stacks.clear();
    world
        .account()
        .stacks
        .insert("films".to_owned(), outputs(VERSION));
    assert_eq!(world.run("runs --stack films").await.code, 0);
    let by_variable = world.run_with("runs", &[("MILLRACE_STACK", "films")]).await;
    assert_eq!(by_variable.code, 0, "{by_variable:?}");
    std::fs::write(
        world.folder.path().join("millrace.toml"),
        "stack = 'films'\n",
    )
    .unwrap();
    assert_eq!(world.run("runs").await.code, 0);
    let mixed = world
        .run_with("runs --stack other", &[("LAKE_BUCKET", "lake")])
        .await;
    refused(
        &mixed,
        5,
        &["no stack `other` in region eu-central-1"],
        "--stack",
    );
}

#[tokio::test]
async fn a_start_prints_the_runs_id_at_once_and_names_the_execution() {
    let world = World::new().await;
    let ended = world
        .run("start --pipeline nightly --set dataset.label=rating --json")
        .await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let started: Value = serde_json::from_str(&ended.output).unwrap();
    let (operation, input) = world.account().asked.pop().unwrap();
    assert_eq!(operation, "StartExecution");
    assert_eq!(input["stateMachineArn"], format!("{MACHINE}:live"));
    let name = input["name"].as_str().unwrap();
    assert!(name.starts_with("nightly-20") && name.len() == 27, "{name}");
    let given: Value = serde_json::from_str(input["input"].as_str().unwrap()).unwrap();
    assert_eq!(
        given,
        json!({"pipeline": "nightly", "dataset": {"label": "rating"}})
    );
    let run = started["run"].as_str().unwrap();
    assert!(run.starts_with("20261128-093056-"), "{run}");
    assert_eq!(started["execution"], format!("{EXECUTION}:{name}"));

    let plain = world.run("start --stack millrace").await;
    assert!(plain.output.starts_with("20261128-093056-"), "{plain:?}");
    assert_eq!(plain.output.lines().count(), 1);
    assert!(
        plain.error.contains("millrace watch 20261128-093056-"),
        "{plain:?}"
    );
}

#[tokio::test]
async fn a_run_has_several_names() {
    let world = World::new().await;
    world.account().executions = vec![
        execution("third", "nightly", "RUNNING"),
        execution("second", "default", "RUNNING"),
        execution("first", "default", "FAILED"),
    ];
    let run = async |name: &str| -> String {
        let ended = world.run(&format!("status --json {name}")).await;
        assert_eq!(ended.code, 0, "{name}: {ended:?}");
        let status: Value = serde_json::from_str(&ended.output).unwrap();
        let arn = status["run"]["execution"].as_str().unwrap().to_owned();
        assert!(status["console"].as_str().unwrap().ends_with(&arn));
        arn.rsplit(':').next().unwrap().to_owned()
    };
    assert_eq!(run("").await, "second");
    assert_eq!(run("latest --pipeline nightly").await, "third");
    assert_eq!(run("latest-failed").await, "first");
    assert_eq!(run("third").await, "third");
    assert_eq!(run(&format!("{EXECUTION}:first")).await, "first");
    let listed = world.run("runs --json").await;
    let listed: Value = serde_json::from_str(&listed.output).unwrap();
    for (at, name) in ["third", "second", "first"].iter().enumerate() {
        let id = listed["runs"][at]["run"].as_str().unwrap();
        assert_eq!(run(id).await, *name);
        assert_eq!(run(&id[..20]).await, *name);
    }
    let several = world.run("status 20261128").await;
    refused(
        &several,
        2,
        &["several runs begin with `20261128`"],
        "more digits",
    );
    let failed = world.run("status first").await;
    assert!(
        failed
            .output
            .contains("AttributeMissing: no label `Rating`"),
        "{failed:?}"
    );
}

#[tokio::test]
async fn only_a_running_run_is_stopped_and_only_a_failed_one_redriven() {
    let world = World::new().await;
    world.account().executions = vec![
        execution("running", "default", "RUNNING"),
        execution("failed", "default", "FAILED"),
    ];
    let stopped = world.run("stop running").await;
    assert!(stopped.output.starts_with("stopped 2026"), "{stopped:?}");
    let (operation, input) = world.account().asked.pop().unwrap();
    assert_eq!(
        (operation.as_str(), &input["executionArn"]),
        ("StopExecution", &json!(format!("{EXECUTION}:running")))
    );
    let redriven = world.run("redrive").await;
    assert!(redriven.output.starts_with("redriven 2026"), "{redriven:?}");
    let (operation, input) = world.account().asked.pop().unwrap();
    assert_eq!(
        (operation.as_str(), &input["executionArn"]),
        ("RedriveExecution", &json!(format!("{EXECUTION}:failed")))
    );

    let ended = world.run("stop failed").await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.error.contains("has already ended, as FAILED"),
        "{ended:?}"
    );
    let ended = world.run("redrive running").await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.error.contains("only one that failed can be redriven"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn credentials_that_are_missing_or_expired_are_named() {
    let world = World::new().await;
    let without = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", &*world.url),
    ];
    let ended = run(world.folder.path(), "runs", &without).await;
    refused(
        &ended,
        4,
        &["no AWS credentials", "stack millrace, region eu-central-1"],
        "aws configure sso",
    );

    for (code, advice) in [
        ("ExpiredToken", "aws sso login"),
        ("InvalidClientTokenId", "clock"),
        ("AccessDenied", "permission"),
    ] {
        world.account().refusal = Some((StatusCode::FORBIDDEN, code));
        let ended = world.run("runs").await;
        refused(
            &ended,
            4,
            &["CloudFormation DescribeStacks of millrace", code],
            advice,
        );
    }
    world.account().refusal = Some((StatusCode::BAD_REQUEST, "ExpiredTokenException"));
    let ended = world
        .run(&format!("runs --state-machine-arn {MACHINE}:live"))
        .await;
    refused(
        &ended,
        4,
        &["Step Functions ListExecutions", "ExpiredTokenException"],
        "aws sso login",
    );
}

#[tokio::test]
async fn a_region_or_stack_that_is_wrong_is_named() {
    let world = World::new().await;
    let ended = world.run("runs --region us-west-2 --stack films").await;
    refused(
        &ended,
        5,
        &["there is no stack `films` in region us-west-2"],
        "--region NAME",
    );
    let keys = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let ended = run(world.folder.path(), "runs", &keys).await;
    refused(&ended, 2, &["no AWS region is set"], "AWS_REGION");

    let other = vec![("Url", "https://films".to_owned())];
    world.account().stacks.insert("web".to_owned(), other);
    let ended = world.run("runs --stack web").await;
    refused(
        &ended,
        5,
        &["the stack `web` (CREATE_COMPLETE) is no stack of Millrace"],
        "--stack",
    );
    world
        .account()
        .stacks
        .insert("old".to_owned(), outputs("7.0.0"));
    let ended = world.run("report --stack old").await;
    refused(
        &ended,
        1,
        &["the stack `old` is of version 7.0.0, this program of"],
        "update the stack",
    );
}

#[tokio::test]
async fn a_bucket_of_somebody_else_is_named() {
    let world = World::new().await;
    world.account().s3 = Some((StatusCode::FORBIDDEN, "AccessDenied"));
    let line = "report 20261120-173000-1a2b3c4d --bucket lake";
    let ended = world.run(line).await;
    refused(
        &ended,
        4,
        &["s3://lake/", "AccessDenied"],
        "LakeAdministrators",
    );
    world.account().s3 = Some((StatusCode::NOT_FOUND, "NoSuchBucket"));
    refused(&world.run(line).await, 5, &["NoSuchBucket"], "LakeBucket");
    world.account().s3 = Some((StatusCode::MOVED_PERMANENTLY, "PermanentRedirect"));
    refused(
        &world.run(line).await,
        5,
        &["PermanentRedirect"],
        "another region",
    );
    world.account().s3 = Some((StatusCode::SERVICE_UNAVAILABLE, "SlowDown"));
    refused(&world.run(line).await, 6, &["SlowDown"], "limits requests");
}

#[tokio::test]
async fn a_run_that_does_not_exist_is_named() {
    let world = World::new().await;
    let none = "stack millrace, region eu-central-1";
    let ended = world.run("status").await;
    refused(
        &ended,
        5,
        &["pipeline `default` has no run in", none],
        "millrace start",
    );
    let ended = world.run("redrive --pipeline nightly").await;
    refused(
        &ended,
        5,
        &["pipeline `nightly` has no run that failed in", none],
        "millrace start",
    );
    let ended = world.run("report champion").await;
    refused(
        &ended,
        5,
        &["pipeline `default` has no champion in", none],
        "millrace start",
    );
    for name in ["nonsense", "20261120-173000-1a2b3c4d", "20261120"] {
        let ended = world.run(&format!("watch {name}")).await;
        refused(
            &ended,
            5,
            &[&format!("there is no run `{name}` in"), none],
            "millrace runs",
        );
    }
    let ended = world.run(&format!("watch {EXECUTION}:gone")).await;
    refused(&ended, 5, &["there is no run `arn:"], "millrace runs");
    let ended = world.run("report 20261120-173000-1a2b3c4d").await;
    refused(
        &ended,
        5,
        &["there is no object s3://lake/"],
        "millrace runs",
    );
    let empty = world.run("runs").await;
    assert_eq!(
        (empty.code, empty.output),
        (0, format!("no runs in {none}\n"))
    );
}

#[tokio::test]
async fn what_cannot_be_reached_is_named() {
    let world = World::new().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let ended = world.run_with("runs", &[("AWS_ENDPOINT_URL", &url)]).await;
    refused(
        &ended,
        6,
        &["CloudFormation DescribeStacks", "Connection refused"],
        "AWS_ENDPOINT_URL",
    );
    world.account().refusal = Some((StatusCode::BAD_REQUEST, "Throttling"));
    refused(
        &world.run("runs").await,
        6,
        &["Throttling"],
        "limits requests",
    );
}

#[tokio::test]
async fn what_names_only_half_of_the_place_is_refused() {
    let world = World::new().await;
    let ended = world.run("runs --bucket lake").await;
    refused(
        &ended,
        2,
        &["--bucket names the lake's bucket only"],
        "--stack",
    );
    let ended = world
        .run(&format!("encode --state-machine-arn {MACHINE}"))
        .await;
    refused(&ended, 2, &["names the state machine only"], "--stack");
    let ended = world.run("report latest-failed --bucket lake").await;
    refused(&ended, 2, &["names a run by its execution"], "--stack");
    std::fs::write(
        world.folder.path().join("millrace.toml"),
        "stak = 'films'\n",
    )
    .unwrap();
    let ended = world.run("runs").await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended
            .error
            .contains("millrace.toml:1: unknown field `stak`"),
        "{ended:?}"
    );
    for line in [
        "start --set label",
        "runs --stack a --bucket b",
        "frobnicate",
        "stop",
    ] {
        assert_eq!(world.run(line).await.code, 2, "{line}");
    }
}
