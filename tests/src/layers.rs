//! Which crate may depend on which: the nouns below, the verbs above them, and only `aws` and
//! `lambda-shell` on the services.

use crate::Finding;
use crate::template::Lambda;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The nouns, each with the workspace's crates that it may build upon.
const NOUNS: [(&str, &[&str]); 21] = [
    ("contract", &[]),
    ("container", &[]),
    ("definition", &["contract"]),
    ("data-pipeline", &["contract", "definition"]),
    ("dynamodb-json", &["contract"]),
    ("image", &[]),
    ("record-io", &[]),
    ("source", &["contract", "definition", "dynamodb-json"]),
    ("sagemaker-ports", &["contract", "definition"]),
    ("profile", &["contract", "dynamodb-json"]),
    (
        "dataset",
        &["contract", "definition", "dynamodb-json", "profile"],
    ),
    (
        "format",
        &["contract", "dataset", "definition", "record-io"],
    ),
    ("lake", &["contract", "definition"]),
    (
        "raw-export",
        &[
            "contract",
            "definition",
            "dynamodb-json",
            "lake",
            "profile",
            "source",
        ],
    ),
    ("changes", &["contract", "dynamodb-json", "lake", "profile"]),
    (
        "events",
        &["contract", "dataset", "definition", "dynamodb-json"],
    ),
    (
        "file-source",
        &[
            "contract",
            "dataset",
            "definition",
            "dynamodb-json",
            "lake",
            "raw-export",
            "source",
        ],
    ),
    ("lambda-shell", &["contract"]),
    ("sql-source", &["contract", "definition", "lake"]),
    ("database", &["contract", "definition", "sql-source"]),
    (
        "aws",
        &[
            "contract",
            "definition",
            "dynamodb-json",
            "lake",
            "sagemaker-ports",
            "source",
            "sql-source",
        ],
    ),
];

/// What the verbs may build upon. `aws` is for their `main.rs` alone.
const OF_VERBS: [&str; 19] = [
    "aws",
    "changes",
    "contract",
    "database",
    "dataset",
    "definition",
    "events",
    "file-source",
    "format",
    "dynamodb-json",
    "image",
    "lake",
    "sagemaker-ports",
    "lambda-shell",
    "profile",
    "raw-export",
    "record-io",
    "source",
    "sql-source",
];

/// The programs, which no crate but the tests builds upon unless it is said here.
const PROGRAMS: [(&str, &[&str]); 6] = [
    ("image-classifier", &["container", "image", "record-io"]),
    ("local-servers", &[]),
    ("recommender", &["container"]),
    ("sagemaker-local", &["aws", "lake", "record-io"]),
    ("sqlserver-local", &[]),
    (
        "millrace",
        &[
            "aws",
            // What its functions gave up is replayed.
            "changes",
            "contract",
            "data-pipeline",
            "database",
            "dataset",
            "definition",
            "dynamodb-json",
            // What was refused is turned into lines again as it was at first.
            "events",
            // What is uploaded is a whole image, and the demo draws images.
            "image",
            "lake",
            // Its plan is shown before a run starts.
            "plan-export",
            "profile",
            // The schema of its page is written with the others.
            "publish-report",
            "raw-export",
            "sagemaker-ports",
            "sagemaker-local",
            "source",
            "sql-source",
        ],
    ),
];

/// Crates whose tests are clients of the services: the server is called by the official SDK, and
/// the export is measured against the SDK's own way to scan.
const TESTED_WITH_SDK: [&str; 3] = ["aws", "export-segment", "sagemaker-local"];

/// Crates without input and output.
const PURE: [&str; 12] = [
    "contract",
    "data-pipeline",
    "dataset",
    "definition",
    "format",
    "dynamodb-json",
    "events",
    "image",
    "record-io",
    "profile",
    "sagemaker-ports",
    "source",
];
const INPUT_AND_OUTPUT: [&str; 5] = ["axum", "hyper", "reqwest", "tokio", "tokio-util"];

/// A crate of the workspace.
#[derive(Debug, Clone, Default)]
pub struct Crate {
    /// What it is built upon.
    pub dependencies: BTreeSet<String>,
    /// What its tests are built upon beside that.
    pub test_dependencies: BTreeSet<String>,
    /// Its sources, by their paths below `src/`.
    pub sources: BTreeMap<PathBuf, String>,
    /// The words in quotation marks that occur in its sources.
    pub quoted: BTreeSet<String>,
}

/// The workspace's crates by name; the tests' own package is left out, which may know all.
pub type Crates = BTreeMap<String, Crate>;

/// Reads the workspace's crates.
pub fn read(root: &Path) -> Crates {
    let metadata: Metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo knows the workspace");
    let packages = metadata.workspace_packages().into_iter();
    let packages = packages.filter(|package| package.name.as_str() != env!("CARGO_PKG_NAME"));
    packages
        .map(|package| (package.name.to_string(), of_package(package)))
        .collect()
}

fn of_package(package: &Package) -> Crate {
    let of_kind = |is_for_tests: bool| {
        let all = package.dependencies.iter();
        let all = all
            .filter(|dependency| (dependency.kind == DependencyKind::Development) == is_for_tests);
        all.map(|dependency| dependency.name.clone()).collect()
    };
    let manifest = package.manifest_path.as_std_path();
    let folder = manifest.with_file_name("src");
    let mut sources = BTreeMap::new();
    read_sources(&folder, &folder, &mut sources);
    let quoted = sources.values().flat_map(|source| quoted(source));
    Crate {
        quoted: quoted.map(str::to_owned).collect(),
        dependencies: of_kind(false),
        test_dependencies: of_kind(true),
        sources,
    }
}

/// The words between two quotation marks.
fn quoted(source: &str) -> impl Iterator<Item = &str> {
    let between = source.split('"').skip(1);
    between.filter(|text| !text.is_empty() && text.chars().all(char::is_alphanumeric))
}

/// Whether some function's sources name the metric.
pub fn emits(crates: &Crates, metric: &str) -> bool {
    crates.values().any(|it| it.quoted.contains(metric))
}

fn read_sources(root: &Path, folder: &Path, sources: &mut BTreeMap<PathBuf, String>) {
    let entries = std::fs::read_dir(folder).expect("a crate has sources");
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            read_sources(root, &path, sources);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            let below = path.strip_prefix(root).expect("it lies below");
            sources.insert(below.to_owned(), text);
        }
    }
}

/// The crates that are deployed as functions, with what their `main` reads of the environment.
pub fn lambdas(crates: &Crates) -> Vec<Lambda> {
    let verbs = crates.iter().filter(|(_, krate)| is_verb(krate));
    let lambdas = verbs.map(|(name, krate)| {
        let main = krate.sources.get(Path::new("main.rs"));
        let main = main.map_or("", String::as_str);
        Lambda {
            name: name.clone(),
            environment: read_by(main),
            longest_request: if krate.dependencies.contains("database") {
                aws::LONGEST_REQUEST.max(sql_source::LONGEST_STATEMENT)
            } else {
                aws::LONGEST_REQUEST
            },
        }
    });
    lambdas.collect()
}

/// The variables that a `main` cannot do without: text, or read as something else.
fn read_by(main: &str) -> BTreeSet<String> {
    let calls = ["lambda_shell::env(\"", "lambda_shell::env_as(\""];
    let calls = calls.into_iter().flat_map(|call| main.split(call).skip(1));
    calls
        .filter_map(|call| Some(call.split_once('"')?.0.to_owned()))
        .collect()
}

fn is_verb(krate: &Crate) -> bool {
    krate.dependencies.contains("lambda-shell")
}

/// Every dependency that points the wrong way.
pub fn findings(crates: &Crates) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, krate) in crates {
        match allowed(name, krate) {
            Some(allowed) => inside(name, krate, allowed, crates, &mut found),
            None => found.push(Finding::new(name, "is neither noun, verb nor program")),
        }
        outside(name, krate, &mut found);
        if is_verb(krate) {
            library(name, krate, &mut found);
        }
    }
    found
}

fn allowed(name: &str, krate: &Crate) -> Option<&'static [&'static str]> {
    let mut named = NOUNS.iter().chain(&PROGRAMS);
    match named.find(|(known, _)| *known == name) {
        Some((_, allowed)) => Some(allowed),
        None if is_verb(krate) => Some(&OF_VERBS),
        None => None,
    }
}

fn inside(name: &str, krate: &Crate, allowed: &[&str], crates: &Crates, found: &mut Vec<Finding>) {
    for dependency in &krate.dependencies {
        if crates.contains_key(dependency) && !allowed.contains(&dependency.as_str()) {
            found.push(Finding::new(name, format!("may not know {dependency}")));
        }
    }
}

fn outside(name: &str, krate: &Crate, found: &mut Vec<Finding>) {
    let is_sdk = |dependency: &str| {
        dependency.starts_with("aws-sdk-")
            || dependency.starts_with("aws-smithy-")
            || dependency == "aws-config"
    };
    let may_test_with_sdk = TESTED_WITH_SDK.contains(&name);
    for dependency in &krate.dependencies {
        if is_sdk(dependency) && name != "aws" {
            found.push(Finding::new(name, format!("{dependency} is for aws alone")));
        }
        if dependency == "lambda_runtime" && name != "lambda-shell" {
            found.push(Finding::new(
                name,
                "lambda_runtime is for lambda-shell alone",
            ));
        }
        if PURE.contains(&name) && INPUT_AND_OUTPUT.contains(&dependency.as_str()) {
            found.push(Finding::new(
                name,
                format!("does no I/O and needs no {dependency}"),
            ));
        }
    }
    for dependency in &krate.test_dependencies {
        if is_sdk(dependency) && !may_test_with_sdk {
            found.push(Finding::new(
                name,
                format!("{dependency} is for aws alone, in tests too"),
            ));
        }
    }
}

/// A package has one list of dependencies, so a dependency of the wiring is recognised by where it
/// is used.
fn library(name: &str, krate: &Crate, found: &mut Vec<Finding>) {
    let main = krate.sources.get(Path::new("main.rs"));
    // Its error would not say which variable is wrong.
    if main.is_some_and(|main| main.contains(".parse()")) {
        let place = format!("{name}/src/main.rs");
        let problem = "parses text by itself: use lambda_shell::env_as";
        found.push(Finding::new(place, problem));
    }
    for (path, text) in &krate.sources {
        if path != Path::new("main.rs") && uses(text, "aws") {
            let place = format!("{name}/src/{}", path.display());
            found.push(Finding::new(place, "aws is for main.rs alone"));
        }
    }
}

/// Whether a path of the source begins with the crate's name.
fn uses(text: &str, krate: &str) -> bool {
    let begins = format!("{krate}::");
    let is_inside_word = |before: &str| {
        before.ends_with(|letter: char| letter.is_alphanumeric() || "_:".contains(letter))
    };
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| {
        line.match_indices(&begins)
            .any(|(at, _)| !is_inside_word(&line[..at]))
    })
}
