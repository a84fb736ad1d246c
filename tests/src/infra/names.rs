//! Checks where names are made: a default name that others of the account can see carries its stack,
//! so all are made in `contract::Names`, and none by a text of its own somewhere else.

use crate::Finding;
use crate::layers::Crates;
use regex::Regex;
use std::path::Path;

/// Where names are made.
const NAMES: (&str, &str) = ("contract", "names.rs");

/// The keys of the lake, which is the stack's alone.
const KEYS: [(&str, &str); 2] = [("lake", "keys.rs"), ("lake", "events.rs")];

/// Programs that run in no account, and what only tests use.
const LOCAL: [&str; 4] = [
    "local-servers",
    "recommender",
    "sagemaker-local",
    "sqlserver-local",
];

/// Texts without spaces that name a pipeline, a stack or a run, each with why no owner is needed.
const NO_NAMES: [(&str, &str, &str); 7] = [
    ("judge-model", "{}/{}", "hashed, for an order"),
    ("millrace", "{}\\n", "printed"),
    (
        "millrace",
        "{pipeline}-{}-{millisecond:03}",
        "an execution of the stack's own state machine",
    ),
    (
        "millrace",
        "/aws/lambda/{stack}/{function}",
        "a log group that the template makes",
    ),
    ("deploy-endpoint", "{}/", "a prefix of the lake"),
    (
        "data-pipeline",
        "millrace/{pipeline}/{last}",
        "a secret that its owner makes, who sees the name in the command for it",
    ),
    (
        "aws",
        "millrace-invocations-per-instance",
        "a policy of the endpoint, which is tagged",
    ),
];

/// What the keys of the lake begin with, and files end with.
const OF_THE_LAKE: [&str; 8] = [
    "s3://",
    "config/",
    "raw/",
    "processed/",
    "predictions/",
    "models/",
    "reports/",
    "{tier}/",
];
const OF_FILES: [&str; 2] = [".json", ".template.json"];

/// Every name that is made elsewhere.
pub fn findings(crates: &Crates) -> Vec<Finding> {
    let begins = Regex::new(r#"format!\(\s*""#).expect("a pattern");
    let who = Regex::new(r"\b(?:[a-z]+_)?(?:pipeline|stack|run|owner)\b").expect("a pattern");
    let constant = Regex::new(r#""(millrace[-/_.][^"\s]*)""#).expect("a pattern");
    let joined = Regex::new(r#"\.join\("[-/_:]"\)"#).expect("a pattern");
    let mut found = Vec::new();
    for (krate, contents) in crates {
        if LOCAL.contains(&krate.as_str()) {
            continue;
        }
        for (path, source) in &contents.sources {
            let here = |(known, file): (&str, &str)| known == krate && path == Path::new(file);
            if here(NAMES) || KEYS.into_iter().any(here) || is_of_tests(path) {
                continue;
            }
            let mut say = |text: &str, problem: &str| {
                let known = NO_NAMES
                    .iter()
                    .any(|(of, known, _)| of == krate && *known == text);
                if !known {
                    let place = format!("{krate}/src/{}", path.display());
                    found.push(Finding::new(place, format!("{text:?} {problem}")));
                }
            };
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            for start in begins.find_iter(source) {
                let (text, arguments) = call(&source[start.end()..]);
                if could_name(text) && (who.is_match(text) || who.is_match(arguments)) {
                    say(text, "names something outside of contract::Names");
                }
            }
            // The person's program has files and directories of its own, and the demo's local stack.
            if krate != "millrace" {
                for constant in constant.captures_iter(source) {
                    say(&constant[1], "would be the name in every stack");
                }
            }
            for joined in joined.find_iter(source) {
                say(
                    joined.as_str(),
                    "may make a name outside of contract::Names",
                );
            }
        }
    }
    found
}

fn is_of_tests(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.starts_with("memory") || ["conformance.rs", "memory.rs", "tests.rs"].contains(&&*name)
}

/// Whether a text has no other characters than names have, and is no key of the lake and no file.
fn could_name(text: &str) -> bool {
    let others = [' ', '\n', '\'', '`', '(', '[', '#', '=', ',', '<'];
    !text.contains(others)
        && !OF_THE_LAKE.iter().any(|begin| text.starts_with(begin))
        && !OF_FILES.iter().any(|end| text.ends_with(end))
}

/// The text and the arguments of a call of `format!`, from behind the first quote.
fn call(source: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = source.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    let (text, rest) = source.split_at(end.unwrap_or(source.len()));
    let mut depth = 1;
    let end = rest.find(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    (text, &rest[..end.unwrap_or(rest.len())])
}
