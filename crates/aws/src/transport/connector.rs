//! The SDK's requests over connections that are kept, and its answers' heads within a time limit. It must not
//! know what is trusted.

use super::Limits;
use super::socket::Socket;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use futures::TryFutureExt as _;
use hyper::Uri;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{
    CaptureConnection, Connect, HttpConnector as TcpConnector, capture_connection,
};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::time::Duration;
use tower::{Service as _, service_fn};

/// The time for it is over.
#[derive(Debug, thiserror::Error)]
#[error("HTTP {what} timeout occurred after {limit:?}")]
struct TimedOut {
    what: &'static str,
    limit: Duration,
}

/// Requests over connections by `tls`, or without it where that is asked for.
pub(super) fn connector(tls: ClientConfig, limits: Limits) -> SharedHttpConnector {
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let sockets = service_fn(move |uri: Uri| Box::pin(tcp.call(uri).map_ok(Socket::new)));
    let mut https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(sockets);
    let connections =
        service_fn(move |uri: Uri| Box::pin(within(limits.connect, "connect", https.call(uri))));
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connections);
    SharedHttpConnector::new(Connector {
        client,
        read: limits.read,
    })
}

#[derive(Debug)]
struct Connector<C> {
    client: Client<C, SdkBody>,
    read: Option<Duration>,
}

impl<C: Connect + Debug + Clone + Send + Sync + 'static> HttpConnector for Connector<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = within(self.read, "read", self.client.request(request));
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(connector_error)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK needs of a connection: to have it not used again.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let poison = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    let metadata = ConnectionMetadata::builder().proxied(false);
    Some(metadata.poison_fn(poison).build())
}

async fn within<T, E: Into<BoxError>>(
    limit: Option<Duration>,
    what: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    let Some(limit) = limit else {
        return work.await.map_err(Into::into);
    };
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(TimedOut { what, limit }.into()),
    }
}

/// What the SDK's own transport calls the error.
fn connector_error(error: BoxError) -> ConnectorError {
    let is_io = find::<io::Error>(&*error).is_some();
    let name: fn(BoxError) -> ConnectorError = match find::<hyper::Error>(&*error) {
        _ if find::<TimedOut>(&*error).is_some() => ConnectorError::timeout,
        Some(error) if error.is_timeout() => ConnectorError::timeout,
        Some(error) if error.is_user() => ConnectorError::user,
        Some(error) if error.is_closed() || error.is_canceled() || is_io => ConnectorError::io,
        Some(error) if error.is_incomplete_message() => {
            |error| ConnectorError::other(error, Some(ErrorKind::TransientError))
        }
        None if is_io || find::<ClientError>(&*error).is_some_and(ClientError::is_connect) => {
            ConnectorError::io
        }
        _ => |error| ConnectorError::other(error, None),
    };
    name(error)
}

fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}
