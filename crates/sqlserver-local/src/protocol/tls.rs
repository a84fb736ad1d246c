//! TLS: in TDS 7 its handshake travels in PRELOGIN packets and what follows does not; in TDS 8 it
//! comes first and the packets travel in it (MS-TDS 3.2.5.1, 3.3.5.1).

use super::packets::{self, Kind};
use crate::faults::Raw;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// The protocol's name in the handshake of TDS 8.
const ALPN: &[u8] = b"tds/8.0";

/// How the server encrypts, with the older and the newer protocol.
#[derive(Debug, Clone)]
pub struct Tls {
    inside: Arc<ServerConfig>,
    strict: Arc<ServerConfig>,
}

impl Tls {
    /// With a certificate's chain, the server's own first.
    pub fn new(
        chain: &[rustls::pki_types::CertificateDer<'static>],
        key: &PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = |versions: &[&'static rustls::SupportedProtocolVersion]| {
            ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(versions)?
                .with_no_client_auth()
                .with_single_cert(chain.to_vec(), key.clone_key())
        };
        // SQL Server offers TLS 1.3 with TDS 8 alone: a session ticket behind the handshake would
        // belong to neither of the two ways that records travel.
        let inside = config(&[&rustls::version::TLS12])?;
        let mut strict = config(rustls::ALL_VERSIONS)?;
        strict.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            inside: Arc::new(inside),
            strict: Arc::new(strict),
        })
    }

    /// Shakes hands inside PRELOGIN packets.
    pub fn inside(&self, socket: Raw) -> io::Result<Encrypted> {
        let connection = ServerConnection::new(Arc::clone(&self.inside));
        let mut stream = StreamOwned::new(
            connection.map_err(io::Error::other)?,
            Records {
                socket,
                in_packets: true,
                incoming: Vec::new(),
                outgoing: Vec::new(),
            },
        );
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        stream.sock.flush()?;
        stream.sock.in_packets = false;
        Ok(stream)
    }

    /// Shakes hands before any packet.
    pub fn strict(&self, socket: Raw) -> io::Result<Encrypted> {
        let connection = ServerConnection::new(Arc::clone(&self.strict));
        let mut stream = StreamOwned::new(
            connection.map_err(io::Error::other)?,
            Records {
                socket,
                in_packets: false,
                incoming: Vec::new(),
                outgoing: Vec::new(),
            },
        );
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

/// An encrypted connection.
pub type Encrypted = StreamOwned<ServerConnection, Records>;

/// TLS records on a socket, in PRELOGIN packets while the handshake lasts.
#[derive(Debug)]
pub struct Records {
    socket: Raw,
    in_packets: bool,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Records {
    pub fn socket(&self) -> &TcpStream {
        self.socket.socket()
    }
}

impl Read for Records {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.flush()?;
        if !self.in_packets {
            return self.socket.read(buffer);
        }
        if self.incoming.is_empty() {
            let (kind, _, content) = packets::read_packet(&mut self.socket)?;
            if kind != Kind::PreLogin {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a packet of {kind:?} inside a handshake"),
                ));
            }
            self.incoming = content;
        }
        let count = buffer.len().min(self.incoming.len());
        buffer[..count].copy_from_slice(&self.incoming[..count]);
        self.incoming.drain(..count);
        Ok(count)
    }
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.in_packets {
            self.outgoing.extend_from_slice(bytes);
            Ok(bytes.len())
        } else {
            self.socket.write(bytes)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.outgoing.is_empty() {
            let body = std::mem::take(&mut self.outgoing);
            let size = packets::DEFAULT_SIZE;
            packets::write_message(&mut self.socket, Kind::PreLogin, &body, size)?;
        }
        self.socket.flush()
    }
}

/// A connection, encrypted or not.
#[derive(Debug)]
pub enum Stream {
    Plain(Raw),
    Encrypted(Box<Encrypted>),
}

impl Stream {
    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket.socket(),
            Self::Encrypted(stream) => stream.sock.socket(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Encrypted(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Encrypted(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}
