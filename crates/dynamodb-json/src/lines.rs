//! Raw lines in memory, checked, with their values marked. It must not know where the items come
//! from, nor what becomes of them.

use crate::check::{Check, line_frame, utf8};
use crate::mark::{MAX_ITEM, Mark, Marks, PathId};
use crate::received::Received;
use crate::{ItemError, Outline, Path, Step};

const BEFORE: &str = "{\"Item\":";
const BEHIND: &str = "}\n";

/// Raw lines, one after the other, all of them checked.
///
/// Clearing keeps the memory, and the [`Outline`] of the items seen so far: one `Lines` for many
/// pages of a table is much faster than many.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
    marks: Marks,
    /// Where each line ends.
    ends: Vec<usize>,
    outline: Outline,
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
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.text[start..end - 1])
    }

    /// The values of all items, path by path: what is alike comes together, and is looked at much
    /// faster than item by item. Marks are places in [`Lines::text`].
    pub fn values(&self) -> impl Iterator<Item = (PathId, &[Mark])> {
        self.marks.by_path()
    }

    /// Where each line ends, behind its line break.
    pub(crate) const fn ends(&self) -> &[usize] {
        self.ends.as_slice()
    }

    /// The marks of one path, in the order of the lines.
    pub(crate) fn marks_of(&self, path: PathId) -> &[Mark] {
        self.marks.of(path)
    }

    /// Makes sure that the values of a path are marked, as far as it enters no list. Says under which
    /// id, and which steps remain; `None` if it leads into a map too many.
    pub(crate) fn learn<'p>(&mut self, path: &'p Path) -> Option<(PathId, &'p [Step])> {
        self.outline.learn(path)
    }

    /// Adds a raw line, with or without its line break. The item is kept as it is written, what
    /// stands around it is not.
    ///
    /// # Errors
    /// Names the byte at which the line stops being DynamoDB JSON, and what was expected there; the
    /// line is not added.
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), ItemError> {
        let mut broke_line = false;
        let place = self.text.len() + BEFORE.len();
        self.has_room_for(line.len())?;
        let (outline, marks) = (&mut self.outline, &mut self.marks);
        let read = line_frame(line, |check| {
            let shift = place.wrapping_sub(check.at);
            outline.item(check, shift, marks)?;
            broke_line = check.broke_line;
            Ok(())
        });
        let added = read.and_then(|(start, end)| {
            let item = utf8(&line[start..end]);
            self.add(
                item.map_err(|error| error.moved(|at| at + start))?,
                broke_line,
            )
        });
        added.inspect_err(|_| self.marks.forget_from(place))
    }

    /// Adds the item that begins at `start`, and returns where it ends.
    ///
    /// # Errors
    /// As [`Lines::push_line`], offsets counted from where the bytes begin.
    pub(crate) fn push_item(
        &mut self,
        received: Received<'_>,
        start: usize,
    ) -> Result<usize, ItemError> {
        let place = self.text.len() + BEFORE.len();
        self.has_room_for(received.bytes.len() - start)?;
        let mut check = Check::new(received.bytes);
        check.at = start;
        let shift = place.wrapping_sub(start);
        let read = self.outline.item(&mut check, shift, &mut self.marks);
        let added = read.and_then(|()| {
            let item = received.text(start..check.at)?;
            self.add(item, check.broke_line)
        });
        match added {
            Ok(()) => Ok(check.at),
            Err(error) => {
                self.marks.forget_from(place);
                Err(error)
            }
        }
    }

    /// Whether marks can say where so many more bytes stand.
    fn has_room_for(&self, bytes: usize) -> Result<(), ItemError> {
        let most = self.text.len().saturating_add(bytes + BEFORE.len());
        match u32::try_from(most) {
            Ok(_) => Ok(()),
            Err(_) => Err(ItemError::TooLong { limit: u32::MAX }),
        }
    }

    /// Adds an item that was checked.
    fn add(&mut self, item: &str, broke_line: bool) -> Result<(), ItemError> {
        if item.len() > MAX_ITEM as usize {
            return Err(ItemError::TooLong { limit: MAX_ITEM });
        }
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
