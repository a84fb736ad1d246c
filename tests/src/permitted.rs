//! What each function asks of the lake, compared with what its role may do there. A local S3 permits
//! everything, so that a function whose role lacks a permission works in every other test.

use crate::forward::{Forward, Look};
use crate::infra::access::Access;
use crate::infra::policy::Decision;
use crate::{template, workspace};
use aws::s3::S3Store;
use hyper::Method;
use hyper::http::request::Parts;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// An action, and the key that it is of; none if it is of the bucket.
type Asked = (&'static str, Option<String>);

/// The lake as the functions see it: each through a proxy of its own.
pub struct Lakes {
    upstream: String,
    bucket: &'static str,
    functions: Mutex<BTreeMap<&'static str, Arc<Witness>>>,
}

/// The lake of one function.
pub struct Lake {
    /// The store, for as long as this is there.
    pub store: S3Store,
    _proxy: Forward,
}

impl Lakes {
    /// The bucket of the server at `upstream`, which is addressed by its path.
    pub fn new(upstream: &str, bucket: &'static str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            bucket,
            functions: Mutex::default(),
        }
    }

    /// The lake of this function.
    pub async fn of(&self, function: &'static str) -> Lake {
        let witness = {
            let mut functions = self
                .functions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            functions.entry(function).or_default().clone()
        };
        let proxy = Forward::start(&self.upstream, witness).await;
        let config = aws::local(proxy.url()).await;
        Lake {
            store: S3Store::new(&config, self.bucket),
            _proxy: proxy,
        }
    }

    /// What functions have asked for and their roles would be refused: a line for each.
    ///
    /// # Panics
    /// If a function that has asked for nothing is among them: then the test watches nothing.
    pub fn refused(&self) -> Vec<String> {
        let access = Access::new(&template::read(&workspace::text("infra/template.yaml")));
        let functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut refused = Vec::new();
        for (function, witness) in functions.iter() {
            let role = template::resource_name(function).replace("Function", "Role");
            let role = access.principal(&role);
            let asked = witness.0.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(!asked.is_empty(), "{function} has asked for nothing");
            for (action, key) in asked.iter() {
                if access.decide(role, action, key.as_deref(), true) != Decision::Allowed {
                    refused.push(format!("{function}: {action} of {key:?}"));
                }
            }
        }
        refused
    }
}

/// What a function has asked for.
#[derive(Default)]
struct Witness(Mutex<BTreeSet<Asked>>);

impl Look for Witness {
    fn request(&self, head: &Parts) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.extend(actions(head));
    }
}

/// The actions of a request, by "Required permissions for Amazon S3 API operations".
fn actions(head: &Parts) -> Vec<Asked> {
    let query = head.uri.query().unwrap_or_default();
    let path = head.uri.path().trim_start_matches('/');
    let (_, key) = path.split_once('/').unwrap_or((path, ""));
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    if key.is_empty() {
        return vec![("s3:ListBucket", None)];
    }
    let action = match head.method {
        Method::GET | Method::HEAD => "s3:GetObject",
        Method::DELETE if query.contains("uploadId=") => "s3:AbortMultipartUpload",
        Method::DELETE => "s3:DeleteObject",
        _ => "s3:PutObject",
    };
    let mut all = vec![(action, Some(key.into_owned()))];
    if let Some(source) = head.headers.get("x-amz-copy-source") {
        let source = source.to_str().unwrap_or_default().trim_start_matches('/');
        let source = percent_encoding::percent_decode_str(source).decode_utf8_lossy();
        let key = source.split_once('/').map(|(_, key)| key.to_owned());
        all.push(("s3:GetObject", key));
    }
    all
}
