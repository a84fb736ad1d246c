//! Checks calls of SageMaker against botocore's models of the real services.

use crate::{python, workspace};
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
