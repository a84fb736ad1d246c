//! TLS in front of a PostgreSQL server whose build has none, so that its clients encrypt and verify
//! as they do on RDS.
//!
//! Source: the PostgreSQL documentation, "Message Flow", SSL Session Encryption.

use rustls::ServerConfig;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A client's request for TLS: its length, and the code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The listener. Dropping it ends it, and all its connections with it.
#[derive(Debug)]
pub struct TlsFront {
    accepting: JoinHandle<()>,
    port: u16,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl TlsFront {
    /// Listens on a free port of 127.0.0.1, in front of the server on `behind`.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(tls: ServerConfig, behind: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(acceptor.clone(), client, behind));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { accepting, port })
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Passes one connection on until either side ends it. Without TLS a client is refused, as RDS does
/// with `rds.force_ssl`.
async fn serve(acceptor: TlsAcceptor, mut client: TcpStream, behind: u16) -> std::io::Result<()> {
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    if request != SSL_REQUEST {
        return Ok(());
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(("127.0.0.1", behind)).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
