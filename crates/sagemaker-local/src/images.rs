//! The mapping from container images to the programs that run in their place.

use crate::error::Error;
use crate::training::metrics::MetricDefinition;
use std::collections::BTreeMap;
use std::path::Path;

/// A program that runs in place of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Whether it needs its tree at the path `/opt/ml`.
    pub needs_opt_ml: bool,
    /// The metrics that SageMaker reads from this image's logs by default.
    pub metrics: Vec<MetricDefinition>,
}

impl Image {
    /// A program without special needs.
    pub fn new(words: Vec<String>) -> Self {
        Self {
            words,
            needs_opt_ml: false,
            metrics: Vec::new(),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Command {
    Line(String),
    Words(Vec<String>),
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Detailed {
    command: Command,
    #[serde(default)]
    needs_opt_ml: bool,
    #[serde(default)]
    metrics: Vec<MetricDefinition>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Entry {
    Command(Command),
    Detailed(Detailed),
}

/// Programs by image URI, or by a pattern of image URIs in which `*` matches any text.
#[derive(Debug, Clone, Default)]
pub struct Images(BTreeMap<String, Image>);

impl Images {
    /// Maps `image` to `command`, which is split as a shell splits it. `train` or `serve` is added
    /// as its last argument when it is started.
    pub fn add(&mut self, image: &str, command: &str) -> Result<(), Error> {
        self.add_words(image, split(image, command)?)
    }

    /// Maps `image` to a program and its arguments.
    pub fn add_words(&mut self, image: &str, words: Vec<String>) -> Result<(), Error> {
        self.add_image(image, Image::new(words))
    }

    fn add_image(&mut self, image: &str, mut program: Image) -> Result<(), Error> {
        let words = &mut program.words;
        let Some(first) = words.first_mut().filter(|first| !first.is_empty()) else {
            return Err(malformed(image, "it has no command"));
        };
        if image.is_empty() {
            return Err(malformed(image, "it has no image name before the command"));
        }
        // A program starts in a folder of its own, where a relative path would name another file.
        if first.contains('/') {
            let absolute = std::path::absolute(&*first)
                .map_err(|error| malformed(image, &format!("{first}: {error}")))?;
            *first = absolute.to_string_lossy().into_owned();
        }
        self.0.insert(image.to_owned(), program);
        Ok(())
    }

    /// Parses a mapping of the command line, `IMAGE=COMMAND`.
    pub fn add_mapping(&mut self, mapping: &str) -> Result<(), Error> {
        let (image, command) = mapping
            .split_once('=')
            .ok_or_else(|| malformed(mapping, "it is not of the form IMAGE=COMMAND"))?;
        self.add(image, command)
    }

    /// Reads mappings from a JSON file: an object from image to command. A command is a string, a
    /// list of words, or an object with more members: `{"command": …, "needsOptMl": true,
    /// "metrics": [{"Name": …, "Regex": …}]}`. A word that begins with `./` is relative to the
    /// file's folder.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        self.add_python_file(path, Path::new("python3"))
    }

    /// Like [`Images::add_file`], but runs `python` where a command names `python3`.
    pub fn add_python_file(&mut self, path: &Path, python: &Path) -> Result<(), Error> {
        let text = std::fs::read(path).map_err(|source| Error::State {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let entries: BTreeMap<String, Entry> =
            serde_json::from_slice(&text).map_err(|source| Error::Record {
                path: path.to_owned(),
                source,
            })?;
        let folder = std::path::absolute(path).map_err(|source| Error::State {
            action: "find",
            path: path.to_owned(),
            source,
        })?;
        let folder = folder.parent().unwrap_or(Path::new("/"));
        for (image, entry) in entries {
            let entry = match entry {
                Entry::Detailed(detailed) => detailed,
                Entry::Command(command) => Detailed {
                    command,
                    needs_opt_ml: false,
                    metrics: Vec::new(),
                },
            };
            let mut words = match entry.command {
                Command::Words(words) => words,
                Command::Line(line) => split(&image, &line)?,
            };
            for word in &mut words {
                if let Some(name) = word.strip_prefix("./") {
                    *word = folder.join(name).to_string_lossy().into_owned();
                }
            }
            if let Some(program) = words.first_mut().filter(|word| *word == "python3") {
                *program = python.to_string_lossy().into_owned();
            }
            let program = Image {
                words,
                needs_opt_ml: entry.needs_opt_ml,
                metrics: entry.metrics,
            };
            self.add_image(&image, program)?;
        }
        Ok(())
    }

    /// The program for `image`: by its exact URI, else by the longest pattern that matches.
    pub(crate) fn find(&self, image: &str) -> Option<&Image> {
        let patterns = self.0.iter().filter(|(pattern, _)| fits(pattern, image));
        let by_pattern = patterns.max_by_key(|(pattern, _)| pattern.len());
        self.0
            .get(image)
            .or_else(|| by_pattern.map(|(_, program)| program))
    }

    /// The mapped images, for messages.
    pub(crate) fn known(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        self.0
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn split(image: &str, command: &str) -> Result<Vec<String>, Error> {
    shlex::split(command)
        .ok_or_else(|| malformed(&format!("{image}={command}"), "the quotes do not match"))
}

/// Whether the text matches the pattern, in which `*` matches any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    let mut at = 0;
    for part in parts {
        match text[at..].find(part) {
            Some(found) => at += found + part.len(),
            None => return false,
        }
    }
    text[at..].ends_with(end)
}

fn malformed(mapping: &str, reason: &str) -> Error {
    Error::Image {
        mapping: mapping.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_a_shell_splits_it() {
        let mut images = Images::default();
        images
            .add_mapping("a.dkr.ecr/x:1=python3 '/my programs/x.py' --flag=1")
            .unwrap();
        let program = images.find("a.dkr.ecr/x:1").unwrap();
        assert_eq!(program.words, ["python3", "/my programs/x.py", "--flag=1"]);
        assert!(images.find("a.dkr.ecr/x:2").is_none());
    }

    #[test]
    fn an_exact_name_wins_over_the_longest_pattern() {
        let mut images = Images::default();
        images.add("*/sagemaker-xgboost:*", "any").unwrap();
        images.add("*/sagemaker-xgboost:1.7-*", "newer").unwrap();
        images.add("a/sagemaker-xgboost:1.7-1", "own").unwrap();
        for (image, program) in [
            ("1.dkr.ecr.eu/sagemaker-xgboost:1.5-1", Some("any")),
            ("1.dkr.ecr.eu/sagemaker-xgboost:1.7-1", Some("newer")),
            ("a/sagemaker-xgboost:1.7-1", Some("own")),
            ("sagemaker-xgboost:1.7-1", None),
            ("b/sagemaker-xgboost", None),
        ] {
            let found = images.find(image).map(|found| found.words[0].as_str());
            assert_eq!(found, program, "{image}");
        }
    }

    #[test]
    fn a_file_of_mappings_has_three_forms() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.json");
        let text =
            r#"{"a": "x -y", "b": ["python3", "./y"], "c": {"command": "x", "needsOptMl": true}}"#;
        std::fs::write(&path, text).unwrap();
        let mut images = Images::default();
        let python = Path::new("/venv/python");
        images.add_python_file(&path, python).unwrap();
        assert_eq!(images.find("a").unwrap().words, ["x", "-y"]);
        let beside = folder.path().join("y").display().to_string();
        assert_eq!(images.find("b").unwrap().words, ["/venv/python", &beside]);
        assert!(images.find("c").unwrap().needs_opt_ml);
        std::fs::write(&path, r#"{"c": {"command": "x", "needsOptML": true}}"#).unwrap();
        assert!(images.add_file(&path).is_err());
    }

    #[test]
    fn the_mapping_of_xgboost_has_its_program_and_metrics() {
        let mut images = Images::default();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("xgboost/images.json");
        images.add_file(&path).unwrap();
        let image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1";
        let program = images.find(image).unwrap();
        assert!(Path::new(&program.words[1]).is_file());
        let metrics = crate::training::metrics::compile(&program.metrics).unwrap();
        let line = "[12]#011train-rmse:0.25#011train-mae:1e-3#011validation-rmse:0.5";
        let found = metrics.iter().filter_map(|(name, regex)| {
            let value = regex.captures(line)?.get(1)?.as_str();
            Some((name.as_str(), value))
        });
        let found: Vec<_> = found.collect();
        let expected = [
            ("train:rmse", "0.25"),
            ("train:mae", "1e-3"),
            ("validation:rmse", "0.5"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_relative_program_is_resolved_from_the_current_folder() {
        let mut images = Images::default();
        images.add("x", "bin/x").unwrap();
        assert!(Path::new(&images.find("x").unwrap().words[0]).is_absolute());
    }

    #[test]
    fn a_malformed_mapping_is_named() {
        let mut images = Images::default();
        for mapping in ["x", "x=", "=y", "x='y"] {
            let error = images.add_mapping(mapping).unwrap_err();
            assert!(
                error.to_string().contains("image mapping"),
                "{mapping}: {error}"
            );
        }
    }
}
