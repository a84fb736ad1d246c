//! Raw lines of which a few values are wanted, item by item. It must not know what the values are
//! for.

use crate::lines::Lines;
use crate::mark::{Mark, PathId};
use crate::{ItemError, Path, Step, Value};
use std::slice;

/// Raw lines, checked, and the values of some paths in each of them.
///
/// It gives what [`Paths::values`](crate::Paths::values) gives of every line by itself, several times
/// as fast where the lines are of one table: see [`Lines`]. Keep one for all lines of a table.
#[derive(Debug)]
pub struct Picker {
    lines: Lines,
    wanted: Vec<Wanted>,
    values: usize,
}

/// A value that is marked, or a list with elements that are wanted.
#[derive(Debug)]
struct Wanted {
    id: PathId,
    /// From the marked value on.
    steps: Vec<Step>,
    /// Where among the values it is asked for.
    places: Vec<usize>,
}

impl Picker {
    /// No lines. The paths keep their order, and may repeat.
    ///
    /// `None`: the paths lead into more different maps than can be told apart, over sixteen thousand.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Option<Self> {
        let mut lines = Lines::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut values = 0;
        for path in paths {
            let (id, steps) = lines.learn(path)?;
            let known = wanted
                .iter_mut()
                .find(|wanted| wanted.id == id && wanted.steps == steps);
            match known {
                Some(wanted) => wanted.places.push(values),
                None => wanted.push(Wanted {
                    id,
                    steps: steps.to_vec(),
                    places: vec![values],
                }),
            }
            values += 1;
        }
        Some(Self {
            lines,
            wanted,
            values,
        })
    }

    /// Forgets all lines.
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
    pub fn picked(&self) -> Picked<'_> {
        let marks = |wanted: &Wanted| self.lines.marks_of(wanted.id);
        Picked {
            text: self.lines.text(),
            start: 0,
            ends: self.lines.ends().iter(),
            wanted: self.wanted.iter().map(|one| (one, marks(one))).collect(),
            values: vec![None; self.values],
        }
    }
}

/// The lines of a [`Picker`], one after the other.
#[derive(Debug)]
pub struct Picked<'p> {
    text: &'p str,
    start: usize,
    ends: slice::Iter<'p, usize>,
    /// With the marks of the lines to come.
    wanted: Vec<(&'p Wanted, &'p [Mark])>,
    values: Vec<Option<Value<'p>>>,
}

impl<'p> Picked<'p> {
    /// The next line, without its line break, and its values, each at its path's position.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator could not lend its values"
    )]
    pub fn next(&mut self) -> Option<(&'p str, &[Option<Value<'p>>])> {
        let end = *self.ends.next()?;
        for (wanted, marks) in &mut self.wanted {
            let mut value = None;
            while let Some((mark, rest)) = marks.split_first()
                && !mark.starts_from(end)
            {
                // The first, should a name occur twice.
                if value.is_none() {
                    value = Path::follow(&wanted.steps, mark.value(self.text));
                }
                *marks = rest;
            }
            for &place in &wanted.places {
                self.values[place] = value;
            }
        }
        let line = &self.text[self.start..end - 1];
        self.start = end;
        Some((line, &self.values))
    }
}
