//! Checks of the documents: links and anchors, widths, words, lists that must be complete.

use crate::{Finding, workspace};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

/// Folders without documents of ours.
const SKIPPED: [&str; 6] = [
    "target",
    "node_modules",
    "dist",
    ".git",
    ".aws-sam",
    "cdk.out",
];
const WIDTH: usize = 100;
/// Most characters of a table cell.
const CELL: usize = 160;

static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\]\(<?([^)\s>]+)>?\)"));
static CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"`[^`]*`"));
static TARGET: LazyLock<Regex> = LazyLock::new(|| pattern(r#"<a id="([^"]+)""#));
static TEXT_OF_LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[([^\]]*)\]\([^)]*\)"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

/// The repository's Markdown files, by their path from its root.
pub type Documents = BTreeMap<PathBuf, String>;

/// Reads every Markdown file of the repository.
///
/// # Panics
/// If a file cannot be read.
pub fn read() -> Documents {
    let root = workspace::root();
    let mut documents = Documents::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("a folder of the repository");
        for entry in entries {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            if path.is_dir() && !SKIPPED.contains(&name.as_ref()) {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                let text = std::fs::read_to_string(&path).expect("Markdown is UTF-8");
                let path = path.strip_prefix(&root).expect("below the root").to_owned();
                documents.insert(path, text);
            }
        }
    }
    documents
}

/// The lines of a document that are not code, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let mark = line
            .trim_start()
            .get(..3)
            .filter(|it| ["```", "~~~"].contains(it));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            (None, None) if !line.starts_with("    ") => return Some((number, line)),
            _ => {}
        }
        None
    })
}

/// The fenced blocks of a language.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while lines.any(|line| line.trim() == format!("```{language}")) {
        let block: Vec<_> = lines.by_ref().take_while(|it| it.trim() != "```").collect();
        found.push(block.join("\n"));
    }
    found
}

/// The anchors of a document, as GitHub makes them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut times: HashMap<String, usize> = HashMap::new();
    for (_, line) in lines(text) {
        found.extend(TARGET.captures_iter(line).map(|it| it[1].to_owned()));
        let Some(heading) = line.strip_prefix('#') else {
            continue;
        };
        let heading = heading.trim_start_matches('#');
        let Some(heading) = heading.strip_prefix(' ') else {
            continue;
        };
        let heading = TEXT_OF_LINK
            .replace_all(heading.trim(), "$1")
            .to_lowercase();
        let kept = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        let anchor: String = kept.collect();
        let time = times.entry(anchor.clone()).or_default();
        found.insert(if *time == 0 {
            anchor
        } else {
            format!("{anchor}-{time}")
        });
        *time += 1;
    }
    found
}

/// A path without `.` and `..`; none if it leaves the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(normal)
}

/// Relative links that lead to no file, or to no heading of it.
pub fn broken_links(documents: &Documents, exists: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents {
        for (number, line) in lines(text) {
            let prose = CODE.replace_all(line, "`…`");
            for found in LINK.captures_iter(&prose) {
                let link = &found[1];
                if link.contains("://") || link.starts_with("mailto:") {
                    continue;
                }
                if let Err(problem) = follow(documents, exists, path, link) {
                    let place = format!("{}:{number}", path.display());
                    findings.push(Finding::new(place, format!("{link}: {problem}")));
                }
            }
        }
    }
    findings
}

fn follow(
    documents: &Documents,
    exists: &dyn Fn(&Path) -> bool,
    from: &Path,
    link: &str,
) -> Result<(), &'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let to = if file.is_empty() {
        from.to_owned()
    } else {
        let folder = from.parent().unwrap_or(Path::new(""));
        normal(&folder.join(file)).ok_or("it leaves the repository")?
    };
    if !exists(&to) {
        return Err("no such file");
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let text = documents
        .get(&to)
        .ok_or("an anchor of something else than Markdown")?;
    if anchors(text).contains(anchor) {
        Ok(())
    } else {
        Err("no such heading")
    }
}

/// Lines of prose that are too long. Tables, headings and lines of a single word cannot be wrapped.
pub fn wide_lines(documents: &Documents, of: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents.iter().filter(|(path, _)| of(path)) {
        for (number, line) in lines(text) {
            let columns = line.chars().count();
            let line = line.trim_start();
            let can_be_wrapped = line.contains(' ') && !line.starts_with(['|', '#']);
            if columns > WIDTH && can_be_wrapped {
                let place = format!("{}:{number}", path.display());
                let problem = format!("{columns} columns, at most {WIDTH}");
                findings.push(Finding::new(place, problem));
            }
        }
    }
    findings
}

/// Table cells that are longer than a phrase.
pub fn wide_cells(documents: &Documents, of: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents.iter().filter(|(path, _)| of(path)) {
        for (number, line) in lines(text) {
            let line = line.trim();
            let Some(cells) = line.strip_prefix('|') else {
                continue;
            };
            for cell in cells.split(" |") {
                let characters = cell.trim().chars().count();
                if characters > CELL {
                    let place = format!("{}:{number}", path.display());
                    let problem = format!("a cell of {characters} characters, at most {CELL}");
                    findings.push(Finding::new(place, problem));
                }
            }
        }
    }
    findings
}

/// Words that this project once used in a sense of its own, each with the field's word.
const PRIVATE_WORDS: [(&str, &str); 11] = [
    ("now and then", "sometimes"),
    ("in one go", "as a batch"),
    ("goes on", "continues"),
    ("held against", "compared with"),
    ("holds it against", "compares it with"),
    ("holds them against", "compares them with"),
    ("is told", "is reported"),
    ("are told", "are reported"),
    ("serves on", "stays in service"),
    ("at work", "running"),
    ("whoever", "the principal, user or caller that"),
];

/// Private words in a text, whatever their case.
pub fn private_words(place: &str, text: &str) -> Vec<Finding> {
    static WORDS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let word = |(word, plain): &(&str, &'static str)| {
            let spaced = word.replace(' ', r"\s+");
            (pattern(&format!(r"(?i)\b{spaced}\b")), *plain)
        };
        PRIVATE_WORDS.iter().map(word).collect()
    });
    let mut findings = Vec::new();
    for (word, plain) in WORDS.iter() {
        for found in word.find_iter(text) {
            let number = text[..found.start()].matches('\n').count() + 1;
            let problem = format!("{:?}: say {plain:?}", found.as_str());
            findings.push(Finding::new(format!("{place}:{number}"), problem));
        }
    }
    findings
}

/// What the first column of a document's tables says in code, below a heading.
pub fn first_cells(text: &str, heading: &str) -> Vec<String> {
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    let level = heading.split(' ').next().unwrap_or_default();
    let is_next = |line: &&str| {
        let marks = line.split(' ').next().unwrap_or_default();
        line.starts_with('#') && marks.len() <= level.len()
    };
    below
        .take_while(|line| !is_next(line))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

/// Uses of actions that are not pinned by a commit, with the release named behind it.
pub fn unpinned_actions(path: &str, workflow: &str) -> Vec<Finding> {
    static PINNED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$"));
    let uses = workflow.lines().zip(1..).filter(|(line, _)| {
        let line = line.trim_start().trim_start_matches("- ");
        line.starts_with("uses:")
    });
    uses.filter(|(line, _)| !PINNED.is_match(line))
        .map(|(line, number)| {
            Finding::new(
                format!("{path}:{number}"),
                format!(
                    "{}: not pinned by a commit with its release behind",
                    line.trim()
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(all: &[(&str, &str)]) -> Documents {
        let own = |(path, text): &(&str, &str)| (PathBuf::from(path), (*text).to_owned());
        all.iter().map(own).collect()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let documents = documents(&[
            (
                "a/README.md",
                "# One\n## `Two`, [three](b.md)!\n## One\n<a id=\"four\"></a>\n",
            ),
            (
                "b.md",
                "[1](a/README.md#one) [2](a/README.md#two-three) [3](a/README.md#one-1) [4](a/README.md#four)\n\
                 [5](https://example.com/#x) `[6](none.md)` [7](#here)\n```\n[8](none.md)\n```\n# Here\n\
                 [9](none.md) [10](a/README.md#none) [11](../out.md) [12](code.rs#x)\n",
            ),
        ]);
        let exists = |path: &Path| documents.contains_key(path) || path == Path::new("code.rs");
        let found = broken_links(&documents, &exists);
        let expected = [
            ("a/README.md:2", "b.md: no such file"),
            ("b.md:7", "none.md: no such file"),
            ("b.md:7", "a/README.md#none: no such heading"),
            ("b.md:7", "../out.md: it leaves the repository"),
            (
                "b.md:7",
                "code.rs#x: an anchor of something else than Markdown",
            ),
        ];
        assert_eq!(
            found,
            expected.map(|(place, problem)| Finding::new(place, problem))
        );
    }

    #[test]
    fn long_prose_is_found_and_tables_are_not() {
        let long = "word ".repeat(30);
        let text = format!(
            "{long}\n| {long} |\n# {long}\n```\n{long}\n```\n{}\n",
            "x".repeat(120)
        );
        let found = wide_lines(&documents(&[("a.md", &text)]), &|_| true);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "a.md:1");
    }

    #[test]
    fn a_long_cell_is_found() {
        let long = "word ".repeat(40);
        let text = format!("| a | {long} |\n  | a `x|y` | b |\n```\n| {long} |\n```\n");
        let found = wide_cells(&documents(&[("a.md", &text)]), &|_| true);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "a.md:1");
    }

    #[test]
    fn a_private_word_is_found_across_a_line_break() {
        let found = private_words(
            "a.md",
            "It runs.\nThen it goes\non. It is told so; a toldo.",
        );
        let places: Vec<_> = found.iter().map(|it| it.place.as_str()).collect();
        assert_eq!(places, ["a.md:2", "a.md:3"], "{found:?}");
    }

    #[test]
    fn an_action_by_tag_is_found() {
        let hash = "a".repeat(40);
        let text = format!("- uses: a/b@v4\n- uses: a/b@{hash}\n  uses: a/b@{hash} # v4.0.1\n");
        assert_eq!(unpinned_actions("w", &text).len(), 2);
    }
}
