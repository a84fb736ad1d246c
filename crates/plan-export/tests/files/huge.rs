//! A file that is read in ranges: of 600 MiB, made as it is read.

use bytes::Bytes;
use lake::memory::MemoryUpload;
use lake::store::{ByteStream, ListPage, ObjectMeta, PutOutcome};
use lake::{MemoryStore, ObjectStore, PagedStore, StoreError};
use std::fmt::Write;

/// Bytes of a line: no range of the plan begins with a line.
pub const WIDTH: u64 = 61;
/// Lines of the file.
pub const LINES: u64 = 600 * 1024 * 1024 / WIDTH;

const KEY: &str = "orders/all.jsonl";
const ETAG: &str = "\"tag\"";

/// A bucket with the file, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Huge(MemoryStore);

/// The file from a byte on.
pub struct Made {
    next: u64,
    /// Bytes to leave out of the first line.
    skip: usize,
}

fn line(number: u64, out: &mut String) {
    let begin = out.len();
    write!(out, "{{\"id\": {number}, \"amount\": {}}}", number % 7).unwrap();
    let width = usize::try_from(WIDTH).unwrap();
    out.extend(std::iter::repeat_n(' ', begin + width - 1 - out.len()));
    out.push('\n');
}

impl ByteStream for Made {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut text = String::new();
        let end = (self.next + 1000).min(LINES);
        (self.next..end).for_each(|number| line(number, &mut text));
        self.next = end;
        let bytes = Bytes::from(text).slice(std::mem::take(&mut self.skip)..);
        Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl PagedStore for Huge {
    type Body = Made;

    fn other(&self, _: &str) -> Self {
        self.clone()
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        _: u32,
    ) -> Result<ListPage, StoreError> {
        let object = ObjectMeta {
            key: KEY.to_owned(),
            size: LINES * WIDTH,
            etag: Some(ETAG.to_owned()),
            modified: None,
        };
        let is_listed = KEY.starts_with(prefix) && after.is_none();
        Ok(ListPage {
            objects: Some(object).filter(|_| is_listed).into_iter().collect(),
            more: false,
        })
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        self.0.get_if_match(key, etag).await
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<Made>, StoreError> {
        assert_eq!((key, etag), (KEY, ETAG));
        Ok(Some(Made {
            next: from / WIDTH,
            skip: usize::try_from(from % WIDTH).unwrap(),
        }))
    }
}

impl ObjectStore for Huge {
    type Upload = MemoryUpload;

    fn bucket(&self) -> &str {
        self.0.bucket()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        self.0.get(key).await
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.0.stream(key).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.0.put(key, body).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        self.0.put_if_absent(key, body).await
    }

    async fn upload(&self, key: &str) -> Result<MemoryUpload, StoreError> {
        self.0.upload(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        self.0.list(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key).await
    }
}
