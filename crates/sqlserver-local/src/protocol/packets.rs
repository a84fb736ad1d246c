//! Packets: messages are cut into packets with a header of 8 bytes (MS-TDS 2.2.3).

use std::io::{self, Read, Write};

/// Bytes of a packet's header.
pub const HEADER: usize = 8;
/// The packet size of a connection before its login has agreed on another.
pub const DEFAULT_SIZE: usize = 4096;
/// The smallest and the largest packet size.
pub const SIZES: std::ops::RangeInclusive<usize> = 512..=32_767;
/// The most bytes of a request: more is a mistake of the client.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;
const END_OF_MESSAGE: u8 = 1;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A batch of SQL text.
    Batch,
    /// A call of a procedure.
    Rpc,
    /// An answer of the server.
    Answer,
    /// The request to stop the answer.
    Attention,
    /// A request about transactions.
    Transaction,
    /// The login.
    Login,
    /// The message before the login, and a TLS handshake of TDS 7.
    PreLogin,
    /// Any other, which this server does not serve.
    Other(u8),
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            1 => Self::Batch,
            3 => Self::Rpc,
            4 => Self::Answer,
            6 => Self::Attention,
            14 => Self::Transaction,
            16 => Self::Login,
            18 => Self::PreLogin,
            other => Self::Other(other),
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Batch => 1,
            Self::Rpc => 3,
            Self::Answer => 4,
            Self::Attention => 6,
            Self::Transaction => 14,
            Self::Login => 16,
            Self::PreLogin => 18,
            Self::Other(byte) => byte,
        }
    }
}

/// A whole message.
#[derive(Debug)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// Its packets' contents, joined.
    pub body: Vec<u8>,
}

fn malformed(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

/// Reads one packet: its kind, whether it ends its message, its content.
pub fn read_packet(from: &mut impl Read) -> io::Result<(Kind, bool, Vec<u8>)> {
    let mut header = [0; HEADER];
    from.read_exact(&mut header)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let Some(length) = length.checked_sub(HEADER) else {
        return Err(malformed(format!("a packet of {length} bytes")));
    };
    let mut content = vec![0; length];
    from.read_exact(&mut content)?;
    let ends = header[1] & END_OF_MESSAGE != 0;
    Ok((Kind::of(header[0]), ends, content))
}

/// Reads a message; none if the client closed the connection before it.
pub fn read_message(from: &mut impl Read) -> io::Result<Option<Message>> {
    let (kind, mut ends, mut body) = match read_packet(from) {
        Ok(packet) => packet,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    while !ends {
        let (next, ended, content) = read_packet(from)?;
        if next != kind {
            return Err(malformed(format!(
                "a packet of {next:?} inside a message of {kind:?}"
            )));
        }
        body.extend_from_slice(&content);
        if body.len() > LARGEST_REQUEST {
            return Err(malformed("a request of more than 16 MiB"));
        }
        ends = ended;
    }
    Ok(Some(Message { kind, body }))
}

/// The header of packet `number` of a message.
pub fn header(kind: Kind, ends: bool, content: usize, number: u8) -> [u8; HEADER] {
    let length = u16::try_from(content + HEADER).expect("no packet is larger than its size");
    let [high, low] = length.to_be_bytes();
    [kind.byte(), u8::from(ends), high, low, 0, 0, number, 0]
}

/// Writes a whole message.
pub fn write_message(to: &mut impl Write, kind: Kind, body: &[u8], size: usize) -> io::Result<()> {
    let mut contents = body.chunks(size - HEADER).peekable();
    let mut number = 1u8;
    if contents.peek().is_none() {
        to.write_all(&header(kind, true, 0, number))?;
    }
    while let Some(content) = contents.next() {
        let ends = contents.peek().is_none();
        to.write_all(&header(kind, ends, content.len(), number))?;
        to.write_all(content)?;
        number = number.wrapping_add(1);
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_its_packets() {
        for length in [0, 1, 503, 504, 505, 1008, 5000] {
            let body: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut written = Vec::new();
            write_message(&mut written, Kind::Batch, &body, 512).unwrap();
            let message = read_message(&mut written.as_slice()).unwrap().unwrap();
            assert_eq!((message.kind, message.body), (Kind::Batch, body));
        }
        assert!(read_message(&mut [].as_slice()).unwrap().is_none());
    }

    #[test]
    fn a_malformed_packet_is_refused() {
        let short = [1, 1, 0, 7, 0, 0, 1, 0];
        assert!(read_message(&mut short.as_slice()).is_err());
        let mut mixed = Vec::new();
        mixed.extend(header(Kind::Batch, false, 0, 1));
        mixed.extend(header(Kind::Rpc, true, 0, 2));
        assert!(read_message(&mut mixed.as_slice()).is_err());
    }
}
