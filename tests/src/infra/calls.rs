//! Which SDK operations a function's code can reach: a call graph by names, over the sources of the
//! function, of the libraries that have ports, and of the adapters that its `main` makes.

use crate::layers::Crates;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Libraries whose functions call ports.
const LIBRARIES: [&str; 6] = [
    "dataset",
    "lake",
    "raw-export",
    "sagemaker-ports",
    "source",
    "sql-source",
];

/// The adapters that a `main` can make, with the files of `crates/aws/src` that they live in.
pub const ADAPTERS: [(&str, &[&str]); 12] = [
    ("S3Store", &["s3.rs", "s3/upload.rs"]),
    (
        "Tables",
        &[
            "dynamodb.rs",
            "dynamodb_batch.rs",
            "dynamodb_export.rs",
            "dynamodb_get.rs",
            "dynamodb_newer.rs",
            "dynamodb/capacity.rs",
            "scan.rs",
        ],
    ),
    (
        "SageMaker",
        &[
            "sagemaker.rs",
            "sagemaker/endpoints.rs",
            "sagemaker/packages.rs",
            "sagemaker/tags.rs",
            "sagemaker/training.rs",
            "sagemaker/transform.rs",
            "sagemaker/tuning.rs",
        ],
    ),
    ("AutoScaling", &["autoscaling.rs"]),
    ("Captures", &["capture.rs"]),
    ("CloudWatch", &["cloudwatch.rs"]),
    ("EventBus", &["events.rs"]),
    ("Functions", &["functions.rs"]),
    ("SecretsManager", &["secrets.rs"]),
    ("StateMachines", &["sfn.rs", "sfn/executions.rs"]),
    ("Topic", &["sns.rs"]),
    ("TrainingLogGroup", &["training_log.rs"]),
];

/// Whose sources they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Lambda,
    Library,
    Adapter,
}

/// A function of the sources.
#[derive(Debug)]
struct Function {
    name: String,
    /// The file's stem, its crate, and the type whose `impl` it stands in.
    owners: BTreeSet<String>,
    /// The trait that it implements.
    port: Option<String>,
    is_method: bool,
    body: String,
    is_of_lambda: bool,
    /// The file of `crates/aws` that it stands in.
    adapter: Option<String>,
}

/// All crates that `lambda` is built upon, directly or not.
fn built_upon(crates: &Crates, lambda: &str) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut open = vec![lambda.to_owned()];
    while let Some(name) = open.pop() {
        for dependency in crates
            .get(&name)
            .into_iter()
            .flat_map(|it| &it.dependencies)
        {
            if known.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    known
}

/// The operations that `lambda` can reach, as the SDK's client calls them.
pub fn operations(crates: &Crates, lambda: &str) -> BTreeSet<String> {
    let own = &crates[lambda].sources;
    let main = own
        .get(Path::new("main.rs"))
        .expect("a function has a main");
    let text: String = own.values().cloned().collect();
    let mut functions = Vec::new();
    for (path, source) in own {
        read(path, source, lambda, Origin::Lambda, &mut functions);
    }
    let known = built_upon(crates, lambda);
    for library in LIBRARIES.into_iter().filter(|it| known.contains(*it)) {
        for (path, source) in &crates[library].sources {
            read(path, source, library, Origin::Library, &mut functions);
        }
    }
    for (adapter, files) in ADAPTERS {
        let made = main.contains(&format!("{adapter}::new("));
        for file in files.iter().filter(|_| made) {
            let source = &crates["aws"].sources[Path::new(file)];
            let path = Path::new(file);
            read(path, source, "aws", Origin::Adapter, &mut functions);
        }
    }
    reach(&functions, &text)
}

/// The SDK operations that are called in a text: `client.get_object()`, however it is broken.
pub fn called(text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(r"\b(?:client|runtime)\s*\.\s*([a-z_0-9]+)\(\)").expect("a pattern");
    pattern
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .filter(|name| name != "clone")
        .collect()
}

fn reach(functions: &[Function], lambda: &str) -> BTreeSet<String> {
    let call = Regex::new(r"(?:([A-Za-z_0-9]+)::)?(\.)?\b([a-z_0-9]+)(?:::<[^>]*>)?\(")
        .expect("a pattern");
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, function) in functions.iter().enumerate() {
        by_name.entry(&function.name).or_default().push(at);
    }
    let mut seen = BTreeSet::new();
    let mut next: Vec<usize> = (0..functions.len())
        .filter(|at| functions[*at].is_of_lambda)
        .collect();
    let mut operations = BTreeSet::new();
    while let Some(at) = next.pop() {
        if !seen.insert(at) {
            continue;
        }
        let body = &functions[at].body;
        operations.extend(called(body));
        for found in call.captures_iter(body) {
            let owner = found.get(1).map(|owner| owner.as_str());
            let is_method = found.get(2).is_some();
            for &to in by_name.get(&found[3]).into_iter().flatten() {
                let function = &functions[to];
                // Of the adapters, others know the ports alone: a bare name is something of their own.
                let is_known = function.adapter.is_none()
                    || function.is_method
                    || functions[at].adapter.is_some();
                let fits = match owner {
                    Some("Self") | None => is_method == function.is_method && is_known,
                    Some(owner) => function.owners.contains(owner),
                };
                // A port that the function's sources do not name is not what they call.
                let named = function.port.as_ref().is_none_or(|port| {
                    let streams = ["Upload", "ByteStream"].contains(&port.as_str());
                    streams || lambda.contains(port.as_str())
                });
                // An adapter's own methods are called from its own file alone.
                let is_own = function.port.is_none() && function.is_method;
                let near = function.adapter.is_none()
                    || !is_own
                    || function.adapter == functions[at].adapter;
                if fits && named && near {
                    next.push(to);
                }
            }
        }
    }
    operations
}

fn read(path: &Path, source: &str, krate: &str, origin: Origin, functions: &mut Vec<Function>) {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if stem.starts_with("memory") || stem == "conformance" || stem == "tests" {
        return;
    }
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let head = Regex::new(r"^( *)(?:pub(?:\([a-z]+\))? )?(?:const )?(?:async )?fn ([a-z_0-9]+)")
        .expect("a pattern");
    let block = Regex::new(r"^impl(?:<.*?>)? (?:([A-Za-z]+)(?:<.*>)? for )?([A-Za-z]+)")
        .expect("a pattern");
    let lines: Vec<&str> = source.lines().collect();
    let (mut owner, mut port) = (None, None);
    for (at, line) in lines.iter().enumerate() {
        if let Some(found) = block.captures(line) {
            port = found.get(1).map(|port| port.as_str().to_owned());
            owner = Some(found[2].to_owned());
        } else if *line == "}" {
            (owner, port) = (None, None);
        }
        let Some(found) = head.captures(line) else {
            continue;
        };
        let end = format!("{}}}", &found[1]);
        let rest = lines[at..].iter();
        let mut body: Vec<_> = rest.take_while(|line| **line != end).copied().collect();
        if line.ends_with('}') {
            // It ends where it begins: what follows is another one.
            body.truncate(1);
        }
        let ends = |line: &&str| line.ends_with('{') || line.ends_with(';');
        let signature: Vec<_> = match body.iter().position(ends) {
            // What a trait only declares has no body.
            Some(at) if body[at].ends_with(';') => continue,
            Some(at) => body[..=at].to_vec(),
            None => body.clone(),
        };
        let is_method = signature.into_iter().any(|line| {
            line.contains("(self")
                || line.contains("&self")
                || line.contains("&mut self")
                || line.trim().starts_with("self")
                || line.contains("mut self")
        });
        // Its own name is no call of it.
        let body = body
            .join("\n")
            .replacen(&format!("fn {}", &found[2]), "", 1);
        functions.push(Function {
            name: found[2].to_owned(),
            owners: owner
                .iter()
                .cloned()
                .chain([stem.clone(), krate.replace('-', "_")])
                .collect(),
            port: port
                .clone()
                .filter(|port| crate::infra::needs::PORTS.contains(&port.as_str())),
            is_method,
            body,
            is_of_lambda: origin == Origin::Lambda,
            adapter: (origin == Origin::Adapter).then(|| path.display().to_string()),
        });
    }
}
