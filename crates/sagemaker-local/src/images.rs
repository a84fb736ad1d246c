//! Which program stands for which container image. It must not start any.

use crate::Error;
use std::collections::BTreeMap;
use std::path::Path;

/// Commands by image URI.
#[derive(Debug, Clone, Default)]
pub struct Images(BTreeMap<String, Vec<String>>);

impl Images {
    /// Lets `command` stand for `image`. The command is split as a shell would, and is later given
    /// one argument more: `train` or `serve`.
    pub fn add(&mut self, image: &str, command: &str) -> Result<(), Error> {
        let words = shlex::split(command)
            .ok_or_else(|| malformed(&format!("{image}={command}"), "the quotes do not match"))?;
        self.add_words(image, words)
    }

    /// Lets the program and arguments `words` stand for `image`.
    pub fn add_words(&mut self, image: &str, mut words: Vec<String>) -> Result<(), Error> {
        let Some(program) = words.first_mut().filter(|program| !program.is_empty()) else {
            return Err(malformed(image, "there is no command"));
        };
        if image.is_empty() {
            return Err(malformed(
                image,
                "there is no image name before the command",
            ));
        }
        // A program is started in its own folder, where a relative path would mean another file.
        if program.contains('/') {
            let absolute = std::path::absolute(&*program)
                .map_err(|error| malformed(image, &format!("{program}: {error}")))?;
            *program = absolute.to_string_lossy().into_owned();
        }
        self.0.insert(image.to_owned(), words);
        Ok(())
    }

    /// Reads one `IMAGE=COMMAND`, as it stands on the command line.
    pub fn add_mapping(&mut self, mapping: &str) -> Result<(), Error> {
        let (image, command) = mapping
            .split_once('=')
            .ok_or_else(|| malformed(mapping, "it is not of the form IMAGE=COMMAND"))?;
        self.add(image, command)
    }

    /// Reads a JSON file: an object from image to command, the command a string or a list of words.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Command {
            Line(String),
            Words(Vec<String>),
        }
        let text = std::fs::read(path).map_err(|source| Error::State {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let commands: BTreeMap<String, Command> =
            serde_json::from_slice(&text).map_err(|source| Error::Record {
                path: path.to_owned(),
                source,
            })?;
        for (image, command) in commands {
            match command {
                Command::Line(line) => self.add(&image, &line)?,
                Command::Words(words) => self.add_words(&image, words)?,
            }
        }
        Ok(())
    }

    /// The program and its arguments that stand for `image`.
    pub fn command(&self, image: &str) -> Option<&[String]> {
        self.0.get(image).map(Vec::as_slice)
    }

    /// The images that a program stands for, for messages.
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
    fn a_mapping_is_split_as_a_shell_would() {
        let mut images = Images::default();
        images
            .add_mapping("a.dkr.ecr/x:1=python3 '/my programs/x.py' --flag=1")
            .unwrap();
        let command = images.command("a.dkr.ecr/x:1").unwrap();
        assert_eq!(command, ["python3", "/my programs/x.py", "--flag=1"]);
        assert!(images.command("a.dkr.ecr/x:2").is_none());
    }

    #[test]
    fn a_relative_program_is_meant_from_here() {
        let mut images = Images::default();
        images.add("x", "bin/x").unwrap();
        assert!(Path::new(&images.command("x").unwrap()[0]).is_absolute());
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
