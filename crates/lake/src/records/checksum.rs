//! Checksums of lines and files.

use serde::{Deserialize, Serialize};
use std::hash::Hasher as _;

/// An order-independent checksum of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(pub u64);

impl Checksum {
    /// Adds a line, without its line break. Returns the line's own hash.
    pub fn add_line(&mut self, line: &[u8]) -> u64 {
        let hash = twox_hash::XxHash3_64::oneshot(line);
        self.0 = self.0.wrapping_add(hash);
        hash
    }
}

impl std::ops::AddAssign for Checksum {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl Serialize for Checksum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// The checksum of a file's bytes, in order.
#[derive(Clone)]
pub struct FileDigest(twox_hash::XxHash3_64);

impl Default for FileDigest {
    fn default() -> Self {
        Self(twox_hash::XxHash3_64::new())
    }
}

impl std::fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileDigest({:016x})", self.0.finish())
    }
}

impl FileDigest {
    /// Adds the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn finish(&self) -> Checksum {
        Checksum(self.0.finish())
    }
}
