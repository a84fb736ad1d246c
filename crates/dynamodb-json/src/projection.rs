//! The values of a few attribute paths, line by line.

use crate::lines::Lines;
use crate::speculative::spans::{PathId, ValueSpan};
use crate::{ItemError, Path, Step, Value};
use std::slice;

/// Raw lines, checked, and the values of some paths in each of them.
///
/// The values are those that [`Paths::values`](crate::Paths::values) finds in each line alone, but
/// found several times as fast if the lines are of one table: see [`Lines`]. Keep one projection for
/// all lines of a table.
#[derive(Debug)]
pub struct Projection {
    lines: Lines,
    columns: Vec<Column>,
    values: usize,
}

/// A path whose values are projected.
#[derive(Debug)]
struct Column {
    id: PathId,
    /// The steps from the value with a span on, if the path enters a list.
    steps: Vec<Step>,
    /// Its positions among the values.
    positions: Vec<usize>,
}

impl Projection {
    /// No lines. The paths keep their order, and may repeat.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut lines = Lines::new();
        let mut columns: Vec<Column> = Vec::new();
        let mut values = 0;
        for path in paths {
            let (id, steps) = lines.track(path);
            let known = columns
                .iter_mut()
                .find(|column| column.id == id && column.steps == steps);
            match known {
                Some(column) => column.positions.push(values),
                None => columns.push(Column {
                    id,
                    steps: steps.to_vec(),
                    positions: vec![values],
                }),
            }
            values += 1;
        }
        Self {
            lines,
            columns,
            values,
        }
    }

    /// Removes all lines.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// Adds a raw line, with or without its line break.
    ///
    /// # Errors
    /// As [`Lines::push_line`].
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), ItemError> {
        self.lines.push_line(line)
    }

    /// The lines, each with the values of the paths.
    pub fn rows(&self) -> ProjectedRows<'_> {
        let spans = |column: &Column| self.lines.spans_of(column.id);
        ProjectedRows {
            text: self.lines.text(),
            start: 0,
            ends: self.lines.ends().iter(),
            columns: self.columns.iter().map(|one| (one, spans(one))).collect(),
            values: vec![None; self.values],
        }
    }
}

/// The lines of a [`Projection`], one after the other.
#[derive(Debug)]
pub struct ProjectedRows<'p> {
    text: &'p str,
    start: usize,
    ends: slice::Iter<'p, usize>,
    /// With the spans of the lines to come.
    columns: Vec<(&'p Column, &'p [ValueSpan])>,
    values: Vec<Option<Value<'p>>>,
}

impl<'p> ProjectedRows<'p> {
    /// The next line, without its line break, and its values, each at its path's position.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator could not lend its values"
    )]
    pub fn next(&mut self) -> Option<(&'p str, &[Option<Value<'p>>])> {
        let end = *self.ends.next()?;
        for (column, spans) in &mut self.columns {
            let mut value = None;
            while let Some((span, rest)) = spans.split_first()
                && !span.starts_from(end)
            {
                // The first, should a name occur twice.
                if value.is_none() {
                    value = Path::follow(&column.steps, span.value(self.text));
                }
                *spans = rest;
            }
            for &position in &column.positions {
                self.values[position] = value;
            }
        }
        let line = &self.text[self.start..end - 1];
        self.start = end;
        Some((line, &self.values))
    }
}
