//! Checks calls of SageMaker against botocore's models of the real services.

use crate::{python, workspace};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// What `tests/python/sagemaker_contract.py` says to these arguments.
pub fn contract(arguments: &[&str]) -> Output {
    let script = workspace::root().join("tests/python/sagemaker_contract.py");
    let mut command = Command::new(python::program("python"));
    python::output(command.arg(script).args(arguments))
}

/// Checks recorded calls by the models.
///
/// # Panics
/// If the real service would refuse a request, or an answer is not as the service's.
pub fn hold(record: &Path) {
    let output = contract(&["check", &record.display().to_string()]);
    let said = python::said(&output);
    assert!(output.status.success(), "{said}");
}

/// Checks recorded calls of functions by the models, and that whatever they created has the tags of
/// the stack and the pipeline.
///
/// # Panics
/// If the real service would refuse a request, or something was created that belongs to nobody.
pub fn hold_of(record: &Path, stack: &str, pipeline: &str) {
    hold(record);
    let tags = [
        json!({"Key": "millrace:stack", "Value": stack}),
        json!({"Key": "millrace:pipeline", "Value": pipeline}),
    ];
    let text = std::fs::read_to_string(record).expect("the record can be read");
    for line in text.lines() {
        let call: Value = serde_json::from_str(line).expect("each line is a call");
        let operation = call["operation"].as_str().unwrap_or_default();
        // A version of a model package has no tags: its group has.
        let is_tagged = operation != "CreateModelPackage"
            && (operation.starts_with("Create") || operation == "PutMetricAlarm");
        if is_tagged && call["error"].is_null() {
            let given = call["request"]["Tags"].as_array();
            let given = given.map_or(&[][..], Vec::as_slice);
            let missing: Vec<_> = tags.iter().filter(|tag| !given.contains(tag)).collect();
            assert!(missing.is_empty(), "{missing:?} are no tags of {call}");
        }
    }
}
