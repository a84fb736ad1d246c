//! TDS 8: TLS comes first, and every packet travels in it. Its client is written here byte by byte.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sqlserver_local::{Config, Server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn connect(server: &Server) -> Stream {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(server.authority().as_bytes());
    roots.add(authority.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"tds/8.0".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    StreamOwned::new(connection, socket)
}

/// Sends a message of one packet, and returns the content of the answer's only packet.
fn ask(stream: &mut Stream, kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len() + 8).unwrap().to_be_bytes();
    let mut packet = vec![kind, 1, high, low, 0, 0, 1, 0];
    packet.extend(body);
    stream.write_all(&packet).unwrap();
    let mut header = [0; 8];
    stream.read_exact(&mut header).unwrap();
    assert_eq!((header[0], header[1]), (4, 1), "an answer in one packet");
    let length = u16::from_be_bytes([header[2], header[3]]) - 8;
    let mut content = vec![0; length.into()];
    stream.read_exact(&mut content).unwrap();
    content
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A LOGIN7 of TDS 8.
fn login(user: &str, password: &str) -> Vec<u8> {
    const FIXED: usize = 94;
    let hidden = utf16(password).into_iter();
    let hidden: Vec<_> = hidden.map(|byte| byte.rotate_left(4) ^ 0xA5).collect();
    let mut body = vec![0; FIXED];
    body[4..8].copy_from_slice(&0x0800_0000_u32.to_le_bytes());
    for (place, text) in [(40, utf16(user)), (44, hidden)] {
        let at = u16::try_from(body.len()).unwrap().to_le_bytes();
        let units = u16::try_from(text.len() / 2).unwrap().to_le_bytes();
        body[place..place + 2].copy_from_slice(&at);
        body[place + 2..place + 4].copy_from_slice(&units);
        body.extend(text);
    }
    let length = u32::try_from(body.len()).unwrap();
    body[..4].copy_from_slice(&length.to_le_bytes());
    body
}

#[test]
fn tls_comes_before_every_packet() {
    let of = Config::default();
    let server = Server::start(&of).unwrap();
    let mut stream = connect(&server);
    // The encryption option alone, with what a client of TDS 8 writes there.
    let answer = ask(&mut stream, 18, &[1, 0, 6, 0, 1, 0xFF, 0]);
    assert_eq!(answer[0], 0, "the version comes first");
    assert_eq!(stream.conn.alpn_protocol(), Some(b"tds/8.0".as_slice()));

    let answer = ask(&mut stream, 16, &login(&of.user, &of.password));
    let accepted = [1, 8, 0, 0, 0];
    assert!(answer.windows(5).any(|it| it == accepted), "{answer:02X?}");

    let mut batch = vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0];
    batch.extend([0; 8]);
    batch.extend([1, 0, 0, 0]);
    batch.extend(utf16("SELECT 5"));
    let answer = ask(&mut stream, 1, &batch);
    // A column that is an int without NULL, and a row of it.
    let row = [0xD1, 5, 0, 0, 0];
    assert_eq!(answer[0], 0x81);
    assert!(answer.windows(5).any(|it| it == row), "{answer:02X?}");
}
