//! Takes the items out of the body of a `Scan` answer while it arrives, and leaves an answer
//! without items.

use crate::check::{Check, utf8};
use crate::{ItemError, Lines};
use std::mem;

/// A body that is no answer to `Scan`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// An item is not DynamoDB JSON.
    #[error("item {number} of the page, counted from 0")]
    Item {
        /// Items before it.
        number: usize,
        /// What is wrong with it, offsets counted from where it begins.
        source: ItemError,
    },
    /// The JSON around the items is malformed.
    #[error("the answer around the items")]
    Envelope(#[source] ItemError),
    /// The body ended too early.
    #[error("the body ends after {items} items, before the answer does")]
    CutShort {
        /// Whole items in it.
        items: usize,
    },
    /// The answer does not hold as many items as it says.
    #[error("the answer counts {said:?} items and holds {items}")]
    Count {
        /// What it says, if it says so.
        said: Option<u64>,
        /// What it holds.
        items: usize,
    },
}

/// Reads one body. What it adds to the lines counts only if [`ScanBody::finish`] says so.
#[derive(Debug, Default)]
pub struct ScanBody {
    state: State,
    /// What has begun and not arrived as a whole.
    pending: Vec<u8>,
    /// With fewer bytes than this there is no use in reading on.
    wait_for: usize,
    envelope: Vec<u8>,
    count: Option<u64>,
    items: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Begin,
    /// Inside `{`, before the answer's first member or its end.
    FirstMember,
    /// Before a member of the answer.
    Member,
    /// Before a member's comma, or the answer's end.
    MemberEnd,
    /// Inside `[`, before its first item or its end.
    FirstItem,
    /// Before an item.
    Item,
    /// Before an item's comma, or the end of all items.
    ItemEnd,
    End,
}

impl ScanBody {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, as many as there are.
    ///
    /// # Errors
    /// If this is no answer to `Scan`.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Lines) -> Result<(), BodyError> {
        const STEP: usize = 1024;
        let mut bytes = bytes;
        // What began in an earlier frame is read together with the beginning of this one, and all
        // else where it is.
        while !self.pending.is_empty() && !bytes.is_empty() {
            let carried = self.pending.len();
            let wanted = STEP.max(self.wait_for.saturating_sub(carried));
            let (more, rest) = bytes.split_at(wanted.min(bytes.len()));
            self.pending.extend_from_slice(more);
            if self.pending.len() < self.wait_for {
                return Ok(());
            }
            let pending = mem::take(&mut self.pending);
            let read = self.read(&pending, lines)?;
            self.pending = pending;
            if read >= carried {
                self.pending.clear();
                self.wait_for = 0;
                bytes = &bytes[read - carried..];
            } else {
                self.carry(read);
                bytes = rest;
            }
        }
        if self.pending.is_empty() {
            let read = self.read(bytes, lines)?;
            self.pending.extend_from_slice(&bytes[read..]);
            self.carry(0);
        }
        Ok(())
    }

    /// Keeps what is behind `read` until there is as much again: what is long is not read anew for
    /// every few bytes that come.
    fn carry(&mut self, read: usize) {
        self.pending.drain(..read);
        self.wait_for = self.pending.len() * 2;
    }

    /// Reads as far as the bytes go, and returns how far that is.
    fn read(&mut self, bytes: &[u8], lines: &mut Lines) -> Result<usize, BodyError> {
        let mut read = 0;
        loop {
            match self.step(bytes, read, lines) {
                Ok(Some(end)) => read = end,
                Ok(None) | Err(Stop::Wait) => return Ok(read),
                Err(Stop::Error(error)) => return Err(error),
            }
        }
    }

    /// Ends the body. Returns the answer as it came, with `[]` for its items.
    ///
    /// # Errors
    /// If the answer is not whole, or does not hold as many items as it says.
    pub fn finish(mut self, lines: &mut Lines) -> Result<Vec<u8>, BodyError> {
        let pending = mem::take(&mut self.pending);
        let read = self.read(&pending, lines)?;
        if self.state != State::End || read < pending.len() {
            return Err(BodyError::CutShort { items: self.items });
        }
        if self.count != u64::try_from(self.items).ok() {
            return Err(BodyError::Count {
                said: self.count,
                items: self.items,
            });
        }
        Ok(self.envelope)
    }

    /// Reads one thing from `at` on and returns its end; `None` if nothing is left.
    fn step(&mut self, bytes: &[u8], at: usize, lines: &mut Lines) -> Result<Option<usize>, Stop> {
        let mut check = Check::new(bytes);
        check.at = at;
        let Some(next) = check.peek() else {
            return Ok(if check.at > at { Some(check.at) } else { None });
        };
        let refused = |check: &Check<'_>, expected| Err(stop(check.expected(expected)));
        let (state, end) = match (self.state, next) {
            (State::Begin, b'{') => {
                self.envelope.push(next);
                (State::FirstMember, check.at + 1)
            }
            (State::Begin, _) => return refused(&check, "`{` of the answer"),
            (State::FirstMember, b'}') => {
                self.envelope.push(next);
                (State::End, check.at + 1)
            }
            (State::FirstMember | State::Member, _) => self.member(bytes, check.at)?,
            (State::MemberEnd, b',' | b'}') => {
                self.envelope.push(next);
                let state = if next == b',' {
                    State::Member
                } else {
                    State::End
                };
                (state, check.at + 1)
            }
            (State::MemberEnd, _) => return refused(&check, "`,` or `}` of the answer"),
            (State::FirstItem | State::ItemEnd, b']') => (State::MemberEnd, check.at + 1),
            (State::FirstItem | State::Item, _) => {
                let start = check.at;
                let end = lines.push_item(bytes, start).map_err(|error| {
                    if error.is_cut_short() {
                        return Stop::Wait;
                    }
                    Stop::Error(BodyError::Item {
                        number: self.items,
                        source: error.moved(|offset| offset - start),
                    })
                })?;
                self.items += 1;
                (State::ItemEnd, end)
            }
            (State::ItemEnd, b',') => (State::Item, check.at + 1),
            (State::ItemEnd, _) => return refused(&check, "`,` or `]` of the items"),
            (State::End, _) => return refused(&check, "the end of the answer"),
        };
        self.state = state;
        Ok(Some(end))
    }

    /// Reads a member of the answer; of the items only the beginning.
    fn member(&mut self, bytes: &[u8], at: usize) -> Result<(State, usize), Stop> {
        let mut check = Check::new(bytes);
        check.at = at;
        let name = check.string("a member of the answer").map_err(stop)?;
        check.token(b':', "`:`").map_err(stop)?;
        let next = check.peek().ok_or(Stop::Wait)?;
        if name == b"Items" && next == b'[' {
            self.envelope.extend_from_slice(b"\"Items\":[]");
            return Ok((State::FirstItem, check.at + 1));
        }
        let value = check.at;
        let end = any_value(&mut check)?;
        let text = utf8(&bytes[at..end]).map_err(|error| {
            let error = error.moved(|offset| offset + at);
            Stop::Error(BodyError::Envelope(error))
        })?;
        if name == b"Count" {
            self.count = text[value - at..].parse().ok();
        }
        self.envelope.extend_from_slice(text.as_bytes());
        Ok((State::MemberEnd, end))
    }
}

enum Stop {
    /// More bytes are needed.
    Wait,
    Error(BodyError),
}

fn stop(error: ItemError) -> Stop {
    if error.is_cut_short() {
        Stop::Wait
    } else {
        Stop::Error(BodyError::Envelope(error))
    }
}

/// Skips a JSON value of any kind. Finds only its end: the reader of the answer checks it.
fn any_value(check: &mut Check<'_>) -> Result<usize, Stop> {
    let mut depth = 0_usize;
    loop {
        match check.peek().ok_or(Stop::Wait)? {
            b'"' => {
                check.string("a string").map_err(stop)?;
            }
            b'{' | b'[' => {
                depth += 1;
                check.at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return Err(stop(check.expected("a value"))),
            b'}' | b']' => {
                depth -= 1;
                check.at += 1;
            }
            b',' | b':' => check.at += 1,
            _ => {
                let rest = &check.bytes[check.at..];
                let is_end =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b'"' | 0..=b' ');
                let length = rest.iter().position(is_end).ok_or(Stop::Wait)?;
                check.at += length.max(1);
            }
        }
        if depth == 0 {
            return Ok(check.at);
        }
    }
}
