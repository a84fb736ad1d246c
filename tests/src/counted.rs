//! A proxy in front of an S3 server that counts the requests of each kind.

use crate::forward::{Forward, Look};
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, Uri};
use local_servers::s3::S3;
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests to S3 of one kind, by what they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `GetObject` of an object whose key has a folder of this name first.
    Get(&'static str),
    /// `ListObjectsV2`.
    List,
    /// All others.
    Other,
}

/// A proxy; it stops when dropped.
pub struct Counted {
    proxy: Forward,
    counting: Arc<Counting>,
}

impl Counted {
    /// Starts in front of an S3 server. Keys are counted by the first of these folders that they begin
    /// with.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(server: &S3, folders: &'static [&'static str]) -> Self {
        let counting = Arc::new(Counting {
            folder: server.folder().to_owned(),
            folders,
            counts: Mutex::default(),
        });
        Self {
            proxy: Forward::start(server.url(), counting.clone()).await,
            counting,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.proxy.url()
    }

    /// How many requests of this kind there were.
    pub fn count(&self, kind: Kind) -> u64 {
        let counts = &self.counting.counts;
        let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&kind).copied().unwrap_or_default()
    }
}

struct Counting {
    folder: PathBuf,
    folders: &'static [&'static str],
    counts: Mutex<BTreeMap<Kind, u64>>,
}

impl Look for Counting {
    fn request(&self, head: &Parts) {
        let kind = self.kind(&head.method, &head.uri);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(kind).or_default() += 1;
    }

    fn body(&self, head: &Parts, body: Bytes) -> Result<Bytes, Error> {
        if self.kind(&head.method, &head.uri) != Kind::List {
            return Ok(body);
        }
        let path = head.uri.path().trim_start_matches('/');
        let bucket = path.split('/').next().unwrap_or_default();
        self.with_entity_tags(bucket, &body)
    }
}

impl Counting {
    /// Requests for a bucket, `/bucket?list-type=2`, and for an object, `/bucket/key`.
    fn kind(&self, method: &Method, uri: &Uri) -> Kind {
        if *method != Method::GET {
            return Kind::Other;
        }
        let query = uri.query().unwrap_or_default();
        if query.contains("list-type=2") {
            return Kind::List;
        }
        let key = uri.path().trim_start_matches('/').split_once('/');
        let key = key.map_or("", |(_, key)| key);
        let is_object = query.is_empty() || query.starts_with("x-id=GetObject");
        let mut folders = self.folders.iter();
        let folder = folders.find(|folder| is_object && key.starts_with(**folder));
        folder.map_or(Kind::Other, |folder| Kind::Get(folder))
    }

    /// S3 lists entity tags, and the server leaves them out: the MD5 of each file.
    fn with_entity_tags(&self, bucket: &str, listing: &[u8]) -> Result<Bytes, Error> {
        let listing = std::str::from_utf8(listing).map_err(Error::other)?;
        let mut objects = listing.split("<Contents>");
        let mut whole = objects.next().unwrap_or_default().to_owned();
        for object in objects {
            let key = object
                .split_once("<Key>")
                .and_then(|(_, rest)| rest.split_once("</Key>"));
            let (key, _) = key.ok_or_else(|| Error::other("an object without a key"))?;
            let file = std::fs::read(self.folder.join(bucket).join(key))?;
            let digest = Md5::digest(&file);
            whole.push_str("<Contents><ETag>&quot;");
            for byte in digest {
                write!(whole, "{byte:02x}").map_err(Error::other)?;
            }
            whole.push_str("&quot;</ETag>");
            whole.push_str(object);
        }
        Ok(whole.into())
    }
}
