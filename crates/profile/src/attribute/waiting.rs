//! Values that wait until they are enough to be looked up together. It must not know what comes of that.

use crate::values::dictionary::TOGETHER;

/// Values that are to be looked up among the distinct ones of their attribute, and how they begin.
#[derive(Debug, Default)]
pub(crate) struct Waiting<'t> {
    values: Vec<&'t str>,
    beginnings: Vec<u128>,
}

impl<'t> Waiting<'t> {
    #[inline]
    pub(crate) fn add(&mut self, value: &'t str, beginning: u128) {
        self.values.push(value);
        self.beginnings.push(beginning);
    }

    /// Whether there are as many as are looked up together.
    #[inline]
    pub(crate) const fn are_enough(&self) -> bool {
        self.values.len() == TOGETHER
    }

    pub(crate) const fn values(&self) -> &[&'t str] {
        self.values.as_slice()
    }

    /// Those whose bit is not set, and how they begin; the first one's is the lowest.
    pub(crate) fn unknown(&self, known: u32) -> impl Iterator<Item = (&'t str, u128)> {
        let all = self.values.iter().zip(&self.beginnings).enumerate();
        let unknown = all.filter(move |(at, _)| known >> at & 1 == 0);
        unknown.map(|(_, (value, beginning))| (*value, *beginning))
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.beginnings.clear();
    }
}
