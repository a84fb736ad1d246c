//! S3 by s3s-fs, on a folder: objects, multipart uploads, conditional puts, checksums and
//! signatures.

use crate::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use hyper::body::Incoming;
use hyper::header::{ETAG, IF_MATCH};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

/// A server on a folder that goes away with it; it stops when dropped.
pub struct S3 {
    url: String,
    folder: TempDir,
    task: JoinHandle<()>,
}

impl S3 {
    /// Starts with these buckets.
    ///
    /// # Panics
    /// If there is no room for temporary files, or no port left.
    pub async fn start(buckets: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("temporary files can be made");
        for bucket in buckets {
            std::fs::create_dir(folder.path().join(bucket)).expect("a new folder");
        }
        let files = FileSystem::new(folder.path()).expect("the folder is there");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let task = tokio::spawn(accept(listener, builder.build()));
        Self {
            url: format!("http://{address}"),
            folder,
            task,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder below which `<bucket>/<key>` are files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    let conditional = Arc::new(RwLock::new(()));
    loop {
        let (socket, _) = listener.accept().await.expect("the port stays");
        tokio::spawn(serve(socket, service.clone(), conditional.clone()));
    }
}

/// Makes an answer an error.
fn refuse(answer: &mut Response<s3s::Body>, status: StatusCode, code: &str) {
    *answer.status_mut() = status;
    // What described the object's bytes does not describe the error's.
    answer.headers_mut().clear();
    *answer.body_mut() = s3s::Body::from(format!("<Error><Code>{code}</Code></Error>"));
}

async fn serve(socket: TcpStream, service: S3Service, conditional: Arc<RwLock<()>>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let (service, conditional) = (service.clone(), conditional.clone());
        async move {
            let is_conditional = *request.method() == Method::PUT
                && ["if-match", "if-none-match"]
                    .iter()
                    .any(|condition| request.headers().contains_key(*condition));
            let reads = *request.method() == Method::GET;
            let wanted = request.headers().get(IF_MATCH).cloned();
            let wanted = wanted.filter(|_| reads);
            let completes = *request.method() == Method::POST
                && request
                    .uri()
                    .query()
                    .is_some_and(|query| query.contains("uploadId="));
            // A task of its own: what S3 has begun it ends, whether the client waits or not.
            let carried_out = tokio::spawn(async move {
                // s3s-fs checks the object that exists and then writes, and reads a file's content
                // and its checksums one after the other: S3 does either atomically.
                let _writing = if is_conditional {
                    Some(conditional.write().await)
                } else {
                    None
                };
                let _reading = if reads {
                    Some(conditional.read().await)
                } else {
                    None
                };
                hyper::service::Service::call(&service, request).await
            });
            let mut answer = carried_out.await.expect("the emulator does not panic")?;
            // s3s-fs takes an upload that is complete for another user's; S3 knows it no more.
            if completes && answer.status() == StatusCode::FORBIDDEN {
                refuse(&mut answer, StatusCode::NOT_FOUND, "NoSuchUpload");
            }
            // s3s-fs reads the object whatever it was.
            let is_other = wanted.is_some_and(|wanted| answer.headers().get(ETAG) != Some(&wanted));
            if is_other && answer.status().is_success() {
                refuse(
                    &mut answer,
                    StatusCode::PRECONDITION_FAILED,
                    "PreconditionFailed",
                );
            }
            Ok::<_, s3s::HttpError>(answer)
        }
    });
    let connection = Builder::new(TokioExecutor::new());
    // A client that hangs up is no failure of the server.
    let _ = connection
        .serve_connection(TokioIo::new(socket), answer)
        .await;
}
