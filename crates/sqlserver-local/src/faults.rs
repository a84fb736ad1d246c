//! Faults that a test asks for: connections that are cut, answers that stall, errors.

use serde::Deserialize;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where in an answer a fault strikes, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// Before this byte: of the tokens, or, of a connection, of all that the server sends before the
    /// login.
    Byte(u64),
    /// Before this token: the columns are 0, the first row is 1.
    Token(u64),
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// The connection is cut.
    Cut(Place),
    /// The server sends nothing for a while.
    Stall {
        /// Where.
        at: Place,
        /// How long, in milliseconds in a file.
        #[serde(rename = "milliseconds", deserialize_with = "milliseconds")]
        duration: Duration,
    },
    /// The server reports an error.
    Error {
        /// Its number, such as 1205.
        number: u32,
        /// The rows that it sends before.
        #[serde(rename = "afterRows", default)]
        after_rows: u64,
    },
}

fn milliseconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum At {
    /// At a connection, before its login: handshakes included.
    Connection,
    /// At a login.
    Login,
    /// At a query whose text contains this one.
    Query(String),
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// When it strikes.
    pub at: At,
    /// What it does.
    pub effect: Effect,
    /// How many such occasions it lets pass.
    #[serde(default)]
    pub skip: u32,
    /// How often it strikes.
    #[serde(default = "once")]
    pub times: u32,
}

const fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that strikes once, at the first occasion.
    pub const fn once(at: At, effect: Effect) -> Self {
        Self {
            at,
            effect,
            skip: 0,
            times: 1,
        }
    }
}

/// An occasion for a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Occasion<'a> {
    Connection,
    Login,
    Query(&'a str),
}

/// The faults that are still to strike.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub fn set(&self, faults: Vec<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The effect of the fault that strikes now, if one does.
    pub fn strike(&self, occasion: Occasion<'_>) -> Option<Effect> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        faults.retain_mut(|fault| {
            let is_meant = match (&fault.at, occasion) {
                (At::Connection, Occasion::Connection) | (At::Login, Occasion::Login) => true,
                (At::Query(part), Occasion::Query(text)) => text.contains(part.as_str()),
                _ => false,
            };
            if struck.is_some() || !is_meant {
                return true;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                return true;
            }
            struck = Some(fault.effect);
            fault.times = fault.times.saturating_sub(1);
            fault.times > 0
        });
        struck
    }
}

/// A socket, whose first bytes may be all that it sends.
#[derive(Debug)]
pub struct Raw {
    socket: TcpStream,
    sent: u64,
    effect: Option<Effect>,
}

impl Raw {
    pub(crate) const fn new(socket: TcpStream, effect: Option<Effect>) -> Self {
        Self {
            socket,
            sent: 0,
            effect,
        }
    }

    pub(crate) const fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.effect {
            Some(Effect::Cut(Place::Byte(at))) if at < self.sent + bytes.len() as u64 => {
                let left = usize::try_from(at - self.sent).unwrap_or(0);
                self.socket.write_all(&bytes[..left])?;
                self.socket.shutdown(Shutdown::Both)?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(Effect::Stall {
                at: Place::Byte(at),
                duration,
            }) if at < self.sent + bytes.len() as u64 => {
                self.effect = None;
                std::thread::sleep(duration);
            }
            _ => {}
        }
        let count = self.socket.write(bytes)?;
        self.sent += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_at_its_occasion_as_often_as_it_says() {
        let faults = Faults::default();
        let effect = Effect::Cut(Place::Token(1));
        faults.set(vec![Fault {
            at: At::Query("FROM t".to_owned()),
            effect,
            skip: 1,
            times: 2,
        }]);
        let ask = |text| faults.strike(Occasion::Query(text));
        let struck: Vec<_> = ["a", "FROM t", "FROM t", "b", "FROM t", "FROM t"]
            .map(|text| ask(text).is_some())
            .into();
        assert_eq!(struck, [false, false, true, false, true, false]);
        assert_eq!(faults.left(), 0);
    }
}
