//! `millrace.toml`: the place of the pipelines of a folder, so that no command has to name it.

use super::Options;
use std::path::{Path, PathBuf};

const NAME: &str = "millrace.toml";

/// Why `millrace.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// What the `millrace.toml` of the folder, or the nearest above it, names; nothing if there is none.
///
/// # Errors
/// If it cannot be read or is invalid.
pub fn read(folder: &Path) -> Result<Options, FileError> {
    for folder in folder.ancestors() {
        let path = folder.join(NAME);
        match std::fs::read_to_string(&path) {
            Ok(text) => return parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(FileError::Unreadable { path, source }),
        }
    }
    Ok(Options::default())
}

fn parse(path: PathBuf, text: &str) -> Result<Options, FileError> {
    let error = match toml::from_str::<Options>(text) {
        Ok(options) if options.stack.is_some() && options.bucket.is_some() => {
            let message = "`stack` and `bucket` exclude each other: the stack names its bucket";
            return Err(FileError::Invalid {
                path,
                line: 1,
                message: message.to_owned(),
            });
        }
        Ok(options) => return Ok(options),
        Err(error) => error,
    };
    let begin = error.span().map_or(0, |span| span.start);
    let before = text.get(..begin).unwrap_or_default();
    Err(FileError::Invalid {
        path,
        line: before.matches('\n').count() + 1,
        message: contract::one_line(error.message()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(root.path().join(NAME), "stack = \"far\"\n").unwrap();
        assert_eq!(read(&below).unwrap().stack.as_deref(), Some("far"));
        let text = "stack = \"near\"\nregion = \"eu-central-1\"\n";
        std::fs::write(root.path().join("a").join(NAME), text).unwrap();
        let options = read(&below).unwrap();
        assert_eq!(options.stack.as_deref(), Some("near"));
        assert_eq!(options.region.as_deref(), Some("eu-central-1"));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = |text: &str| parse(NAME.into(), text).unwrap_err().to_string();
        let unknown = error("# ours\nstack = \"a\"\nstak = \"b\"\n");
        assert!(
            unknown.starts_with("millrace.toml:3: unknown field `stak`"),
            "{unknown}"
        );
        let kind = error("stack = 1\n");
        assert!(kind.starts_with("millrace.toml:1: invalid type"), "{kind}");
        let both = error("stack = \"a\"\nbucket = \"b\"\n");
        assert!(both.contains("exclude each other"), "{both}");
    }
}
