//! What every adapter of the object-store port must do; each adapter's tests call [`check`].

use crate::store::{
    ByteStream, ConditionalStore, ObjectStore, PutOutcome, StoreError, Swap, Upload,
};
use bytes::Bytes;

/// Runs the whole suite below `prefix`, which must be empty.
///
/// # Panics
/// With the first deviation found.
pub async fn check<S: ConditionalStore + Clone + 'static>(store: &S, prefix: &str) {
    missing_objects(store, prefix).await;
    puts_and_gets(store, prefix).await;
    conditional_puts(store, prefix).await;
    swaps(store, prefix).await;
    listings(store, prefix).await;
    uploads(store, prefix).await;
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
        super::check(&crate::memory::MemoryStore::new(), "suite/").await;
    }
}
