//! An answer on its way: tokens, cut into packets, ended early if a fault asks for it.

use super::packets::{HEADER, Kind, header};
use super::tls::Stream;
use crate::faults::{Effect, Place};
use std::io::{self, Write};

/// An answer that is being written.
#[derive(Debug)]
pub struct Response<'a> {
    stream: &'a mut Stream,
    packet_size: usize,
    buffer: Vec<u8>,
    number: u8,
    tokens: u64,
    bytes: u64,
    effect: Option<Effect>,
}

/// The connection was cut by a fault.
fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault")
}

impl<'a> Response<'a> {
    /// An answer, which a fault may end early.
    pub fn new(stream: &'a mut Stream, packet_size: usize, effect: Option<Effect>) -> Self {
        Self {
            stream,
            packet_size,
            buffer: Vec::with_capacity(packet_size),
            number: 1,
            tokens: 0,
            bytes: 0,
            effect,
        }
    }

    /// Writes a token.
    pub fn token(&mut self, token: &[u8]) -> io::Result<()> {
        let tokens = self.tokens;
        self.tokens += 1;
        match self.effect {
            Some(Effect::Cut(Place::Token(at))) if at == tokens => return self.cut(),
            Some(Effect::Cut(Place::Byte(at))) if at < self.bytes + token.len() as u64 => {
                let left = usize::try_from(at - self.bytes).unwrap_or(0);
                self.buffer.extend_from_slice(&token[..left]);
                return self.cut();
            }
            Some(Effect::Stall { at, duration }) => {
                let is_here = match at {
                    Place::Token(at) => at == tokens,
                    Place::Byte(at) => at < self.bytes + token.len() as u64,
                };
                if is_here {
                    self.effect = None;
                    self.send_all(false)?;
                    std::thread::sleep(duration);
                }
            }
            _ => {}
        }
        self.bytes += token.len() as u64;
        self.buffer.extend_from_slice(token);
        while self.buffer.len() > self.packet_size - HEADER {
            self.send(self.packet_size - HEADER, false)?;
        }
        Ok(())
    }

    /// Ends the message.
    pub fn end(mut self) -> io::Result<()> {
        self.send_all(true)?;
        if let Some(Effect::Cut(_)) = self.effect {
            // The answer was shorter than the fault's place: the connection ends behind it.
            self.stream.socket().shutdown(std::net::Shutdown::Both)?;
            return Err(cut());
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        self.send_all(false)?;
        self.stream.socket().shutdown(std::net::Shutdown::Both)?;
        Err(cut())
    }

    fn send_all(&mut self, ends: bool) -> io::Result<()> {
        if ends || !self.buffer.is_empty() {
            self.send(self.buffer.len(), ends)?;
        }
        self.stream.flush()
    }

    fn send(&mut self, count: usize, ends: bool) -> io::Result<()> {
        let mut packet = header(Kind::Answer, ends, count, self.number).to_vec();
        packet.extend(self.buffer.drain(..count));
        self.number = self.number.wrapping_add(1);
        self.stream.write_all(&packet)
    }
}
