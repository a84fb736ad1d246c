//! The options of every command: what is shown where, in colours or not.

use crate::refused;
use crate::world::{EXECUTION, Ended, World, execution};
use clap::CommandFactory;
use millrace::arguments::Arguments;
use nix::pty::openpty;
use serde_json::{Value, json};
use std::process::Stdio;

const GOOD: &str = "{\"source\": {\"dynamodb\": {\"table\": \"films\"}}}\n";
const BAD: &str = "{\"source\": {\"dynamodb\": {\"tabel\": \"films\"}}}\n";

#[tokio::test]
async fn quiet_hides_hints_and_progress_and_no_error() {
    let world = World::new().await;
    let loud = world.run("start").await;
    assert!(
        loud.error.starts_with("started; follow it with: "),
        "{loud:?}"
    );
    let quiet = world.run("start --quiet").await;
    assert_eq!((quiet.code, &*quiet.error), (0, ""), "{quiet:?}");
    assert_eq!(quiet.output.lines().count(), 1);

    world.account().executions = vec![execution("failed", "default", "FAILED")];
    let loud = world.run("watch latest-failed").await;
    assert!(loud.error.contains("... 20261128-093056-"), "{loud:?}");
    let quiet = world.run("-q watch latest-failed").await;
    refused_in_one_line(&quiet.error);
    assert_eq!(quiet.code, 1);
    let missing = world.run("-q status nonsense").await;
    refused(
        &missing,
        5,
        &["there is no run `nonsense`"],
        "millrace runs",
    );
}

fn refused_in_one_line(error: &str) {
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("error: "), "{error}");
}

#[tokio::test]
async fn verbose_logs_requests_on_standard_error() {
    let world = World::new().await;
    let ended = world.run("runs -v").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.error.contains("DescribeStacks"), "{ended:?}");
    assert!(!ended.output.contains("DEBUG"), "{ended:?}");
    // Credentials are left out.
    assert!(!ended.error.contains("secret\""), "{ended:?}");
    assert_eq!(world.run("runs -v -q").await.code, 2);
}

#[tokio::test]
async fn colours_are_as_the_person_says() {
    let world = World::new().await;
    std::fs::write(world.folder.path().join("films.json"), BAD).unwrap();
    let line = "validate --offline films.json";
    for (option, variables, is_coloured) in [
        ("", vec![], false),
        ("--color always", vec![], true),
        ("--color always", vec![("NO_COLOR", "1")], true),
        ("--color never", vec![], false),
        ("--color auto", vec![("NO_COLOR", "1")], false),
    ] {
        let ended = world
            .run_with(&format!("{line} {option}"), &variables)
            .await;
        assert_eq!(ended.code, 1, "{ended:?}");
        assert_eq!(ended.output.contains('\u{1b}'), is_coloured, "{option}");
    }
    assert_eq!(world.run("runs --color blue").await.code, 2);
}

#[tokio::test]
async fn nobody_is_asked_to_type_where_that_is_forbidden() {
    let world = World::new().await;
    for line in ["predict --no-input", "encode --no-input"] {
        let terminal = openpty(None, None).unwrap();
        let mut command = world.command(line, &[]);
        command.stdin(Stdio::from(terminal.slave));
        let ended = Ended::of(command.output().await.unwrap());
        let words = ["no items are given, and --no-input forbids"];
        refused(&ended, 2, &words, "through a pipe");
        // A pipe is no person.
        let ended = world.run(line).await;
        assert_eq!(ended.code, 5, "{ended:?}");
    }
}

/// The document that a command has printed, which is as its schema says.
pub fn documented(command: &str, text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let all = millrace::output::all();
    let schema = all.into_iter().find(|(known, _)| *known == command);
    let schema = serde_json::to_value(schema.unwrap().1).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&document).collect();
    assert!(errors.is_empty(), "{command}: {errors:?}\n{text}");
    document
}

#[tokio::test]
async fn what_changes_a_run_prints_json() {
    let world = World::new().await;
    world.account().executions = vec![
        execution("running", "default", "RUNNING"),
        execution("failed", "default", "FAILED"),
    ];
    for (command, name, was) in [
        ("stop", "running", "RUNNING"),
        ("redrive", "failed", "FAILED"),
    ] {
        let ended = world.run(&format!("{command} {name} --json")).await;
        assert_eq!((ended.code, &*ended.error), (0, ""), "{ended:?}");
        let changed = documented(command, &ended.output);
        assert_eq!(changed["execution"], format!("{EXECUTION}:{name}"));
        assert_eq!(
            (&changed["was"], &changed["pipeline"]),
            (&json!(was), &json!("default"))
        );
    }
    let started = world.run("start --json").await;
    let started = documented("start", &started.output);
    assert_eq!(started["pipeline"], "default");
    std::fs::write(world.folder.path().join("films.json"), GOOD).unwrap();
    let ended = world.run("validate --offline --json films.json").await;
    let found = documented("validate", &ended.output);
    let expected = json!({"definitions": [{
        "file": "films.json", "pipeline": "films", "valid": true, "online": false, "faults": [],
        "notChecked": [],
    }]});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn completions_and_the_manual_name_every_command() {
    let world = World::new().await;
    let commands = Arguments::command();
    let names: Vec<_> = commands
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    for line in [
        "completions bash",
        "completions zsh",
        "completions fish",
        "man",
    ] {
        let ended = world.run(line).await;
        assert_eq!((ended.code, &*ended.error), (0, ""), "{line}");
        for name in &names {
            assert!(ended.output.contains(name), "{line} lacks {name}");
        }
    }
    assert!(world.run("man").await.output.starts_with(".ie"), "roff");
    let unknown = world.run("completions tcsh").await;
    assert_eq!((unknown.code, &*unknown.output), (2, ""), "{unknown:?}");
}
