//! Events to lines.

use crate::names::Names;
use crate::rules::Rules;
use crate::writer::Writer;
use crate::{Reason, Refusal, RulesError};
use definition::Condition;

/// Outcome of an event that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is a line.
    Kept,
    /// A condition does not hold for it.
    Dropped,
}

/// Outcomes of the events of a record that was not refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that are lines.
    pub kept: u64,
    /// Events for which a condition does not hold.
    pub dropped: u64,
}

/// Turns events into raw lines. One for many events keeps its memory.
#[derive(Debug)]
pub struct Transform {
    rules: Rules,
    names: Names,
}

impl Transform {
    /// Prepares a transformation: the paths of attributes that each event must have (missing or null
    /// is refused), and the conditions that hold for the events that are kept, as in `dataset.where`.
    ///
    /// # Errors
    /// Names the path or the condition that cannot be used.
    pub fn new(required: &[String], conditions: &[Condition]) -> Result<Self, RulesError> {
        Ok(Self {
            rules: Rules::new(required, conditions)?,
            names: Names::default(),
        })
    }

    /// Appends the line of one event, a JSON object, and its line break to `line`. White space around
    /// the event is accepted.
    ///
    /// # Errors
    /// Says at which byte the event is none that becomes a line; `line` is then as it was.
    pub fn transform(&mut self, event: &[u8], line: &mut Vec<u8>) -> Result<Outcome, Refusal> {
        let before = line.len();
        let mut events = Writer::new(utf8(event)?);
        let outcome = self.next(&mut events, line)?;
        if let Err(refusal) = events.end() {
            line.truncate(before);
            return Err(refusal);
        }
        outcome.ok_or_else(|| empty(event))
    }

    /// Appends the lines of all events of a record: objects one after another, with white space or
    /// line breaks between them or nothing.
    ///
    /// # Errors
    /// Says at which byte the record is refused; all of it is, and `lines` is then as it was.
    pub fn record(&mut self, record: &[u8], lines: &mut Vec<u8>) -> Result<Counts, Refusal> {
        let before = lines.len();
        let counts = self.all(record, lines);
        if counts.is_err() {
            lines.truncate(before);
        }
        counts
    }

    fn all(&mut self, record: &[u8], lines: &mut Vec<u8>) -> Result<Counts, Refusal> {
        let mut counts = Counts::default();
        let mut events = Writer::new(utf8(record)?);
        while let Some(outcome) = self.next(&mut events, lines)? {
            match outcome {
                Outcome::Kept => counts.kept += 1,
                Outcome::Dropped => counts.dropped += 1,
            }
        }
        if counts == Counts::default() {
            return Err(empty(record));
        }
        Ok(counts)
    }

    /// The next event, if there is one. Nothing is appended unless it is kept.
    #[inline]
    fn next(
        &mut self,
        events: &mut Writer<'_>,
        lines: &mut Vec<u8>,
    ) -> Result<Option<Outcome>, Refusal> {
        let Some(offset) = events.begins() else {
            return Ok(None);
        };
        let before = lines.len();
        let written = events.write(lines, &mut self.names, &mut self.rules);
        let outcome = written.and_then(|()| {
            let outcome = self.rules.outcome(lines);
            outcome.map_err(|reason| Refusal { offset, reason })
        });
        if outcome != Ok(Outcome::Kept) {
            lines.truncate(before);
        }
        outcome.map(Some)
    }
}

const fn empty(record: &[u8]) -> Refusal {
    Refusal {
        offset: record.len(),
        reason: Reason::Empty,
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Refusal> {
    // The variant that says where is slower: it is asked only if there is something to say.
    simdutf8::basic::from_utf8(bytes).map_err(|_| Refusal {
        offset: simdutf8::compat::from_utf8(bytes)
            .err()
            .map_or(0, |error| error.valid_up_to()),
        reason: Reason::Utf8,
    })
}
