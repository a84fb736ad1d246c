//! Tests that no module imports itself by way of others.
//!
//! Every `crate::` path in the sources outside of tests is an edge from the file to the module
//! that the path names. A group of files that all reach each other can only be understood as one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The sources by module, such as `training::run`; the crate's own root is `crate`.
fn sources(folder: &Path, above: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let below = if above.is_empty() {
            name.to_owned()
        } else {
            format!("{above}::{name}")
        };
        if path.is_dir() {
            sources(&path, &below, found);
        } else {
            let module = match name {
                "lib" => "crate".to_owned(),
                "mod" => above.to_owned(),
                _ => below,
            };
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(found.insert(module, text).is_none(), "{}", path.display());
        }
    }
}

/// The code without comments and without the tests at the end of the file.
fn code(text: &str) -> String {
    let tests = text
        .find("#[cfg(all(test")
        .or(text.find("#[cfg(test)]\nmod tests"));
    let text = &text[..tests.unwrap_or(text.len())];
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join(" ")
}

/// The paths that begin with `crate::`, each branch of `{…}` as a path of its own.
fn paths(code: &str) -> Vec<String> {
    let starts = code.match_indices("crate::");
    starts
        .flat_map(|(at, start)| branches(&code[at + start.len()..]).0)
        .collect()
}

/// The paths of a tree such as `a::{b, c::d}`, and what follows it.
fn branches(tree: &str) -> (Vec<String>, &str) {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let end = tree.find(|letter| !is_part(letter)).unwrap_or(tree.len());
    let (path, mut rest) = tree.split_at(end);
    let Some(inner) = rest
        .strip_prefix('{')
        .filter(|_| path.is_empty() || path.ends_with("::"))
    else {
        return (vec![path.to_owned()], rest);
    };
    rest = inner;
    let mut found = Vec::new();
    loop {
        let (inner, after) = branches(rest.trim_start_matches([' ', ',']));
        found.extend(inner.into_iter().map(|inner| format!("{path}{inner}")));
        rest = after.trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
        }
        if let Some(after) = rest.strip_prefix('}') {
            return (found, after);
        }
    }
}

/// The module that a path names: the longest part of it that is one.
fn module<'a>(path: &'a str, modules: &BTreeMap<String, String>) -> Option<&'a str> {
    let mut part = path;
    loop {
        if modules.contains_key(part) {
            return Some(part);
        }
        part = part.rsplit_once("::")?.0;
    }
}

fn imports(modules: &BTreeMap<String, String>) -> Imports {
    let of = |name: &String, text: &String| {
        let paths = paths(&code(text));
        let found = paths.iter().map(|path| {
            let found = module(path, modules);
            found.unwrap_or_else(|| panic!("{name} imports crate::{path}: name its module"))
        });
        let found = found.filter(|found| found != name).map(str::to_owned);
        (name.clone(), found.collect())
    };
    modules.iter().map(|(name, text)| of(name, text)).collect()
}

fn reached(from: &str, imports: &Imports) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        for import in &imports[module] {
            if found.insert(import.clone()) {
                next.push(import);
            }
        }
    }
    found
}

/// The groups of modules that reach each other.
fn knots(imports: &Imports) -> BTreeSet<BTreeSet<String>> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|module| (module, reached(module, imports)))
        .collect();
    let on_circles = reached
        .iter()
        .filter(|(module, all)| all.contains(**module));
    let knot = |(module, all): (&&String, &BTreeSet<String>)| {
        let back = all.iter().filter(|other| reached[other].contains(*module));
        back.cloned().collect()
    };
    on_circles.map(knot).collect()
}

#[test]
fn no_module_imports_itself_by_way_of_others() {
    let mut modules = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&folder, "", &mut modules);
    // Programs and tests stand above the library.
    modules.retain(|name, _| name != "main" && name != "layers");
    let imports = imports(&modules);
    assert!(imports["server"].contains("training::run"), "{imports:?}");
    let found = knots(&imports);
    assert!(found.is_empty(), "modules import each other: {found:#?}");
}

#[test]
fn a_knot_is_found_through_every_form_of_import() {
    let modules = [
        ("a", "use crate::{b::{self, Thing}, c};"),
        ("b", "fn f() { crate::c::d::run() }"),
        ("c", "// use crate::a;\nuse std::fmt;"),
        (
            "c::d",
            "use crate::a::Other;\n#[cfg(test)]\nmod tests { use crate::e; }",
        ),
        ("e", "use crate::a;"),
    ];
    let modules = modules.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let imports = imports(&modules.into());
    assert_eq!(imports["a"], ["b", "c"].map(str::to_owned).into());
    assert_eq!(imports["c"], BTreeSet::new());
    let knot = BTreeSet::from(["a", "b", "c::d"].map(str::to_owned));
    assert_eq!(knots(&imports), [knot].into());
}
