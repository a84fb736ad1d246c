//! Lines of the base, without those whose keys changed.

use crate::changed_keys::{Before, ChangedKeys};
use crate::compaction::EXAMPLES;
use crate::key::{KeyError, KeyReader};
use crate::state;
use crate::values::Values;
use dynamodb_json::{ItemError, Lines, PathId, parse_line};
use lake::records::{AppliedChanges, Checksum};

/// A line of the base that cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// It is no item.
    #[error(transparent)]
    Line(#[from] ItemError),
    /// It is no item of the table.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Holds lines against the keys that changed.
#[derive(Debug)]
pub struct Merge<'c> {
    changed: &'c ChangedKeys,
    reader: KeyReader,
    /// The paths of the key attributes in the lines.
    paths: Vec<PathId>,
    lines: Lines,
    applied: AppliedChanges,
    canonical: Vec<u8>,
    /// Of the lines that are kept, where they are compared with another reading of the table.
    values: Option<Values>,
}

impl<'c> Merge<'c> {
    /// No lines yet.
    pub fn new(key_attributes: &[String], changed: &'c ChangedKeys) -> Self {
        let mut lines = Lines::new();
        let names = key_attributes.iter();
        let paths = names.map(|name| lines.track_attribute(name)).collect();
        Self {
            changed,
            reader: KeyReader::new(key_attributes),
            paths,
            lines,
            applied: AppliedChanges::default(),
            canonical: Vec::new(),
            values: None,
        }
    }

    /// Hashes the values of the lines that are kept.
    #[must_use]
    pub fn with_values(mut self) -> Self {
        self.values = Some(Values::default());
        self
    }

    /// Takes a line. It is kept unless its key changed; then it is compared with what the change says
    /// that it replaced.
    ///
    /// # Errors
    /// If it is no item of the table.
    pub fn push(&mut self, line: &[u8]) -> Result<(), MergeError> {
        self.lines.push_line(line)?;
        let key = self.reader.of_last(&self.lines, &self.paths)?;
        if let Some(before) = self.changed.find(key) {
            self.supersede(before)?;
        } else if let Some(values) = &mut self.values {
            values.add_line(line)?;
        }
        Ok(())
    }

    #[cold]
    fn supersede(&mut self, before: Before) -> Result<(), MergeError> {
        let line = self.lines.last_line().unwrap_or_default();
        let item = parse_line(line.as_bytes())?;
        self.applied.superseded += 1;
        let found = state::of(item, &mut self.canonical);
        self.applied.same += u64::from(self.changed.ends_with(before, found));
        if !self.changed.allows(before, found) {
            self.applied.disagreed += 1;
            if self.applied.examples.len() < EXAMPLES {
                let names = self.reader.names().iter().zip(&self.paths);
                let values = names.filter_map(|(name, path)| {
                    let value = self.lines.last_value(*path)?;
                    Some(format!("{name}={}", text(&value)))
                });
                let key: Vec<_> = values.collect();
                self.applied.examples.push(key.join(", "));
            }
        }
        self.lines.pop_line();
        Ok(())
    }

    /// The lines that were kept since they were cleared.
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Removes the lines; the counts stay.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// The sum of the hashes of the values of the lines that were kept, if they are hashed.
    pub fn values(&self) -> Option<Checksum> {
        self.values.as_ref().map(Values::sum)
    }

    /// What was left out.
    pub fn into_applied(self) -> AppliedChanges {
        self.applied
    }
}

/// A key attribute's value, as it is written.
fn text(value: &dynamodb_json::Value<'_>) -> String {
    use dynamodb_json::Value;
    match value {
        Value::S(text) | Value::B(text) => text.raw().to_owned(),
        Value::N(number) => (*number).to_owned(),
        other => other.kind().to_string(),
    }
}
