//! What every adapter of the object-store port must do; each adapter's tests call [`check`].

use crate::store::{
    ByteStream, ConditionalStore, CopyingUpload, ObjectStore, PagedStore, PutOutcome, StoreError,
    Swap, Upload,
};
use bytes::Bytes;

/// Runs the whole suite below `prefix`, which must be empty.
///
/// # Panics
/// With the first deviation found.
pub async fn check<S: ConditionalStore + PagedStore + Clone + 'static>(store: &S, prefix: &str) {
    missing_objects(store, prefix).await;
    puts_and_gets(store, prefix).await;
    conditional_puts(store, prefix).await;
    swaps(store, prefix).await;
    listings(store, prefix).await;
    pages(store, prefix).await;
    reads_as_listed(store, prefix).await;
    uploads(store, prefix).await;
}

/// Runs the suite of uploads that copy, below `prefix`, which must be empty.
///
/// # Panics
/// With the first deviation found.
pub async fn check_copies<S>(store: &S, prefix: &str)
where
    S: ObjectStore<Upload: CopyingUpload>,
{
    let minimum = S::Upload::MINIMUM_PIECE;
    let part = format!("{prefix}part/an object+with=odd&letters é");
    let piece = Bytes::from(vec![7_u8; minimum]);
    store.put(&part, piece.clone()).await.expect("put");
    let key = format!("{prefix}joined");
    let mut upload = store.upload(&key).await.expect("upload");
    let bytes = minimum as u64;
    upload.copy(&part, bytes).await.expect("a copy first");
    upload.send(piece).await.expect("a piece");
    upload.copy(&part, bytes).await.expect("a copy behind it");
    upload
        .send(Bytes::from_static(b"tail"))
        .await
        .expect("a tail");
    upload.complete().await.expect("complete");
    let whole = read_all(store, &key).await;
    assert_eq!(whole.len(), 3 * minimum + 4);
    assert_eq!(&whole[3 * minimum - 1..], b"\x07tail");
    let only = format!("{prefix}copied");
    let mut upload = store.upload(&only).await.expect("upload");
    upload
        .copy(&key, whole.len() as u64)
        .await
        .expect("a copy alone");
    upload.complete().await.expect("complete");
    assert!(read_all(store, &only).await == whole, "a copy is the same");
    let mut upload = store.upload(&only).await.expect("upload");
    let missing = format!("{prefix}missing");
    assert!(
        matches!(
            upload.copy(&missing, bytes).await,
            Err(StoreError::NotFound { .. })
        ),
        "a copy of nothing"
    );
    upload.abort().await.expect("abort");
    assert!(
        read_all(store, &only).await == whole,
        "the key stays as it was"
    );
}

async fn missing_objects<S: ObjectStore>(store: &S, prefix: &str) {
    let key = format!("{prefix}missing");
    assert!(
        matches!(store.get(&key).await, Err(StoreError::NotFound { .. })),
        "get of nothing"
    );
    assert!(
        matches!(
            store.stream(&key).await.map(drop),
            Err(StoreError::NotFound { .. })
        ),
        "stream of nothing"
    );
    store.delete(&key).await.expect("deleting nothing succeeds");
}

async fn puts_and_gets<S: ObjectStore>(store: &S, prefix: &str) {
    let key = format!("{prefix}put/an object+with=odd&letters é");
    store
        .put(&key, Bytes::from_static(b"first"))
        .await
        .expect("put");
    store
        .put(&key, Bytes::from_static(b"second"))
        .await
        .expect("put replaces");
    assert_eq!(store.get(&key).await.expect("get"), "second");
    assert_eq!(read_all(store, &key).await, b"second");
    let empty = format!("{prefix}put/empty");
    store
        .put(&empty, Bytes::new())
        .await
        .expect("put of nothing");
    assert_eq!(store.get(&empty).await.expect("get"), "");
    store.delete(&key).await.expect("delete");
    assert!(
        matches!(store.get(&key).await, Err(StoreError::NotFound { .. })),
        "it is gone"
    );
}

async fn swaps<S: ConditionalStore + Clone + 'static>(store: &S, prefix: &str) {
    let key = format!("{prefix}swap");
    let versioned = async || store.get_versioned(&key).await.expect("get_versioned");
    assert_eq!(versioned().await, None, "a version of nothing");
    store
        .put(&key, Bytes::from_static(b"0"))
        .await
        .expect("put");
    let (body, first) = versioned().await.expect("it is there");
    assert_eq!(body, "0");
    // Each adds one to what it read, and starts again if it was too late: none is lost.
    let writers = (0..8).map(|_| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            loop {
                let read = store.get_versioned(&key).await.expect("get_versioned");
                let (body, version) = read.expect("it is there");
                let count: u32 = std::str::from_utf8(&body)
                    .expect("digits")
                    .parse()
                    .expect("a number");
                let next = Bytes::from((count + 1).to_string());
                let swap = store.put_if_unchanged(&key, next, &version).await;
                if swap.expect("a conditional replacement") == Swap::Replaced {
                    return;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer does not panic");
    }
    let (body, second) = versioned().await.expect("it is there");
    assert_eq!(body, "8");
    let late = Bytes::from_static(b"late");
    let swap = async |version| {
        let swap = store.put_if_unchanged(&key, late.clone(), version).await;
        swap.expect("a conditional replacement")
    };
    assert_eq!(swap(&first).await, Swap::Changed, "an earlier version");
    assert_eq!(store.get(&key).await.expect("get"), "8");
    store.delete(&key).await.expect("delete");
    assert_eq!(
        swap(&second).await,
        Swap::Changed,
        "of an object that is gone"
    );
    assert_eq!(versioned().await, None, "nothing was written");
}

async fn conditional_puts<S: ObjectStore + Clone + 'static>(store: &S, prefix: &str) {
    let key = format!("{prefix}commit");
    let writers = (0..8).map(|writer| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            let body = Bytes::from(format!("writer {writer}"));
            (
                writer,
                store
                    .put_if_absent(&key, body)
                    .await
                    .expect("a conditional put"),
            )
        })
    });
    let mut winners = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        let (writer, outcome) = writer.await.expect("a writer does not panic");
        if outcome == PutOutcome::Created {
            winners.push(writer);
        }
    }
    assert_eq!(winners.len(), 1, "one writer wins");
    let body = store.get(&key).await.expect("get");
    assert_eq!(
        body,
        format!("writer {}", winners[0]),
        "the winner's object stands"
    );
}

async fn listings<S: ObjectStore>(store: &S, prefix: &str) {
    for name in ["list/b", "list/a/1", "list/a/2", "listed"] {
        let key = format!("{prefix}{name}");
        store
            .put(&key, Bytes::from_static(b"four"))
            .await
            .expect("put");
    }
    let listed = store.list(&format!("{prefix}list/")).await.expect("list");
    let keys: Vec<_> = listed
        .iter()
        .map(|o| o.key.strip_prefix(prefix).expect("prefix"))
        .collect();
    assert_eq!(keys, ["list/a/1", "list/a/2", "list/b"]);
    assert!(
        listed.iter().all(|object| object.size == 4),
        "sizes are bytes"
    );
}

/// Every key comes once, in the order of bytes, wherever a page begins.
async fn pages<S: PagedStore>(store: &S, prefix: &str) {
    let below = format!("{prefix}pages/");
    // In this order by their bytes.
    let names = ["A", "a b+c%", "a.jpg", "a/1", "a/2", "é", "😀"];
    for name in names.iter().rev() {
        let key = format!("{below}{name}");
        store
            .put(&key, Bytes::from_static(b"four"))
            .await
            .expect("put");
    }
    let behind = format!("{prefix}pages0");
    store
        .put(&behind, Bytes::from_static(b"four"))
        .await
        .expect("put");
    for most in [1, 3, 7, 1000] {
        let mut listed = Vec::new();
        loop {
            let after: Option<String> = listed.last().cloned();
            let page = store.list_page(&below, after.as_deref(), most).await;
            let page = page.expect("a page");
            assert!(page.objects.len() <= most as usize, "{most} at most");
            assert!(page.objects.iter().all(|object| object.size == 4));
            let is_over = !page.more || page.objects.is_empty();
            listed.extend(page.objects.into_iter().map(|object| object.key));
            if is_over {
                break;
            }
        }
        let of_names = names.map(|name| format!("{below}{name}"));
        assert_eq!(listed, of_names, "pages of {most}");
    }
    // From where no key is, and from the last one.
    for (after, first) in [("a!", Some("a.jpg")), ("a/", Some("a/1")), ("😀", None)] {
        let after = format!("{below}{after}");
        let page = store.list_page(&below, Some(&after), 1).await;
        let page = page.expect("a page");
        let first = first.map(|name| format!("{below}{name}"));
        let found = page.objects.into_iter().next().map(|object| object.key);
        assert_eq!(found, first, "after {after}");
    }
}

async fn reads_as_listed<S: ConditionalStore + PagedStore>(store: &S, prefix: &str) {
    let key = format!("{prefix}listed-as/it is+é");
    let put = async |body: &'static [u8]| {
        let put = store.put(&key, Bytes::from_static(body)).await;
        put.expect("put");
    };
    put(b"first").await;
    let page = store
        .list_page(&format!("{prefix}listed-as/"), None, 1000)
        .await;
    let page = page.expect("a page");
    let (_, version) = store
        .get_versioned(&key)
        .await
        .expect("get_versioned")
        .expect("it is there");
    // A store may list no entity tags; one that does lists those of the objects.
    let etag = page.objects[0].etag.clone().unwrap_or(version.0.clone());
    assert_eq!(etag, version.0, "the entity tag is the version's");
    let read = async || {
        let read = store.get_if_match(&key, &etag).await;
        read.expect("a conditional read")
    };
    assert_eq!(read().await.as_deref(), Some(b"first".as_slice()));
    for (from, expected) in [(0, "first"), (1, "irst"), (4, "t")] {
        let stream = store.stream_if_match(&key, &etag, from).await;
        let mut stream = stream.expect("a conditional read").expect("as listed");
        let mut read = Vec::new();
        while let Some(frame) = stream.next().await.expect("a frame") {
            read.extend_from_slice(&frame);
        }
        assert_eq!(read, expected.as_bytes(), "from {from}");
    }
    put(b"other").await;
    assert_eq!(read().await, None, "it was replaced");
    let stream = store.stream_if_match(&key, &etag, 1).await;
    assert!(
        stream.expect("a conditional read").is_none(),
        "it was replaced"
    );
    store.delete(&key).await.expect("delete");
    assert_eq!(read().await, None, "it is gone");
}

async fn uploads<S: ObjectStore>(store: &S, prefix: &str) {
    let key = format!("{prefix}upload");
    let piece = Bytes::from(vec![7_u8; S::Upload::MINIMUM_PIECE]);
    let mut upload = store.upload(&key).await.expect("upload");
    upload.send(piece.clone()).await.expect("a piece");
    assert!(
        matches!(store.get(&key).await, Err(StoreError::NotFound { .. })),
        "not there yet"
    );
    upload
        .send(Bytes::from_static(b"tail"))
        .await
        .expect("a short last piece");
    upload.complete().await.expect("complete");
    let whole = read_all(store, &key).await;
    assert_eq!(whole.len(), piece.len() + 4);
    assert_eq!(&whole[piece.len()..], b"tail");

    let small = format!("{prefix}upload-small");
    let mut upload = store.upload(&small).await.expect("upload");
    upload
        .send(Bytes::from_static(b"only"))
        .await
        .expect("a short piece");
    upload.complete().await.expect("complete");
    assert_eq!(store.get(&small).await.expect("get"), "only");

    let empty = format!("{prefix}upload-empty");
    store
        .upload(&empty)
        .await
        .expect("upload")
        .complete()
        .await
        .expect("complete");
    assert_eq!(store.get(&empty).await.expect("get"), "");

    let aborted = format!("{prefix}upload-aborted");
    let mut upload = store.upload(&aborted).await.expect("upload");
    upload.send(piece).await.expect("a piece");
    upload.abort().await.expect("abort");
    assert!(
        matches!(store.get(&aborted).await, Err(StoreError::NotFound { .. })),
        "never there"
    );
}

async fn read_all<S: ObjectStore>(store: &S, key: &str) -> Vec<u8> {
    let mut stream = store.stream(key).await.expect("stream");
    let mut whole = Vec::new();
    while let Some(frame) = stream.next().await.expect("frame") {
        whole.extend_from_slice(&frame);
    }
    whole
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn memory_conforms() {
        let store = crate::memory::MemoryStore::new();
        super::check(&store, "suite/").await;
        super::check_copies(&store, "copies/").await;
    }
}
