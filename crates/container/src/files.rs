//! The files of a channel.

use crate::{Error, Tree};
use std::path::{Path, PathBuf};

/// How many folders deep a file may lie below its channel, as in SageMaker's own algorithms.
pub const MAX_DEPTH: usize = 3;

/// Every file below a channel's folder, in the order of their paths. `kind` names what is missing
/// if there is none, and `is_optional` says that the channel may be left out.
pub fn files(
    tree: &Tree,
    channel: &'static str,
    kind: &'static str,
    is_optional: bool,
) -> Result<Vec<PathBuf>, Error> {
    let folder = tree.channel(channel);
    let mut files = Vec::new();
    if folder.exists() {
        collect(&folder, 0, &mut files)?;
    }
    if files.is_empty() {
        let advice = if is_optional {
            format!("give it at least one {kind} file, or leave the channel out")
        } else {
            format!("give the channel at least one {kind} file")
        };
        return Err(Error::MissingChannel {
            channel,
            path: folder,
            advice,
        });
    }
    files.sort();
    Ok(files)
}

/// Collects every file below `folder`, following links.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::TooDeep {
            path: folder.to_owned(),
        });
    }
    let io = |source| Error::Io {
        action: "listing",
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if std::fs::metadata(&path).map_err(io)?.is_dir() {
            collect(&path, depth + 1, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
