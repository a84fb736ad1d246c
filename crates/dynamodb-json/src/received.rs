//! Bytes of which most are known to be text before they are read: to look at many at once costs a
//! fraction of looking at each item's. It must not know what they say.

use crate::ItemError;
use crate::check::utf8;
use std::ops::Range;

/// Bytes that have arrived. A character may be cut in two at their end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received<'b> {
    pub(crate) bytes: &'b [u8],
    /// What they begin with, if it is text; nothing if there is something else in it.
    text: &'b str,
}

impl<'b> Received<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        // All that is read ends with a character of one byte.
        let last = bytes.iter().rposition(u8::is_ascii);
        let whole = last.map_or(0, |last| last + 1);
        Self {
            bytes,
            text: utf8(&bytes[..whole]).unwrap_or_default(),
        }
    }

    /// What stands there.
    ///
    /// # Errors
    /// Names the byte at which it stops being text.
    pub(crate) fn text(self, place: Range<usize>) -> Result<&'b str, ItemError> {
        let start = place.start;
        match self.text.get(place.clone()) {
            Some(text) => Ok(text),
            None => utf8(&self.bytes[place]).map_err(|error| error.moved(|at| at + start)),
        }
    }
}
