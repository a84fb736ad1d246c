//! Seeded defects of the template and the state machine: some check must find each of them, and
//! none may fail on the originals. `cargo test -p end-to-end --test mutations -- --nocapture`
//! prints which check found which.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::infra::needs::{self, Needs};
use end_to_end::infra::settings;
use end_to_end::infra::{self, concrete};
use end_to_end::layers::{self, Crates};
use end_to_end::node::Project;
use end_to_end::schema::Schemas;
use end_to_end::template::{self, Lambda};
use end_to_end::{Finding, asl, python, workspace};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

#[derive(Deserialize)]
struct Mutation {
    defect: String,
    r#in: String,
    replace: String,
    with: String,
}

impl Mutation {
    /// All of them, by name.
    fn all() -> BTreeMap<String, Self> {
        let folder = workspace::root().join("tests/infra/mutations");
        let one = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        };
        std::fs::read_dir(folder).unwrap().map(one).collect()
    }

    /// The files with this defect.
    fn of(&self, name: &str, originals: &Files) -> Files {
        let mut files = originals.clone();
        let target = files.of(&self.r#in);
        assert!(target.contains(&self.replace), "{name}: nothing to replace");
        *target = target.replacen(&self.replace, &self.with, 1);
        files
    }
}

/// The inputs of the project's own checks.
struct Own {
    crates: Crates,
    lambdas: Vec<Lambda>,
    needs: Needs,
    schemas: Schemas,
}

/// The files that are compared with each other.
#[derive(Clone)]
struct Files {
    template: String,
    schedule: String,
    machine: String,
}

impl Files {
    fn read() -> Self {
        Self {
            template: workspace::text("infra/template.yaml"),
            schedule: workspace::text("infra/schedule.yaml"),
            machine: workspace::text("statemachine/retrain.asl.json"),
        }
    }

    /// The file that a mutation is in.
    fn of(&mut self, name: &str) -> &mut String {
        match name {
            "template" => &mut self.template,
            "schedule" => &mut self.schedule,
            "machine" => &mut self.machine,
            other => panic!("{other} is no file of the stack"),
        }
    }
}

impl Own {
    fn new() -> Self {
        let crates = layers::read(&workspace::root());
        let lambdas = layers::lambdas(&crates);
        let needs = needs::of_all(&crates, &lambdas).unwrap();
        Self {
            crates,
            lambdas,
            needs,
            schemas: Schemas::of_contract(),
        }
    }

    /// The checks that find something. `ACCESS.md` is none of them: one command draws it anew.
    fn see(&self, files: &Files) -> BTreeSet<&'static str> {
        let template = template::read(&files.template);
        let schedule = template::read(&files.schedule);
        let machine: Value = serde_json::from_str(&files.machine).unwrap();
        let mut checks = infra::checks(&template, &schedule, &machine, &self.crates);
        let others: [(&str, infra::Check<'_>); 4] = [
            (
                "state machine",
                Box::new(|| asl::findings(&machine, &self.schemas)),
            ),
            (
                "template",
                Box::new(|| template::findings(&template, &machine, &self.lambdas)),
            ),
            (
                "needs",
                Box::new(|| needs::findings(&template, &machine, &self.needs)),
            ),
            (
                "settings",
                Box::new(|| settings::findings(&template, &self.crates)),
            ),
        ];
        checks.extend(others);
        // A check that cannot make sense of it has found something too.
        let sees = |check: &infra::Check<'_>| {
            catch_unwind(AssertUnwindSafe(|| !check().is_empty())).unwrap_or(true)
        };
        let seeing = checks.iter().filter(|(_, check)| sees(check));
        seeing.map(|(name, _)| *name).collect()
    }
}

/// What a program has found: for each path its findings.
fn read(findings: &str) -> BTreeMap<PathBuf, Vec<Finding>> {
    let all: BTreeMap<PathBuf, Vec<Value>> = serde_json::from_str(findings).unwrap();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let finding = |it: &Value| Finding::new(text(&it["check"]), text(&it["problem"]));
    all.into_iter()
        .map(|(path, all)| (path, all.iter().map(finding).collect()))
        .collect()
}

fn by_python(script: &str, paths: &[PathBuf]) -> BTreeMap<PathBuf, Vec<Finding>> {
    let script = workspace::root().join("tests/infra").join(script);
    let mut command = Command::new(python::program("python"));
    let output = python::output(command.arg(script).args(paths));
    assert!(output.status.success(), "{}", python::said(&output));
    read(&String::from_utf8(output.stdout).unwrap())
}

/// What the editors' checks of state machines find in definitions.
fn by_node(paths: &[PathBuf]) -> BTreeMap<PathBuf, Vec<Finding>> {
    let root = workspace::root().join("tests/infra/asl");
    let files = ["package.json", "package-lock.json", "check.js"].map(|it| (root.join(it), it));
    let project = Project::new("asl-checks", &files);
    let paths = paths.iter().map(|it| it.to_str().unwrap());
    let arguments: Vec<_> = std::iter::once("check.js").chain(paths).collect();
    read(&project.run("node", &arguments))
}

const DEFINITION: &str = "definition.asl.json";
const POLICIES: &str = "policies.json";

/// Writes what the programs read. A stack that makes no sense has no definition or no policies.
fn write(folder: &Path, files: &Files) {
    let Files {
        template, machine, ..
    } = files;
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("template.yaml"), template).unwrap();
    std::fs::write(folder.join("retrain.asl.json"), machine).unwrap();
    let template = template::read(template);
    let put = |name: &str, text: &dyn Fn() -> String| {
        if let Ok(text) = catch_unwind(AssertUnwindSafe(text)) {
            std::fs::write(folder.join(name), text).unwrap();
        }
    };
    put(DEFINITION, &|| concrete::definition(&template, machine));
    put(POLICIES, &|| {
        Value::Object(concrete::policies(&template, &concrete::PARAMETERS)).to_string()
    });
}

/// What the programs find in the folders, by folder. Linting a template takes seconds: it is done
/// for `slow`.
fn tools(folders: &[PathBuf], slow: &[PathBuf]) -> BTreeMap<String, Vec<Finding>> {
    let files = |name: &str| -> Vec<PathBuf> {
        let paths = folders.iter().map(|folder| folder.join(name));
        paths.filter(|path| path.exists()).collect()
    };
    let name = |folder: &Path| folder.file_name().unwrap().to_string_lossy().into_owned();
    let mut found: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for (path, all) in by_python("check.py", slow) {
        found.entry(name(&path)).or_default().extend(all);
    }
    for (path, all) in by_python("policies.py", &files(POLICIES))
        .into_iter()
        .chain(by_node(&files(DEFINITION)))
    {
        found
            .entry(name(path.parent().unwrap()))
            .or_default()
            .extend(all);
    }
    found
}

/// Writes the stack with each of the defects into a folder of its own, and returns by which of the
/// project's own checks each is seen. All cores take part.
fn mutated(
    own: &Own,
    originals: &Files,
    mutations: &BTreeMap<String, Mutation>,
    folder: &Path,
) -> BTreeMap<String, BTreeSet<String>> {
    let next = Mutex::new(mutations.iter());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut seen = BTreeMap::new();
        loop {
            let mutation = next.lock().unwrap().next();
            let Some((name, mutation)) = mutation else {
                return seen;
            };
            let files = mutation.of(name, originals);
            let by = own.see(&files).into_iter().map(str::to_owned);
            seen.insert(name.clone(), by.collect());
            write(&folder.join(name), &files);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let seen = threads.into_iter().map(|thread| thread.join().unwrap());
        seen.flatten().collect()
    })
}

#[test]
fn every_seeded_defect_is_seen_and_nothing_else() {
    let own = Own::new();
    let originals = Files::read();
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    write(&sound, &originals);
    assert_eq!(own.see(&originals), BTreeSet::new(), "the sound stack");

    let mut seen: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let (mut folders, mut slow) = (vec![sound.clone()], vec![sound]);
    let mutations = Mutation::all();
    for (name, by) in mutated(&own, &originals, &mutations, folder.path()) {
        let mutated = folder.path().join(&name);
        if by.is_empty() {
            slow.push(mutated.clone());
        }
        folders.push(mutated);
        let defect = mutations[&name].defect.clone();
        seen.insert(name, (defect, by));
    }
    for (name, all) in tools(&folders, &slow) {
        if name == "sound" {
            assert_eq!(Finding::list(&all), "", "the sound stack");
        } else {
            let by = &mut seen.get_mut(&name).unwrap().1;
            by.extend(all.into_iter().map(|finding| finding.place));
        }
    }
    for (name, (defect, by)) in &seen {
        let by: Vec<_> = by.iter().cloned().collect();
        println!("{name:26} {:35} {defect}", by.join(", "));
    }
    let missed: Vec<_> = seen
        .iter()
        .filter(|(_, (_, by))| by.is_empty())
        .map(|(name, _)| name)
        .collect();
    assert!(missed.is_empty(), "nobody sees {missed:?}");
    assert!(seen.len() >= 185, "{}", seen.len());
}
