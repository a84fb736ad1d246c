//! Definitions of AWS Data Pipeline are converted by the program: its files, its exit codes, and
//! what it never overwrites.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const EXPORT: &str = include_str!("../../data-pipeline/tests/pipelines/01-console-export.json");
const SHELL: &str = include_str!("../../data-pipeline/tests/pipelines/10-hello-world.json");

/// A folder with a definition.
struct Folder(TempDir);

impl Folder {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pipeline.json"), text).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .arg("convert")
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads no input may have ended already.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        let Output {
            status,
            stdout,
            stderr,
        } = process.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        list(self.0.path(), self.0.path(), &mut files);
        files.sort();
        files
    }
}

fn list(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

const NOW: [&str; 2] = ["--as-of", "2026-11-28T10:20:00Z"];

#[test]
fn an_export_is_converted_and_never_overwritten() {
    let folder = Folder::new(EXPORT);
    let arguments = [&["pipeline.json", "--out", "new"][..], &NOW].concat();
    let (code, out, error) = folder.run(&arguments, "");
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("houses-v2  Houses_V2  config/houses-v2.json, every day at 21:45 UTC"),
        "{out}"
    );
    assert!(
        out.contains("millrace push new/config/houses-v2.json"),
        "{out}"
    );
    assert!(error.contains("wrote new/config/houses-v2.json"), "{error}");
    let all = [
        "new/config/houses-v2.json",
        "new/conversion.json",
        "new/conversion.md",
        "new/schedule-houses-v2.json",
        "new/stack.json",
        "pipeline.json",
    ];
    assert_eq!(folder.files(), all);

    // One file that is there is enough to write none.
    std::fs::remove_file(folder.path("new/config/houses-v2.json")).unwrap();
    let (code, _, error) = folder.run(&arguments, "");
    assert_eq!(code, 1);
    assert!(error.contains("exists, and is not overwritten"), "{error}");
    assert!(!folder.path("new/config/houses-v2.json").exists());
    let (code, ..) = folder.run(&[&arguments[..], &["--force"]].concat(), "");
    assert_eq!((code, folder.files()), (0, all.map(str::to_owned).to_vec()));

    // What was written is a definition.
    let checked = Command::new(env!("CARGO_BIN_EXE_millrace"))
        .args(["validate", "--offline"])
        .arg(folder.path("new/config/houses-v2.json"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn what_has_no_counterpart_ends_with_3() {
    let folder = Folder::new(SHELL);
    let (code, out, error) = folder.run(&["-", "--json"], SHELL);
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("without a counterpart"), "{error}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["pipelines"][0]["file"], "standard input");
    assert_eq!(
        folder.files(),
        ["conversion.json", "conversion.md", "pipeline.json"]
    );
}

#[test]
fn strict_writes_nothing_unless_all_is_taken() {
    for text in [EXPORT, SHELL] {
        let folder = Folder::new(text);
        let (code, out, error) = folder.run(&["pipeline.json", "--strict"], "");
        assert_eq!(code, 3, "{error}");
        assert!(error.contains("not everything is taken over"), "{error}");
        assert!(out.contains("pipeline.json: 6 objects"), "{out}");
        assert_eq!(folder.files(), ["pipeline.json"]);
    }
}

#[test]
fn what_cannot_be_converted_says_where_and_writes_nothing() {
    let without_values = EXPORT.split("\"values\"").next().unwrap().trim_end();
    let without_values = format!("{}}}", without_values.trim_end_matches(','));
    for (text, arguments, code, says) in [
        (
            "{\n  \"objects\": [,]\n}",
            &[][..],
            1,
            " 2 |   \"objects\": [,]\n   |               ^\n",
        ),
        ("{}", &[], 1, "this is no pipeline"),
        (EXPORT, &["nowhere.json"], 5, "cannot read nowhere.json"),
        (EXPORT, &["--timezone", "Middle/Earth"], 2, "Middle/Earth"),
        (EXPORT, &["--set", "myTable"], 2, "NAME=VALUE"),
        (
            EXPORT,
            &["--set", "myTable=x"],
            2,
            "no pipeline has a parameter `myTable`",
        ),
        (EXPORT, &["--as-of", "yesterday"], 2, "--as-of"),
        (&without_values, &[], 2, "--set myDDBTableName=…"),
    ] {
        let folder = Folder::new(text);
        let (found, _, error) = folder.run(&[&["pipeline.json"], arguments].concat(), "");
        assert_eq!(found, code, "{error}");
        assert!(error.contains(says), "{error}");
        assert_eq!(folder.files(), ["pipeline.json"]);
    }
}
