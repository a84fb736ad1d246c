//! Speculative parsing: finds the values of items fast, because items of one table repeat each other.
//!
//! [`SpeculativeReader`] takes the bytes of one item and yields the span of each attribute's value. In
//! `{"user_id":{"S":"u1"},"rating":{"N":"4.5"}}` these are `u1` and `4.5`. What precedes a value, up to
//! its first byte, is the attribute's *opening*: `"user_id":{"S":"` and `"rating":{"N":"`. A table has
//! few openings, and after one of them nearly always comes one of a few others.
//!
//! So the reader keeps a *learned shape* ([`shape`]): every opening that it has read, with its path and
//! type, and for each the last four that followed it. In a map it proceeds as follows:
//!
//! 1. **Guess.** It compares the text with the followers of the opening before, 32 bytes at a time. If
//!    one is equal, its path and type are known: no name is read, looked up or checked.
//! 2. **Slow path.** If none is equal, it reads name and type by the grammar, and learns them.
//! 3. **Value.** It scans for the end of the text or number, sixteen bytes at a time
//!    ([`find_special`](crate::simd::find_special)), and checks escapes and digits. A map is read in
//!    the same way. Lists and sets are checked by the grammar; values inside them have no spans.
//! 4. **Next attribute.** It passes `}`, and `,` or the end of the map.
//!
//! A guess is only ever a comparison: an opening that is equal to one that was checked needs no check,
//! and the text decides what comes next. What was learned therefore changes how long reading takes,
//! and never what is read.
//!
//! [`SpeculativeReader::speculate`] turns step 1 off. What remains is the plain reader, by the same
//! grammar ([`check`](crate::check)) as `parse_line`. A property test compares the spans of both, and
//! those of a walk over each line; a benchmark compares what both cost.
//!
//! The idea is Mison's (Li et al., *Mison: A Fast JSON Parser for Data Analytics*, VLDB 2017), which
//! guesses where a field stands from where it stood in earlier records, and verifies. Mison first
//! builds a *structural index* of quotes, colons and brackets, as simdjson does (Langdale and Lemire,
//! *Parsing Gigabytes of JSON per Second*, VLDB Journal 2019). Here there is none: a guess passes
//! several such characters by one comparison, and between two guesses only the end of a value is
//! sought.

pub(crate) mod attribute_paths;
mod shape;
pub(crate) mod spans;

use crate::check::{Check, MAP, MAP_GOES_ON, NAME, VALUE_END, utf8};
use crate::{ItemError, Kind};
use attribute_paths::AttributePaths;
use shape::Shape;
use spans::{PathId, Spans, ValueSpan};

/// Reads items of one table.
#[derive(Debug)]
pub(crate) struct SpeculativeReader {
    paths: AttributePaths,
    shape: Shape,
    speculates: bool,
}

impl Default for SpeculativeReader {
    fn default() -> Self {
        Self {
            paths: AttributePaths::default(),
            shape: Shape::default(),
            speculates: true,
        }
    }
}

impl SpeculativeReader {
    /// Turns guesses off or on: without them it is the plain reader.
    pub(crate) const fn speculate(&mut self, speculates: bool) {
        self.speculates = speculates;
    }

    /// The attribute paths so far.
    pub(crate) const fn paths(&self) -> &AttributePaths {
        &self.paths
    }

    pub(crate) const fn paths_mut(&mut self) -> &mut AttributePaths {
        &mut self.paths
    }

    /// Checks the item at this place and adds the spans of its values. `shift`, added to an offset in
    /// what is checked, makes it one in the text of the spans.
    pub(crate) fn item(
        &mut self,
        check: &mut Check<'_>,
        shift: usize,
        spans: &mut Spans,
    ) -> Result<(), ItemError> {
        self.shape.begin_item();
        self.map(check, PathId::ITEM, 1, shift, spans)
    }

    fn map(
        &mut self,
        check: &mut Check<'_>,
        map: PathId,
        depth: usize,
        shift: usize,
        spans: &mut Spans,
    ) -> Result<(), ItemError> {
        if check.opens_empty(b'{', b'}', MAP)? {
            return Ok(());
        }
        loop {
            let (path, kind) = self.opening(check, map)?;
            let start = check.at;
            let (escaped, end) = match kind {
                Kind::S | Kind::B => (check.string_rest()?, check.at - 1),
                Kind::N => {
                    check.number_rest()?;
                    (false, check.at - 1)
                }
                Kind::M => {
                    self.map(check, path, check.deeper(depth)?, shift, spans)?;
                    (false, check.at)
                }
                _ => {
                    check.untyped(kind, depth)?;
                    (false, check.at)
                }
            };
            let span = ValueSpan::new(kind, escaped, shift.wrapping_add(start), end - start);
            spans.push(path, span);
            check.token(b'}', VALUE_END)?;
            if !check.further(b'}', MAP_GOES_ON)? {
                return Ok(());
            }
        }
    }

    /// Passes the opening of an attribute of `map`. Returns the attribute's path and type.
    #[inline]
    fn opening(&mut self, check: &mut Check<'_>, map: PathId) -> Result<(PathId, Kind), ItemError> {
        if self.speculates {
            let rest = check.bytes.get(check.at..).unwrap_or_default();
            if let Some((path, kind, length)) = self.shape.guess(rest, map) {
                check.at += length;
                return Ok((path, kind));
            }
        }
        self.read_opening(check, map)
    }

    /// The same by the grammar.
    #[inline(never)]
    fn read_opening(
        &mut self,
        check: &mut Check<'_>,
        map: PathId,
    ) -> Result<(PathId, Kind), ItemError> {
        check.peek();
        let start = check.at;
        let name = check.string(NAME)?;
        let name = utf8(name).map_err(|error| error.moved(|offset| start + 1 + offset))?;
        let path = self.paths.attribute(map, name);
        check.token(b':', "`:`")?;
        let kind = check.tag()?;
        match kind {
            Kind::S | Kind::B => check.token(b'"', "a string")?,
            Kind::N => check.token(b'"', "a number in quotes")?,
            _ => drop(check.peek()),
        }
        if self.speculates {
            let bytes = &check.bytes[start..check.at];
            self.shape.learn(bytes, map, path, kind);
        }
        Ok((path, kind))
    }
}
