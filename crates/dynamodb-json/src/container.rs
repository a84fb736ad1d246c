//! Maps, lists and sets as slices of the line, walked when asked. They must not be made from text
//! that `check` has not seen.

use crate::scan::Scan;
use crate::{Path, Text, Value};

/// An attribute map, `{"name":{"S":"…"},…}`, brackets included.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a> {
    text: &'a str,
}

impl<'a> Map<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The attributes, in the order of the line.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes(Scan::inside(self.text))
    }

    /// The attribute of that name, if the map has it.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.attributes()
            .find_map(|(candidate, value)| (candidate == *name).then_some(value))
    }

    /// The value that a path leads to, if there is one.
    pub fn path(&self, path: &Path) -> Option<Value<'a>> {
        path.walk(*self)
    }

    /// The map as it stands in the line, brackets included: DynamoDB JSON of its own.
    pub fn raw(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

/// The attributes of a [`Map`].
#[derive(Debug, Clone)]
pub struct Attributes<'a>(Scan<'a>);

impl<'a> Iterator for Attributes<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.element()?;
        Some((self.0.name()?, self.0.value()?))
    }
}

/// A list, `[{"S":"…"},…]`.
#[derive(Debug, Clone, Copy)]
pub struct List<'a> {
    text: &'a str,
}

impl<'a> List<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The elements, in order.
    pub fn elements(&self) -> Elements<'a> {
        Elements(Scan::inside(self.text))
    }

    /// The element at that position, from 0.
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        self.elements().nth(index)
    }
}

/// The elements of a [`List`].
#[derive(Debug, Clone)]
pub struct Elements<'a>(Scan<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.element()?;
        self.0.value()
    }
}

/// A set of texts, or of binary values as base64 text.
#[derive(Debug, Clone, Copy)]
pub struct TextSet<'a> {
    text: &'a str,
}

impl<'a> TextSet<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The members, in the order of the line.
    pub fn iter(&self) -> Texts<'a> {
        Texts(Scan::inside(self.text))
    }
}

impl<'a> IntoIterator for &TextSet<'a> {
    type Item = Text<'a>;
    type IntoIter = Texts<'a>;

    fn into_iter(self) -> Texts<'a> {
        self.iter()
    }
}

/// The members of a [`TextSet`].
#[derive(Debug, Clone)]
pub struct Texts<'a>(Scan<'a>);

impl<'a> Iterator for Texts<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.element()?;
        self.0.string()
    }
}

/// A set of numbers, as the text they have in the line.
#[derive(Debug, Clone, Copy)]
pub struct NumberSet<'a> {
    text: &'a str,
}

impl<'a> NumberSet<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The members, in the order of the line.
    pub fn iter(&self) -> Numbers<'a> {
        Numbers(Scan::inside(self.text))
    }
}

impl<'a> IntoIterator for &NumberSet<'a> {
    type Item = &'a str;
    type IntoIter = Numbers<'a>;

    fn into_iter(self) -> Numbers<'a> {
        self.iter()
    }
}

/// The members of a [`NumberSet`].
#[derive(Debug, Clone)]
pub struct Numbers<'a>(Scan<'a>);

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.element()?;
        Some(self.0.string()?.raw())
    }
}
