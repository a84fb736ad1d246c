//! checkov on the transformed template. It installs 290 MB, so it is ignored by default: `cargo
//! test -p end-to-end --test checkov -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::{python, workspace};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What checkov asks for and the stack does not have, with the reason.
const ANSWERED: [(&str, &str); 5] = [
    (
        "CKV_AWS_18",
        "who reads objects is recorded by CloudTrail data events, which the account turns on",
    ),
    (
        "CKV_AWS_27",
        "the queue is encrypted by SQS's own keys (SqsManagedSseEnabled), which checkov does not read",
    ),
    (
        "CKV_AWS_115",
        "the two that run in numbers have a cap by a parameter; the others are called once at a time",
    ),
    (
        "CKV_AWS_116",
        "the state machine calls the functions and waits: there are no events to keep",
    ),
    (
        "CKV_AWS_173",
        "the variables are names of the bucket, roles and metrics; Lambda encrypts them by its own key",
    ),
];

/// The checks that fail, as `CKV_AWS_18 AWS::S3::Bucket.LakeBucket`.
fn failed(template: &Path) -> BTreeSet<String> {
    let mut command = Command::new(python::CHECKOV.program("checkov"));
    command
        .args([
            "--framework",
            "cloudformation",
            "--output",
            "json",
            "--quiet",
            "--compact",
        ])
        // It must not ask anybody.
        .arg("--skip-download")
        .arg("--file")
        .arg(template);
    let output = python::output(&mut command);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", python::said(&output)));
    let failed = report["results"]["failed_checks"].as_array().unwrap();
    assert!(
        report["summary"]["passed"].as_u64().unwrap() > 100,
        "{}",
        report["summary"]
    );
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    failed
        .iter()
        .map(|it| format!("{} {}", text(&it["check_id"]), text(&it["resource"])))
        .collect()
}

#[test]
#[ignore = "installs checkov, 290 MB: cargo test -p end-to-end --test checkov -- --ignored"]
fn checkov_finds_nothing_that_is_not_answered() {
    let sound = workspace::root().join("infra/cdk/template.json");
    let found = failed(&sound);
    let open = |it: &&String| {
        !ANSWERED
            .iter()
            .any(|(id, _)| it.starts_with(&format!("{id} ")))
    };
    let unanswered: Vec<_> = found.iter().filter(open).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    for (id, why) in ANSWERED {
        let still = found.iter().any(|it| it.starts_with(&format!("{id} ")));
        assert!(still, "{id} is found no more: {why}");
    }
}

#[test]
#[ignore = "installs checkov, 290 MB: cargo test -p end-to-end --test checkov -- --ignored"]
fn checkov_sees_what_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let sound = workspace::text("infra/cdk/template.json");
    for (right, wrong, check) in [
        (
            "\"BlockPublicAcls\": true",
            "\"BlockPublicAcls\": false",
            "CKV_AWS_53",
        ),
        (
            "\"EnableKeyRotation\": true",
            "\"EnableKeyRotation\": false",
            "CKV_AWS_7",
        ),
        (
            "\"Status\": \"Enabled\"\n    },\n    \"LifecycleConfiguration\"",
            "\"Status\": \"Suspended\"\n    },\n    \"LifecycleConfiguration\"",
            "CKV_AWS_21",
        ),
    ] {
        let path = folder.path().join("template.json");
        assert!(sound.contains(right), "{right} is nowhere");
        std::fs::write(&path, sound.replace(right, wrong)).unwrap();
        let found = failed(&path);
        let seen = found.iter().any(|it| it.starts_with(&format!("{check} ")));
        assert!(seen, "{wrong}: {check} is not among {found:?}");
    }
}
