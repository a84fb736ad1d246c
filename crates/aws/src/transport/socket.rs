//! A TCP connection that is read through a buffer. It must not know what is read.

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::BufReader;
use tokio::net::TcpStream;

/// Bytes that are asked for at once: eight records of TLS.
const BUFFER: usize = 128 * 1024;

#[derive(Debug)]
pub(super) struct Socket(TokioIo<BufReader<TcpStream>>);

impl Socket {
    pub(super) fn new(stream: TokioIo<TcpStream>) -> Self {
        let buffered = BufReader::with_capacity(BUFFER, stream.into_inner());
        Self(TokioIo::new(buffered))
    }

    fn buffered(self: Pin<&mut Self>) -> Pin<&mut TokioIo<BufReader<TcpStream>>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl Connection for Socket {
    fn connected(&self) -> Connected {
        self.0.inner().get_ref().connected()
    }
}

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        self.buffered().poll_read(context, to)
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.buffered().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.buffered().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.buffered().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.buffered().poll_write_vectored(context, slices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn more_is_fetched_than_is_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let (stream, accepted) = tokio::join!(TcpStream::connect(to), listener.accept());
        let (stream, mut sender) = (stream.unwrap(), accepted.unwrap().0);
        sender.write_all(&[7; 10_000]).await.unwrap();
        while stream.peek(&mut [0; 10_000]).await.unwrap() < 10_000 {}
        let mut socket = TokioIo::new(Socket::new(TokioIo::new(stream)));
        assert_eq!(socket.read_u8().await.unwrap(), 7);
        assert_eq!(socket.inner().0.inner().buffer(), [7; 9_999]);
    }
}
