//! What the export of files needs: the frozen list of the objects, and the ranges that they are read
//! in.

use serde::{Deserialize, Serialize};

/// What reading files needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesPlan {
    /// The bucket.
    pub bucket: String,
    /// What all keys begin with.
    pub folder: String,
    /// The objects.
    pub files: Vec<SourceFile>,
    /// What is read of them: segment `n` of the run is range `n`.
    pub ranges: Vec<FileRange>,
    /// How fast they are read and why, for people.
    pub pace: String,
    /// What may be a mistake, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl FilesPlan {
    /// The range of a segment and its file.
    pub fn range(&self, segment: u32) -> Option<(&FileRange, &SourceFile)> {
        let range = self.ranges.get(segment as usize)?;
        Some((range, self.files.get(range.file as usize)?))
    }

    /// The key of a file.
    pub fn key(&self, file: &SourceFile) -> String {
        format!("{}{}", self.folder, file.name)
    }

    /// Bytes of all files, as stored.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// An object as it was when the run was planned. It is read only as long as it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceFile {
    /// Its key behind the folder.
    pub name: String,
    /// Its bytes as stored.
    pub bytes: u64,
    /// Its entity tag.
    pub etag: String,
    /// Its items, if a manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// The MD5 of its bytes in base64, if a manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
}

/// The lines of a file whose first byte is in a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileRange {
    /// The file's number in the list.
    pub file: u32,
    /// The first byte. Lines that began before it are another range's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start: u64,
    /// The byte behind the last; the file's end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(start: &u64) -> bool {
    *start == 0
}
