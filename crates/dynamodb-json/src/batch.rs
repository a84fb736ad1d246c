//! Lines of a page that follow each other, so few that a processor has them at hand while they are gone
//! through path by path. It must not know what is done with them.

use crate::Outline;
use crate::lines::Lines;
use crate::mark::{Mark, PathId};
use std::ops::Range;

/// Bytes of a batch: with the marks, and with what is known of the values, it fits into a processor's
/// second cache (1 MB on most). A page does not, and of many pages side by side nothing is near.
const BYTES: usize = 256 * 1024;

/// Some of [`Lines`], one after the other.
#[derive(Debug)]
pub struct Batch<'l> {
    lines: &'l Lines,
    /// Which ones.
    numbers: Range<usize>,
    /// Where they stand in the text.
    place: Range<usize>,
    values: Vec<(PathId, &'l [Mark])>,
}

impl Lines {
    /// The lines in batches of at most 256 KiB, or one line.
    pub fn batches(&self) -> impl Iterator<Item = Batch<'_>> {
        let (mut number, mut start) = (0, 0);
        let mut marks: Vec<_> = self.values().collect();
        std::iter::from_fn(move || {
            let rest = self.ends().get(number..).filter(|rest| !rest.is_empty())?;
            let fitting = rest.partition_point(|end| end - start <= BYTES).max(1);
            let end = rest[fitting - 1];
            let values = marks.iter_mut().filter_map(|(path, marks)| {
                let values = split_off(marks, end, fitting);
                (!values.is_empty()).then_some((*path, values))
            });
            let batch = Batch {
                lines: self,
                numbers: number..number + fitting,
                place: start..end,
                values: values.collect(),
            };
            (number, start) = (batch.numbers.end, end);
            Some(batch)
        })
    }
}

/// Takes those marks away that stand before `end`, which are in so many lines.
fn split_off<'l>(marks: &mut &'l [Mark], end: usize, lines: usize) -> &'l [Mark] {
    // A line has one value of a path at most, but for names that occur twice and for what was not
    // learned: so they are sought near, and seldom further.
    let near = marks
        .get(..lines)
        .filter(|near| near.last().is_some_and(|last| last.starts_from(end)));
    let count = near
        .unwrap_or(marks)
        .partition_point(|mark| !mark.starts_from(end));
    let (before, rest) = marks.split_at(count);
    *marks = rest;
    before
}

impl<'l> Batch<'l> {
    /// How many lines there are: one at least.
    #[expect(clippy::len_without_is_empty, reason = "none is empty")]
    pub const fn len(&self) -> usize {
        self.numbers.end - self.numbers.start
    }

    /// The lines, each with its line break.
    pub fn text(&self) -> &'l str {
        &self.lines.text()[self.place.clone()]
    }

    /// The lines, without their line breaks.
    pub fn lines(&self) -> impl Iterator<Item = &'l str> {
        let mut start = self.place.start;
        let (text, ends) = (self.lines.text(), &self.lines.ends()[self.numbers.clone()]);
        ends.iter().map(move |&end| {
            let line = &text[start..end - 1];
            start = end;
            line
        })
    }

    /// The values of these lines, path by path: what is alike comes together, and is looked at much faster
    /// than item by item. Marks are places in [`Batch::page`].
    pub fn values(&self) -> &[(PathId, &'l [Mark])] {
        &self.values
    }

    /// The text of all lines, [`Lines::text`].
    pub const fn page(&self) -> &'l str {
        self.lines.text()
    }

    /// What was learned of the items.
    pub const fn outline(&self) -> &'l Outline {
        self.lines.outline()
    }
}
