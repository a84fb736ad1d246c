//! The functions' packages, driven through a Runtime API: the first poll, an invocation, an invalid
//! input, a panic. `-- --nocapture` prints sizes and start-up times.
//!
//! Local AWS runs the development profile, and so do most of these tests. `-- --ignored` builds and
//! drives the release profile; `MILLRACE_SAM_BUILD=infra/.aws-sam/build` drives the output of `sam
//! build`, if it was built for this machine.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do
#![allow(clippy::print_stdout)] // the sizes and times are for a run by hand

use end_to_end::faults::{self, Programs};
use end_to_end::packages::Packages;
use end_to_end::template::{self, Lambda};
use end_to_end::{layers, workspace};
use local_servers::runtime_api::Function;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

const TIME: Duration = Duration::from_secs(30);

/// The programs, wherever they were built.
enum Built {
    ByUs(Packages),
    BySam(PathBuf),
}

impl Built {
    async fn now() -> Self {
        match std::env::var_os("MILLRACE_SAM_BUILD") {
            Some(folder) => Self::BySam(workspace::root().join(folder)),
            None => Self::ByUs(Packages::built().await),
        }
    }

    fn program(&self, name: &str) -> PathBuf {
        match self {
            Self::ByUs(packages) => packages.program(name),
            Self::BySam(folder) => {
                let function = template::role_name(name).replace("Role", "Function");
                folder.join(function).join("bootstrap")
            }
        }
    }
}

/// A function with the environment that its code asks for, none of which it reaches.
fn function(lambda: &Lambda, program: &std::path::Path, log: &std::path::Path) -> Function {
    let own = lambda.environment.iter().map(|name| {
        let value = match name.as_str() {
            "EVENTS_WHERE" => "[]",
            name if name.ends_with("_CONCURRENCY") => "1",
            _ => "none",
        };
        (name.as_str(), value)
    });
    let credentials = local_servers::environment();
    let all = own
        .chain(credentials)
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Function::new(program, all, log)
}

async fn poll_and_name_what_cannot_be_read(built: &Built) {
    let folder = tempfile::tempdir().unwrap();
    for lambda in layers::lambdas(&layers::read(&workspace::root())) {
        let program = built.program(&lambda.name);
        let bytes = std::fs::metadata(&program).unwrap().len();
        let log = folder.path().join(&lambda.name);
        let mut starts = Vec::new();
        let mut function = function(&lambda, &program, &log);
        for _ in 0..5 {
            function.kill().await;
            let polled = function.first_poll(TIME).await;
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            starts.push(polled.unwrap_or_else(|| panic!("{}: {}", lambda.name, said())));
        }
        starts.sort();
        let megabytes = bytes as f64 / 1e6;
        println!(
            "{:16} {megabytes:5.1} MB, polls after {:?}",
            lambda.name, starts[2]
        );

        let error = function
            .invoke(json!({ "spare": 1 }), TIME)
            .await
            .unwrap_err();
        assert_eq!(
            error.name, "InvalidRequest",
            "{}: {}",
            lambda.name, error.message
        );
        assert!(!error.message.contains('\n') && !error.message.is_empty());
        // The same process answers the next one.
        let process = function.process_id();
        let error = function.invoke(json!([]), TIME).await.unwrap_err();
        assert_eq!(
            (error.name.as_str(), function.process_id()),
            ("InvalidRequest", process)
        );
        let logged = std::fs::read_to_string(&log).unwrap();
        let lines = logged
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        assert!(
            lines.into_iter().all(|line| line["timestamp"].is_string()),
            "{logged}"
        );
    }
}

async fn export_a_table(built: &Built) {
    let programs = Programs {
        plan_export: built.program("plan-export"),
        export_segment: built.program("export-segment"),
    };
    let logs = tempfile::tempdir().unwrap();
    faults::run(1, &programs, logs.path()).await.unwrap();
}

#[tokio::test]
async fn each_artefact_polls_and_names_what_it_cannot_read() {
    poll_and_name_what_cannot_be_read(&Built::now().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_artefacts_export_a_table() {
    export_a_table(&Built::now().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the functions with the release profile, which takes some 30 CPU minutes"]
async fn the_release_artefacts_do_the_same() {
    let built = Built::ByUs(Packages::released());
    poll_and_name_what_cannot_be_read(&built).await;
    export_a_table(&built).await;
}

#[tokio::test]
async fn a_panic_is_reported_and_the_process_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // One that was built with the functions' profile may be named.
    let program = std::env::var_os("MILLRACE_PANICKING").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_panicking-under-test")),
        PathBuf::from,
    );
    let mut function = Function::new(&program, [], &log);
    assert_eq!(
        function.invoke(json!({ "divisor": 6 }), TIME).await,
        Ok(json!(7))
    );
    let process = function.process_id();
    let error = function
        .invoke(json!({ "divisor": 0 }), TIME)
        .await
        .unwrap_err();
    assert_eq!(error.name, "Bug");
    assert!(
        error.message.contains("divide by zero"),
        "{}",
        error.message
    );
    assert_eq!(
        function.invoke(json!({ "divisor": 7 }), TIME).await,
        Ok(json!(6))
    );
    assert_eq!(function.process_id(), process, "it was not started again");
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(logged.contains("\"error\":\"Bug\""), "{logged}");
}
