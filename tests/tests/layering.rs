//! Which crate may depend on which, from cargo's metadata and the sources.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::layers::{self, Crates};
use end_to_end::{Finding, workspace};
use std::path::PathBuf;

#[test]
fn every_dependency_points_downwards() {
    let crates = layers::read(&workspace::root());
    assert!(crates.len() > 15, "{:?}", crates.keys());
    assert_eq!(Finding::list(&layers::findings(&crates)), "");
}

fn depend(crates: &mut Crates, name: &str, dependency: &str) {
    let krate = crates.get_mut(name).unwrap();
    krate.dependencies.insert(dependency.to_owned());
}

type Change = fn(&mut Crates);

#[test]
fn a_dependency_that_points_elsewhere_is_found() {
    let cases: [(&str, &str, Change); 11] = [
        ("contract", "may not know lake", |c| {
            depend(c, "contract", "lake");
        }),
        ("lake", "may not know aws", |c| depend(c, "lake", "aws")),
        ("plan-export", "may not know export-segment", |c| {
            depend(c, "plan-export", "export-segment");
        }),
        ("merge-to-csv", "aws-sdk-s3 is for aws alone", |c| {
            depend(c, "merge-to-csv", "aws-sdk-s3");
        }),
        ("millrace", "aws-config is for aws alone", |c| {
            depend(c, "millrace", "aws-config");
        }),
        (
            "judge-model",
            "lambda_runtime is for lambda-shell alone",
            |c| {
                depend(c, "judge-model", "lambda_runtime");
            },
        ),
        ("dataset", "does no I/O and needs no tokio", |c| {
            depend(c, "dataset", "tokio");
        }),
        ("lake", "aws-sdk-s3 is for aws alone, in tests too", |c| {
            let krate = c.get_mut("lake").unwrap();
            krate.test_dependencies.insert("aws-sdk-s3".to_owned());
        }),
        ("judge-model/src/lib.rs", "aws is for main.rs alone", |c| {
            let krate = c.get_mut("judge-model").unwrap();
            let source = krate.sources.get_mut(&PathBuf::from("lib.rs")).unwrap();
            source.push_str("fn f() { aws::load() }");
        }),
        (
            "plan-dataset/src/main.rs",
            "parses text by itself: use lambda_shell::env_as",
            |c| {
                let krate = c.get_mut("plan-dataset").unwrap();
                let source = krate.sources.get_mut(&PathBuf::from("main.rs")).unwrap();
                source.push_str("fn f() { lambda_shell::env(\"LAKE_BUCKET\")?.parse()? }");
            },
        ),
        ("newcomer", "is neither noun, verb nor program", |c| {
            c.insert("newcomer".to_owned(), layers::Crate::default());
        }),
    ];
    for (place, problem, change) in cases {
        let mut crates = layers::read(&workspace::root());
        change(&mut crates);
        assert_eq!(layers::findings(&crates), [Finding::new(place, problem)]);
    }
}
