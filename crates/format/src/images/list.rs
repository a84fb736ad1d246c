//! Images that stay where they are or lie in folders: lines and paths that say their classes.

use crate::images::ImageError;
use serde_json::json;
use std::fmt::Write;

/// A line of MXNet's `.lst`: the image's number, its class, its path below the channel's prefix.
pub fn list_line(number: u64, class: u32, path: &str) -> Result<String, ImageError> {
    if path.contains(['\t', '\n', '\r']) {
        return Err(ImageError::Path {
            path: path.to_owned(),
        });
    }
    Ok(format!("{number}\t{class}\t{path}\n"))
}

/// A line of SageMaker's augmented manifest, for the attributes `source-ref` and `class`.
pub fn augmented_line(bucket: &str, key: &str, class: u32) -> String {
    let line = json!({
        "source-ref": format!("s3://{bucket}/{key}"),
        "class": class.to_string(),
    });
    format!("{line}\n")
}

/// What holds the first images of a channel without packed images, as image records. It is no channel
/// of a training job.
pub fn sample_channel(channel: &str) -> String {
    format!("{channel}-sample")
}

/// The path of an image in its class's folder: `stop%20sign/<name>.jpg`. Readers number classes in
/// the order of their folders' names, so a class's name must be one.
pub fn folder_path(class_name: &str, name: &str, extension: &str) -> Result<String, ImageError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let mut folder = String::new();
    for byte in class_name.bytes() {
        if is_plain(byte) {
            folder.push(char::from(byte));
        } else {
            write!(folder, "%{byte:02X}").expect("a string takes every write");
        }
    }
    // Hidden folders are left out by many readers, and two dots lead elsewhere.
    if folder.is_empty() || folder.starts_with('.') {
        return Err(ImageError::Class {
            name: class_name.to_owned(),
        });
    }
    Ok(format!("{folder}/{name}.{extension}"))
}

/// `classes.txt`: the classes' names in the order of their numbers, a line each.
pub fn class_names(names: &[String]) -> Result<String, ImageError> {
    let mut text = String::new();
    for name in names {
        if name.is_empty() || name.contains(['\n', '\r']) {
            return Err(ImageError::Class { name: name.clone() });
        }
        text.push_str(name);
        text.push('\n');
    }
    Ok(text)
}
