//! `cargo test --workspace` after `cargo run` compiles no dependency a second time, because cargo
//! selects the same features of every package for both.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The features of every package, of which a package may have one set for programs and one for
/// build scripts.
fn features(edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(workspace::root())
        // Colours, which CARGO_TERM_COLOR may ask for, would be parsed as features.
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--offline",
            "--color",
            "never",
        ])
        .args(["--edges", edges, "--prefix", "none"])
        .args(["--format", "{p}\t{f}"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut features = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        // Where a package comes up again, cargo says so.
        let line = line.trim_end_matches(" (*)");
        let (package, selected) = line.split_once('\t').unwrap_or((line, ""));
        let sets = features.entry(package.to_owned()).or_default();
        sets.insert(selected.to_owned());
    }
    features
}

#[test]
fn tests_ask_for_no_further_features() {
    let programs = features("normal,build");
    let tests = features("normal,build,dev");
    assert!(programs.len() > 300, "{}", programs.len());
    let different: Vec<_> = programs
        .iter()
        .filter(|(package, selected)| tests[*package] != **selected)
        .map(|(package, selected)| {
            format!("{package}: {selected:?}, in tests {:?}", tests[package])
        })
        .collect();
    assert!(
        different.is_empty(),
        "dependencies are built twice: name their features in Cargo.toml or tests/Cargo.toml\n{}",
        different.join("\n")
    );
}
