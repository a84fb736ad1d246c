//! The documents: links lead somewhere, prose is wrapped and uses the field's words, lists are
//! complete.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::ErrorName;
use definition::Definition;
use end_to_end::{Finding, documents, layers, workspace};
use std::collections::BTreeSet;
use std::path::Path;

fn no(findings: &[Finding]) {
    assert!(findings.is_empty(), "\n{}", Finding::list(findings));
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents::read();
    assert!(documents.len() > 40, "{:?}", documents.keys());
    let root = workspace::root();
    no(&documents::broken_links(&documents, &|path| {
        root.join(path).exists()
    }));
}

/// Whether a document is written by hand. `ACCESS.md` is generated.
fn is_written(path: &Path) -> bool {
    path != Path::new("infra/ACCESS.md")
}

#[test]
fn prose_is_wrapped() {
    no(&documents::wide_lines(&documents::read(), &is_written));
}

#[test]
fn a_table_cell_is_a_phrase() {
    no(&documents::wide_cells(&documents::read(), &is_written));
}

#[test]
fn documents_and_state_comments_use_the_fields_words() {
    let mut texts = documents::read();
    let machine = "statemachine/retrain.asl.json";
    texts.insert(machine.into(), workspace::text(machine));
    let findings = texts
        .iter()
        .flat_map(|(path, text)| documents::private_words(&path.display().to_string(), text));
    no(&findings.collect::<Vec<_>>());
}

#[test]
fn the_readme_is_read_in_five_minutes() {
    let lines = workspace::text("README.md").lines().count();
    assert!(
        lines <= 150,
        "README.md has {lines} lines, at most 150: move reference to docs/"
    );
}

#[test]
fn the_book_lists_every_page() {
    let summary = workspace::text("docs/src/SUMMARY.md");
    for path in documents::read().keys() {
        if let Ok(page) = path.strip_prefix("docs/src")
            && page != Path::new("SUMMARY.md")
        {
            let link = format!("({})", page.display());
            assert!(
                summary.contains(&link),
                "docs/src/SUMMARY.md does not list {link}"
            );
        }
    }
}

#[test]
fn the_runbook_has_every_error_name() {
    let runbook = workspace::text("statemachine/README.md");
    let listed = documents::first_cells(&runbook, "## Errors");
    let (own, engine): (Vec<_>, Vec<_>) = listed.into_iter().partition(|it| !it.contains('.'));
    let names: BTreeSet<_> = ErrorName::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(
        own.into_iter().collect::<BTreeSet<_>>(),
        names,
        "statemachine/README.md, Errors"
    );
    assert!(engine.contains(&"States.Timeout".to_owned()), "{engine:?}");
}

#[test]
fn every_crate_is_in_the_list_of_crates() {
    let page = workspace::text("docs/src/concepts/crates.md");
    for name in layers::read(&workspace::root()).keys() {
        let folder = workspace::root().join("crates").join(folder_of(name));
        if folder.exists() {
            let link = format!("(../../../crates/{}/README.md)", folder_of(name));
            assert!(
                page.contains(&link),
                "docs/src/concepts/crates.md does not list {name}"
            );
        }
    }
}

fn folder_of(package: &str) -> &str {
    if package == "millrace" {
        "cli"
    } else {
        package
    }
}

#[test]
fn every_suite_is_in_the_list_of_suites() {
    let listed = documents::first_cells(&workspace::text("tests/README.md"), "## The suites");
    let listed: BTreeSet<_> = listed.into_iter().collect();
    let mut suites = BTreeSet::new();
    for entry in std::fs::read_dir(workspace::root().join("tests/tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") || path.join("main.rs").exists() {
            suites.insert(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    assert_eq!(listed, suites, "tests/README.md, The suites");
}

#[test]
fn actions_are_pinned_by_commit() {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(workspace::root().join(".github/workflows")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!(".github/workflows/{name}");
        findings.extend(documents::unpinned_actions(&path, &workspace::text(&path)));
    }
    no(&findings);
}

#[test]
fn the_guides_definitions_are_valid() {
    let mut checked = 0;
    for (path, text) in documents::read() {
        if !path.starts_with("docs/src") && path != Path::new("README.md") {
            continue;
        }
        for block in documents::blocks(&text, "json") {
            if !block.contains("\"source\":") {
                continue;
            }
            let read: Result<Definition, _> = contract::read::from_slice(block.as_bytes());
            let definition = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if let Err(error) = definition.validate() {
                panic!("{}: {error}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked >= 3, "{checked}");
}
