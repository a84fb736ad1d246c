//! What every command that reaches AWS says without credentials, with expired ones, and where there
//! is no such stack.

use crate::refused;
use crate::world::{World, run};
use axum::http::StatusCode;
use clap::CommandFactory;
use millrace::arguments::Arguments;

/// Commands that do not reach AWS, or say otherwise what is missing.
const OTHERS: [&str; 10] = [
    "convert",
    "demo",
    "local",
    // It creates the stack.
    "deploy",
    "schemas",
    "completions",
    "man",
    // They say it in a list of their own.
    "doctor",
    "validate",
    // A table needs no stack.
    "init",
];

/// A line of each command that needs the stack.
const LINES: [&str; 23] = [
    "plan",
    "push films.json",
    "pull",
    "diff films.json",
    "start",
    "watch",
    "status",
    "runs",
    "logs",
    "stop latest",
    "redrive",
    "verify",
    "replay --changes",
    "report",
    "approve latest",
    "reject latest --reason why",
    "predict {}",
    "encode",
    "rollback",
    "clean --dry-run",
    "upload .",
    "replay --events",
    "restore latest --table copy --wcu 5",
];

async fn world() -> World {
    let world = World::new().await;
    let text = "{\"source\": {\"dynamodb\": {\"table\": \"films\"}}}\n";
    std::fs::write(world.folder.path().join("films.json"), text).unwrap();
    world
}

#[test]
fn every_command_is_listed() {
    let command = Arguments::command();
    for command in command.get_subcommands() {
        let name = command.get_name();
        let is_line = LINES
            .iter()
            .any(|line| line.split(' ').next() == Some(name));
        assert!(is_line != OTHERS.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn every_command_names_credentials_that_are_missing_or_expired() {
    let world = world().await;
    let without = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", &*world.url),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    world.account().refusal = Some((StatusCode::BAD_REQUEST, "ExpiredTokenException"));
    for line in LINES
        .iter()
        .chain(&["init films", "plan films.json", "deploy"])
    {
        let ended = run(world.folder.path(), line, &without).await;
        refused(&ended, 4, &["no AWS credentials"], "aws configure sso");
        let ended = world.run(line).await;
        refused(&ended, 4, &["ExpiredTokenException"], "aws sso login");
    }
    let ended = run(world.folder.path(), "doctor", &without).await;
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(world.run("doctor").await.code, 4);
}

#[tokio::test]
async fn every_command_names_a_stack_that_is_not_there() {
    let world = world().await;
    for line in LINES.iter().chain(&["plan films.json"]) {
        let ended = world.run(&format!("{line} --stack other")).await;
        let words = ["there is no stack `other` in region eu-central-1"];
        refused(&ended, 5, &words, "--stack NAME or --region NAME");
    }
    assert_eq!(world.run("doctor --stack other").await.code, 5);
}
