//! Channels whose images are files: in folders of their classes, or named by a list.

use crate::channel::{Images, accept};
use crate::features::Features;
use crate::{Error, Hyperparameters};
use container::Tree;
use container::job::{TRAIN, VALIDATION};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Reads the images in the channel's folders. Classes are numbered in the order of the names of the
/// folders, of both channels.
pub fn in_folders(
    tree: &Tree,
    name: &'static str,
    settings: &Hyperparameters,
) -> Result<Images, Error> {
    let mut folders = BTreeSet::new();
    let mut files = Vec::new();
    for channel in [TRAIN, VALIDATION] {
        if channel == name || tree.channel(channel).exists() {
            let found = container::files(tree, channel, "image", channel != TRAIN)?;
            folders.extend(found.iter().filter_map(|path| folder_of(path)));
            if channel == name {
                files = found;
            }
        }
    }
    let folders: Vec<String> = folders.into_iter().collect();
    if folders.len() != settings.num_classes {
        let first: Vec<&str> = folders.iter().take(10).map(String::as_str).collect();
        return Err(Error::OtherFolders {
            found: folders.len(),
            names: first.join(", "),
            told: settings.num_classes,
        });
    }
    let mut images = Images::default();
    for path in files {
        let class = folder_of(&path).and_then(|folder| folders.binary_search(&folder).ok());
        let class = class.ok_or_else(|| bad(&path, "is in no folder of a class".to_owned()))?;
        add(&path, class, settings, &mut images)?;
    }
    Ok(images)
}

fn folder_of(path: &Path) -> Option<String> {
    let folder = path.parent().and_then(Path::file_name);
    folder.map(|folder| folder.to_string_lossy().into_owned())
}

/// Reads the images that the lists in the channel `list` name: a number, a class and a path below the
/// channel a line, with tabs between them.
pub fn listed(
    tree: &Tree,
    name: &'static str,
    list: &'static str,
    settings: &Hyperparameters,
) -> Result<Images, Error> {
    let folder = tree.channel(name);
    let mut images = Images::default();
    for list in container::files(tree, list, ".lst", false)? {
        let text = fs::read_to_string(&list).map_err(|source| io("reading", &list, source))?;
        for (line, number) in text.lines().zip(1_u64..) {
            let refused = |what: &str| bad(&list, format!("line {number} {what}"));
            let mut fields = line.split('\t').skip(1);
            let (Some(class), Some(path), None) = (fields.next(), fields.next(), fields.next())
            else {
                return Err(refused(
                    "is no number, class and path with tabs between them",
                ));
            };
            let class = class.parse().ok();
            let class = class.filter(|class| *class < settings.num_classes);
            let class = class.ok_or_else(|| refused("has a class beyond num_classes"))?;
            add(&folder.join(path), class, settings, &mut images)?;
        }
    }
    if images.is_empty() {
        return Err(Error::NoRecords { channel: name });
    }
    Ok(images)
}

fn add(
    path: &Path,
    class: usize,
    settings: &Hyperparameters,
    images: &mut Images,
) -> Result<(), Error> {
    let file = fs::read(path).map_err(|source| io("reading", path, source))?;
    let pixels = image::decode(&file, &accept()).map_err(|no| bad(path, no.to_string()))?;
    let features = Features::new(settings.image_size);
    images.features.extend(features.of(&pixels));
    images.classes.push(class);
    Ok(())
}

fn bad(path: &Path, reason: String) -> Error {
    Error::BadFile {
        path: path.to_owned(),
        reason,
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    container::Error::Io {
        action,
        path,
        source,
    }
    .into()
}
