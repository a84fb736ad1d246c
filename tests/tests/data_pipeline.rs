//! AWS's own translator and moto's Data Pipeline as judges of `millrace convert`: the file's form
//! and the API's form of a pipeline, from a file and from the service, become the same bytes.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::python::{AWSCLI, TESTS};
use end_to_end::workspace;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use tempfile::TempDir;

/// The structures of the guide, by their files' names.
fn pipelines() -> BTreeMap<String, String> {
    let folder = workspace::root().join("crates/data-pipeline/tests/pipelines");
    let files = std::fs::read_dir(folder).unwrap();
    let pipelines: BTreeMap<_, _> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(pipelines.len() > 10, "{pipelines:?}");
    pipelines
}

/// The API's form of a definition, by AWS's translator.
fn translated(definition: &str) -> String {
    let mut python = Command::new(AWSCLI.program("python"));
    python.arg(workspace::root().join("tests/python/data_pipeline_translate.py"));
    let mut process = piped(&mut python);
    let input = process
        .stdin
        .take()
        .unwrap()
        .write_all(definition.as_bytes());
    input.unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn piped(command: &mut Command) -> Child {
    command
        .env_remove("PYTHONPATH")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// moto's service.
struct Service {
    url: String,
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Service {
    fn start() -> Self {
        let mut python = Command::new(TESTS.program("python"));
        python.arg(workspace::root().join("tests/python/data_pipeline_server.py"));
        let mut process = piped(&mut python);
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut service = Self {
            url: String::new(),
            process,
            input,
            output,
        };
        service.url = service.line();
        service
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the service ended");
        line.trim().to_owned()
    }

    /// Creates a pipeline with objects in the API's form; its id.
    fn create(&mut self, objects: &Value) -> String {
        writeln!(self.input.as_mut().unwrap(), "{objects}").unwrap();
        self.line()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// Runs `millrace convert` in a folder, against a service.
fn convert(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_millrace-under-test"))
        .args(["convert", "--as-of", "2026-11-28T10:20:00Z"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", url)
        .output()
        .unwrap()
}

/// The files that were made, with their texts.
fn files(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
}

/// What `millrace convert` prints and writes: the exit code, the report and the files.
fn made(url: &str, name: &str, text: Option<&str>) -> (i32, String, BTreeMap<String, String>) {
    let folder = TempDir::new().unwrap();
    let output = match text {
        Some(text) => {
            std::fs::write(folder.path().join(name), text).unwrap();
            convert(folder.path(), url, &[name, "--out", "new"])
        }
        None => convert(folder.path(), url, &["--pipeline-id", name, "--out", "new"]),
    };
    let said = String::from_utf8(output.stdout).unwrap();
    let new = folder.path().join("new");
    let mut found = BTreeMap::new();
    assert!(new.is_dir(), "{}", String::from_utf8_lossy(&output.stderr));
    files(&new, &new, &mut found);
    (output.status.code().unwrap(), said, found)
}

#[test]
fn all_forms_of_a_pipeline_become_the_same_bytes() {
    let mut service = Service::start();
    let mut of_service = 0;
    for (name, text) in pipelines() {
        let api = translated(&text);
        let parsed: Value = serde_json::from_str(&api).unwrap();
        let id = service.create(&parsed["pipelineObjects"]);
        let of_file = made(&service.url, &id, Some(&text));
        assert!(of_file.2.contains_key("conversion.json"), "{name}");
        assert_eq!(made(&service.url, &id, Some(&api)), of_file, "{name}");
        // moto keeps no parameters.
        if parsed["parameterObjects"].is_null() && parsed["parameterValues"].is_null() {
            assert_eq!(made(&service.url, &id, None), of_file, "{name}");
            of_service += 1;
        }
    }
    assert!(of_service >= 3, "{of_service}");
}

#[test]
fn a_pipeline_that_was_never_activated_is_said_to_be_so() {
    let mut service = Service::start();
    let id = service.create(&serde_json::json!([]));
    let folder = TempDir::new().unwrap();
    let output = convert(folder.path(), &service.url, &["--pipeline-id", &id]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{error}");
    for words in [&*id, "has never been activated", "--version latest"] {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
