//! Raw lines in memory, checked, with the spans of their values.

use crate::check::{Check, line_envelope, utf8};
use crate::speculative::SpeculativeReader;
use crate::speculative::attribute_paths::AttributePaths;
use crate::speculative::spans::{PathId, Spans, ValueSpan};
use crate::{ItemError, Path, Step, Value};

const BEFORE: &str = "{\"Item\":";
const BEHIND: &str = "}\n";

/// Raw lines, all of them checked, and the spans of their values.
///
/// Clearing keeps the memory and what was learned of the items: one `Lines` for many pages of a
/// table is much faster than one for each page.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
    spans: Spans,
    /// Where each line ends.
    ends: Vec<usize>,
    reader: SpeculativeReader,
}

impl Lines {
    /// No lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns the guesses off or on again. Without them the spans are the same, but take longer to
    /// find; tests and benchmarks compare the two.
    pub const fn speculate(&mut self, speculates: bool) {
        self.reader.speculate(speculates);
    }

    /// Removes all lines.
    pub fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
        self.ends.clear();
    }

    /// The number of lines.
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

    /// The attribute paths of all items so far, also of those that were cleared.
    pub const fn paths(&self) -> &AttributePaths {
        self.reader.paths()
    }

    /// The lines, without their line breaks.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.text[start..end - 1])
    }

    /// The spans of all values in maps, by path; values inside lists and sets have none. Reading
    /// them path by path repeats one operation many times in a row, which is much faster than reading
    /// them item by item. Spans refer to [`Lines::text`].
    pub fn values(&self) -> impl Iterator<Item = (PathId, &[ValueSpan])> {
        self.spans.by_path()
    }

    /// Where each line ends, behind its line break.
    pub(crate) const fn ends(&self) -> &[usize] {
        self.ends.as_slice()
    }

    /// The spans of one path, in the order of the lines.
    pub(crate) fn spans_of(&self, path: PathId) -> &[ValueSpan] {
        self.spans.of(path)
    }

    /// Tracks an attribute of the items by its name, which may hold any character, however many others
    /// there are: its values can be asked for.
    pub fn track_attribute(&mut self, name: &str) -> PathId {
        self.reader.paths_mut().track_name(PathId::ITEM, name)
    }

    /// The last line, without its line break.
    pub fn last_line(&self) -> Option<&str> {
        let (end, before) = self.ends.split_last()?;
        let start = before.last().copied().unwrap_or(0);
        Some(&self.text[start..end - 1])
    }

    /// The value of a path in the last line: the first one, should a name occur twice.
    pub fn last_value(&self, path: PathId) -> Option<Value<'_>> {
        let (_, before) = self.ends.split_last()?;
        let start = before.last().copied().unwrap_or(0);
        let of_line = self.spans_of(path).iter().rev();
        let of_line = of_line.take_while(|span| span.starts_from(start));
        of_line.last().map(|span| span.value(&self.text))
    }

    /// Removes the last line, as if it had not been added.
    pub fn pop_line(&mut self) {
        if self.ends.pop().is_some() {
            let start = self.ends.last().copied().unwrap_or(0);
            self.text.truncate(start);
            self.spans.truncate(start);
        }
    }

    /// Tracks a path however many others there are, as far as it enters no list. Returns its number
    /// and the steps from there on.
    pub(crate) fn track<'p>(&mut self, path: &'p Path) -> (PathId, &'p [Step]) {
        self.reader.paths_mut().track(path)
    }

    /// Adds a raw line, with or without its line break. The item stays as it is written, except that
    /// line breaks between its tokens become spaces.
    ///
    /// # Errors
    /// Names the byte at which the line stops being DynamoDB JSON, and what was expected there; the
    /// line is not added.
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), ItemError> {
        let mut broke_line = false;
        let place = self.place_for(line.len())?;
        let (reader, spans) = (&mut self.reader, &mut self.spans);
        let read = line_envelope(line, |check| {
            let shift = place.wrapping_sub(check.at);
            reader.item(check, shift, spans)?;
            broke_line = check.broke_line;
            Ok(())
        });
        let added = read.and_then(|(start, end)| self.add(line, start, end, broke_line));
        added.inspect_err(|_| self.spans.truncate(place))
    }

    /// Adds the item that begins at `start`, and returns where it ends.
    ///
    /// # Errors
    /// As [`Lines::push_line`], offsets counted from where the bytes begin.
    pub(crate) fn push_item(&mut self, bytes: &[u8], start: usize) -> Result<usize, ItemError> {
        let place = self.place_for(bytes.len() - start)?;
        let mut check = Check::new(bytes);
        check.at = start;
        let shift = place.wrapping_sub(start);
        let read = self.reader.item(&mut check, shift, &mut self.spans);
        let added = read.and_then(|()| self.add(bytes, start, check.at, check.broke_line));
        match added {
            Ok(()) => Ok(check.at),
            Err(error) => {
                self.spans.truncate(place);
                Err(error)
            }
        }
    }

    /// Where an item of at most so many bytes would begin.
    fn place_for(&self, bytes: usize) -> Result<usize, ItemError> {
        let place = self.text.len() + BEFORE.len();
        match u32::try_from(place.saturating_add(bytes)) {
            Ok(_) => Ok(place),
            Err(_) => Err(ItemError::TooLong { limit: u32::MAX }),
        }
    }

    /// Adds the item in `bytes[start..end]`, which was checked except for its UTF-8.
    fn add(
        &mut self,
        bytes: &[u8],
        start: usize,
        end: usize,
        broke_line: bool,
    ) -> Result<(), ItemError> {
        let item = utf8(&bytes[start..end]).map_err(|error| error.moved(|at| at + start))?;
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
        self.ends.push(self.text.len());
        Ok(())
    }
}
