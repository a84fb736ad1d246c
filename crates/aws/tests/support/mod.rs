//! An S3 server on loopback, on a folder that goes away with it.

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// The server; it stops when dropped.
pub struct S3Server {
    pub url: String,
    folder: TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl S3Server {
    /// Starts on a free port, with `buckets` made.
    pub async fn start(buckets: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for bucket in buckets {
            std::fs::create_dir(folder.path().join(bucket)).unwrap();
        }
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        // The credentials of `aws::local`.
        builder.set_auth(SimpleAuth::from_single(
            "ANOTREAL",
            "notrealrnrELgWzOk3IfjzDKtFBhDby",
        ));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(accept(listener, builder.build()));
        Self { url, folder, task }
    }

    /// The folder below which `<bucket>/<key>` are files.
    #[allow(dead_code, reason = "not every test looks at the files")]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    // s3s-fs checks whether the object exists and then writes it: S3 does both atomically.
    let conditional = Arc::new(Mutex::new(()));
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let (service, conditional) = (service.clone(), conditional.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let (service, conditional) = (service.clone(), conditional.clone());
                async move {
                    let is_conditional = *request.method() == Method::PUT
                        && request.headers().contains_key("if-none-match");
                    let _guard = if is_conditional {
                        Some(conditional.lock().await)
                    } else {
                        None
                    };
                    hyper::service::Service::call(&service, request).await
                }
            });
            let connection = Builder::new(TokioExecutor::new());
            // A client that hangs up is no failure of the server.
            let _ = connection
                .serve_connection(TokioIo::new(socket), answer)
                .await;
        });
    }
}
