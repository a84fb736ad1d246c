//! The names of the objects that are open: one that occurs twice in an object is found.

use dynamodb_json::Text;
use std::cmp::Ordering;

/// So many names of an object are compared one by one as they come; with more, all of them are
/// sorted when the object ends. Real events have fewer.
const FEW: usize = 32;

/// The names of the open objects, the innermost object's last. Clearing keeps the memory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Vec<Name>,
}

/// A name's place in the record.
#[derive(Debug, Clone, Copy)]
struct Name {
    start: usize,
    end: usize,
    escaped: bool,
    /// Of its length and three of its bytes: names that differ in it differ.
    key: u64,
}

impl Name {
    fn new(start: usize, name: &Text<'_>) -> Self {
        let raw = name.raw().as_bytes();
        let byte = |at: usize| u64::from(raw.get(at).copied().unwrap_or(0));
        let (middle, last) = (byte(raw.len() / 2), byte(raw.len().saturating_sub(1)));
        Self {
            start,
            end: start + raw.len(),
            escaped: name.is_escaped(),
            key: (raw.len() as u64) << 24 | byte(0) << 16 | middle << 8 | last,
        }
    }

    fn raw<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }

    fn text<'t>(&self, text: &'t str) -> Text<'t> {
        Text::new(self.raw(text), self.escaped)
    }

    #[inline]
    fn equals(&self, other: &Self, text: &str) -> bool {
        if self.escaped || other.escaped {
            self.text(text) == other.text(text)
        } else {
            self.key == other.key && self.raw(text) == other.raw(text)
        }
    }
}

impl Names {
    pub(crate) fn clear(&mut self) {
        self.names.clear();
    }

    /// Where the names of an object begin that is opened now.
    pub(crate) const fn open(&self) -> usize {
        self.names.len()
    }

    /// Adds a name, which begins at `start`, to the object that was opened at `object`. Whether the
    /// object has it already, as far as is known before the object ends.
    #[inline]
    pub(crate) fn repeats(
        &mut self,
        object: usize,
        text: &str,
        start: usize,
        name: &Text<'_>,
    ) -> bool {
        let name = Name::new(start, name);
        let known = &self.names[object..];
        let repeats = known.len() < FEW && known.iter().any(|known| known.equals(&name, text));
        self.names.push(name);
        repeats
    }

    /// Ends the object that was opened at `object`. Where a name that it has twice occurs again.
    #[inline]
    pub(crate) fn close(&mut self, object: usize, text: &str) -> Option<usize> {
        let many = self.names.len() - object > FEW;
        let repeated = many.then(|| self.first_repeated(object, text)).flatten();
        self.names.truncate(object);
        repeated
    }

    #[cold]
    fn first_repeated(&self, object: usize, text: &str) -> Option<usize> {
        let named = self.names[object..].iter();
        let mut named: Vec<_> = named
            .map(|name| (name.text(text).decode(), name.start))
            .collect();
        named.sort_unstable();
        let pairs = named.windows(2);
        pairs
            .filter(|pair| pair[0].0.cmp(&pair[1].0) == Ordering::Equal)
            .map(|pair| pair[1].1)
            .min()
    }
}
