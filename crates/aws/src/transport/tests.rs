//! The transport against servers that answer by TLS or without, well or not at all; beside it the SDK's own,
//! which says what an error is called.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use super::*;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector as Sdk, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_types::byte_stream::ByteStream;
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How a server treats its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Answers each request with [`body`].
    Answers,
    /// Takes the connection, and neither a handshake nor anything else.
    Silent,
    /// Takes requests and never answers.
    Waits,
    /// Hangs up when a request came.
    HangsUp,
    /// Hangs up within the head of its answer.
    HangsUpInside,
    /// Answers what is no HTTP.
    Babbles,
    /// Is not there.
    Absent,
}

/// How long a silent server is waited for.
const LIMIT: Duration = Duration::from_millis(300);

/// More than the buffer holds, and no multiple of anything.
fn body() -> Vec<u8> {
    let numbers =
        (0_u32..250_007).flat_map(|number| number.wrapping_mul(0x9e37_79b9).to_le_bytes());
    numbers.collect()
}

struct Server {
    manner: Manner,
    url: String,
    made: CertifiedKey<KeyPair>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(manner: Manner, by_tls: bool) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = by_tls.then(|| TlsAcceptor::from(Arc::new(config)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if by_tls { "https" } else { "http" };
        let connections = Arc::new(AtomicUsize::new(0));
        if manner != Manner::Absent {
            tokio::spawn(accept(listener, acceptor, manner, connections.clone()));
        }
        Self {
            manner,
            url: format!("{scheme}://localhost:{port}/"),
            made,
            connections,
        }
    }

    fn request(&self) -> HttpRequest {
        HttpRequest::get(&self.url).unwrap()
    }

    fn settings(&self) -> HttpConnectorSettings {
        let limit = match self.manner {
            Manner::Silent | Manner::Waits => LIMIT,
            // However busy the machine is.
            _ => 100 * LIMIT,
        };
        let settings = HttpConnectorSettings::builder().connect_timeout(limit);
        settings.read_timeout(2 * limit).build()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.made.cert.der().clone()).unwrap();
        roots
    }

    fn ours(&self) -> SharedHttpConnector {
        self.connector_of(&trusting(self.roots()))
    }

    fn connector_of(&self, client: &SharedHttpClient) -> SharedHttpConnector {
        let components = RuntimeComponentsBuilder::for_tests().build().unwrap();
        client.http_connector(&self.settings(), &components)
    }

    fn sdks(&self) -> impl HttpConnector + use<> {
        let trusted = TrustStore::empty().with_pem_certificate(self.made.cert.pem());
        let trusted = TlsContext::builder().with_trust_store(trusted).build();
        Sdk::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(trusted.unwrap())
            .connector_settings(self.settings())
            .proxy_config(ProxyConfig::disabled())
            .build()
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    manner: Manner,
    connections: Arc<AtomicUsize>,
) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(treat(socket, acceptor.clone(), manner));
    }
}

async fn treat(socket: TcpStream, acceptor: Option<TlsAcceptor>, manner: Manner) {
    if manner == Manner::Silent {
        return keep(socket).await;
    }
    match acceptor {
        // Who does not trust the certificate hangs up.
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(socket).await {
                serve(stream, manner).await;
            }
        }
        None => serve(socket, manner).await,
    }
}

async fn keep<S>(stream: S) {
    std::future::pending::<()>().await;
    drop(stream);
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner) {
    let mut seen = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            return;
        }
        seen.push(byte[0]);
        if !seen.ends_with(b"\r\n\r\n") {
            continue;
        }
        seen.clear();
        let answer = match manner {
            Manner::Answers => {
                let body = body();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                [head.into_bytes(), body].concat()
            }
            Manner::HangsUpInside => b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
            Manner::Babbles => b"\x00\x01\x02\x03 to you\r\n\r\n".to_vec(),
            Manner::Waits | Manner::Silent | Manner::Absent => return keep(stream).await,
            Manner::HangsUp => Vec::new(),
        };
        // Records of all sizes.
        let mut rest = answer.as_slice();
        let mut size = 1;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            if stream.write_all(piece).await.is_err() {
                return;
            }
            (rest, size) = (behind, size * 3 % 50_021);
        }
        if stream.flush().await.is_err() || manner != Manner::Answers {
            return;
        }
    }
}

async fn answer(connector: &impl HttpConnector, request: HttpRequest) -> Vec<u8> {
    let answer = connector.call(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let body = ByteStream::new(answer.into_body());
    body.collect().await.unwrap().to_vec()
}

/// What an error is called, and which limit it is about.
fn called(error: &ConnectorError) -> String {
    let said = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    let said: Vec<_> = said.map(ToString::to_string).collect();
    let limit = said.iter().find(|said| said.contains("timeout occurred"));
    format!("{error} {:?} {limit:?}", error.as_other())
}

#[tokio::test]
async fn answers_arrive_as_they_were_sent_and_by_one_connection() {
    for by_tls in [true, false] {
        let server = Server::start(Manner::Answers, by_tls).await;
        let client = trusting(server.roots());
        for _ in 0..3 {
            // As the SDK does, for each call.
            let connector = server.connector_of(&client);
            assert!(
                answer(&connector, server.request()).await == body(),
                "{by_tls}"
            );
        }
        assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn an_error_is_called_what_the_sdks_transport_calls_it() {
    use Manner::{Absent, Babbles, HangsUp, HangsUpInside, Silent, Waits};
    let mut names = Vec::new();
    for by_tls in [true, false] {
        for manner in [Silent, Waits, HangsUp, HangsUpInside, Babbles, Absent] {
            let server = Server::start(manner, by_tls).await;
            let ours = server.ours().call(server.request()).await.unwrap_err();
            let sdks = server.sdks().call(server.request()).await.unwrap_err();
            assert_eq!(
                called(&ours),
                called(&sdks),
                "{manner:?} {by_tls}: {ours:?}"
            );
            names.push(called(&ours));
        }
    }
    names.sort();
    names.dedup();
    let all = [
        "io error None None",
        "other None None",
        "other Some(TransientError) None",
        r#"timeout None Some("HTTP connect timeout occurred after 300ms")"#,
        r#"timeout None Some("HTTP read timeout occurred after 600ms")"#,
    ];
    assert_eq!(names, all);
}

#[tokio::test]
async fn who_is_not_trusted_is_not_asked() {
    let server = Server::start(Manner::Answers, true).await;
    let other = Server::start(Manner::Answers, true).await;
    let ours = other.ours().call(server.request()).await.unwrap_err();
    let sdks = other.sdks().call(server.request()).await.unwrap_err();
    assert_eq!(called(&ours), called(&sdks));
    assert!(
        format!("{ours:?}").contains("InvalidCertificate"),
        "{ours:?}"
    );
}

#[tokio::test]
async fn a_connection_that_is_given_up_is_not_used_again() {
    let server = Server::start(Manner::Answers, true).await;
    let connector = server.ours();
    let capture = CaptureSmithyConnection::new();
    let mut request = server.request();
    request.add_extension(capture.clone());
    answer(&connector, request).await;
    capture.get().unwrap().poison();
    answer(&connector, server.request()).await;
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
}

#[test]
fn other_time_limits_have_other_connectors() {
    let client = trusting(RootCertStore::empty());
    let components = RuntimeComponentsBuilder::for_tests().build().unwrap();
    let with = |limit| {
        let settings = HttpConnectorSettings::builder().read_timeout(limit);
        format!(
            "{:?}",
            client.http_connector(&settings.build(), &components)
        )
    };
    assert_eq!(with(LIMIT), with(LIMIT));
    assert_ne!(with(LIMIT), with(2 * LIMIT));
}

#[test]
fn a_proxy_is_left_to_the_sdk() {
    let named = |name: &str, value: &str| names_a_proxy([(name.into(), value.into())]);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "all_proxy"] {
        assert!(named(name, "http://proxy:3128"), "{name}");
        assert!(!named(name, ""), "{name}");
    }
    assert!(!named("NO_PROXY", "localhost"));
}
