//! Raw lines in memory, checked, with their values marked. It must not know where the items come
//! from, nor what becomes of them.

use crate::check::{Check, line_frame, utf8};
use crate::mark::{Mark, PathId};
use crate::{ItemError, Map, Outline, Text};
use std::borrow::Cow;
use std::ops::Range;

const BEFORE: &str = "{\"Item\":";
const BEHIND: &str = "}\n";

/// Raw lines, one after the other, all of them checked.
///
/// Clearing keeps the memory, and the [`Outline`] of the items seen so far: one `Lines` for many
/// pages of a table is much faster than many.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
    marks: Vec<Mark>,
    ends: Vec<End>,
    outline: Outline,
}

/// Where a line and its marks end.
#[derive(Debug, Clone, Copy)]
struct End {
    text: usize,
    marks: usize,
}

/// A checked item among others.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    text: &'a str,
    marks: &'a [Mark],
}

impl<'a> Item<'a> {
    /// The attribute map, brackets included: what marks are places in.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Its values, in the order of the text; a map stands before what it holds.
    pub const fn marks(&self) -> &'a [Mark] {
        self.marks
    }

    /// What a marked text says; borrowed where it has no escapes.
    pub fn decoded(&self, mark: &Mark) -> Cow<'a, str> {
        Text::new(mark.raw(self.text), mark.escaped()).decode()
    }

    /// The attribute map, to be walked.
    pub const fn map(&self) -> Map<'a> {
        Map::new(self.text)
    }
}

impl Lines {
    /// No lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all lines.
    pub fn clear(&mut self) {
        self.text.clear();
        self.marks.clear();
        self.ends.clear();
    }

    /// How many lines there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no line.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All lines, each with its line break.
    pub const fn text(&self) -> &str {
        self.text.as_str()
    }

    /// What was learned of the items.
    pub const fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The lines, without their line breaks.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.ranges()
            .map(|(start, end)| &self.text[start.text..end.text - 1])
    }

    /// The items in the lines.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.ranges().map(|(start, end)| Item {
            text: &self.text[start.text + BEFORE.len()..end.text - BEHIND.len()],
            marks: &self.marks[start.marks..end.marks],
        })
    }

    fn ranges(&self) -> impl Iterator<Item = (End, End)> {
        let first = End { text: 0, marks: 0 };
        let starts = std::iter::once(first).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied())
    }

    /// Adds a raw line, with or without its line break. The item is kept as it is written, what
    /// stands around it is not.
    ///
    /// # Errors
    /// Names the byte at which the line stops being DynamoDB JSON, and what was expected there; the
    /// line is not added.
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), ItemError> {
        let marks = self.marks.len();
        let mut broke_line = false;
        let outline = &mut self.outline;
        let read = line_frame(line, |check| {
            let start = check.at;
            outline.map(check, PathId::ITEM, 1, start, &mut self.marks)?;
            broke_line = check.broke_line;
            Ok(())
        });
        let added = read.and_then(|(start, end)| self.add(line, start..end, broke_line));
        added.inspect_err(|_| self.marks.truncate(marks))
    }

    /// Adds the item that begins at `start`, and returns where it ends.
    ///
    /// # Errors
    /// As [`Lines::push_line`], offsets counted in `bytes`.
    pub(crate) fn push_item(&mut self, bytes: &[u8], start: usize) -> Result<usize, ItemError> {
        let marks = self.marks.len();
        let mut check = Check::new(bytes);
        check.at = start;
        let read = self
            .outline
            .map(&mut check, PathId::ITEM, 1, start, &mut self.marks);
        let added = read.and_then(|()| self.add(bytes, start..check.at, check.broke_line));
        match added {
            Ok(()) => Ok(check.at),
            Err(error) => {
                self.marks.truncate(marks);
                Err(error)
            }
        }
    }

    /// Adds the item, checked but for UTF-8, that stands at `place`.
    fn add(
        &mut self,
        bytes: &[u8],
        place: Range<usize>,
        broke_line: bool,
    ) -> Result<(), ItemError> {
        let start = place.start;
        let item = &bytes[place];
        if u32::try_from(item.len()).is_err() {
            return Err(ItemError::TooLong { limit: u32::MAX });
        }
        let item = utf8(item).map_err(|error| error.moved(|offset| offset + start))?;
        self.text.push_str(BEFORE);
        if broke_line {
            // Inside strings line breaks are escaped, so these are white space.
            self.text.extend(
                item.chars()
                    .map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }),
            );
        } else {
            self.text.push_str(item);
        }
        self.text.push_str(BEHIND);
        self.ends.push(End {
            text: self.text.len(),
            marks: self.marks.len(),
        });
        Ok(())
    }
}
