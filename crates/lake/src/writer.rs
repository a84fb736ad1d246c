//! Writes an object of unknown size in bounded memory: a small one with one put, a large one as a
//! multipart upload. It appears whole or not at all.

use crate::store::{ObjectStore, StoreError, Upload, discard};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Bytes of a piece: above S3's minimum, and small enough to hold one for every segment of a task.
pub const PIECE: usize = 6 * 1024 * 1024;

/// An object that is being written. The caller fills a buffer of its own and lets it be drained.
///
/// One piece is on its way while the caller fills the next: what it takes to be sent is bounded by
/// two pieces. It travels while this writer is polled: in any of its own waits, and beside the
/// caller's through [`ObjectWriter::poll_sending`].
pub struct ObjectWriter<'s, S: ObjectStore> {
    store: &'s S,
    key: String,
    upload: Option<S::Upload>,
    sending: Option<BoxFuture<'s, Sent<S::Upload>>>,
    failed: Option<StoreError>,
    /// The memory of a piece that has arrived: new memory costs more than what is copied into it.
    spare: Option<Vec<u8>>,
    bytes: u64,
}

/// The upload if it could be started, the result of sending the piece, and the piece.
type Sent<U> = (Option<U>, Result<(), StoreError>, Bytes);

async fn send<S: ObjectStore>(
    store: &S,
    key: String,
    upload: Option<S::Upload>,
    piece: Bytes,
) -> Sent<S::Upload> {
    let mut upload = match upload {
        Some(upload) => upload,
        None => match store.upload(&key).await {
            Ok(upload) => upload,
            Err(error) => return (None, Err(error), piece),
        },
    };
    let sent = upload.send(piece.clone()).await;
    (Some(upload), sent, piece)
}

impl<'s, S: ObjectStore> ObjectWriter<'s, S> {
    /// Begins an object.
    pub const fn new(store: &'s S, key: String) -> Self {
        Self {
            store,
            key,
            upload: None,
            sending: None,
            failed: None,
            spare: None,
            bytes: 0,
        }
    }

    /// The object's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Takes what `buffer` holds and empties it, once there is enough for a piece. Waits until the
    /// piece before has arrived.
    ///
    /// # Errors
    /// If the store fails, also with the piece before.
    pub async fn drain_full(&mut self, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
        if buffer.len() < PIECE {
            return Ok(());
        }
        self.settle().await?;
        // What filled one piece will fill another: it does not grow, and is not copied, on the way.
        let next = self.spare.take();
        let next = next.unwrap_or_else(|| Vec::with_capacity(buffer.capacity()));
        let piece = Bytes::from(std::mem::replace(buffer, next));
        self.bytes += piece.len() as u64;
        let (key, upload) = (self.key.clone(), self.upload.take());
        self.sending = Some(Box::pin(send(self.store, key, upload, piece)));
        poll_fn(|context| {
            self.poll_sending(context);
            Poll::Ready(())
        })
        .await;
        Ok(())
    }

    /// Lets the piece on its way move on, if there is one. Its failure shows in the next operation.
    pub fn poll_sending(&mut self, context: &mut Context<'_>) {
        if let Some(sending) = &mut self.sending
            && let Poll::Ready((upload, sent, piece)) = sending.as_mut().poll(context)
        {
            self.sending = None;
            self.upload = upload;
            self.failed = sent.err();
            // The sender may still hold the buffer; then the sender keeps it.
            self.spare = piece.is_unique().then(|| {
                let mut memory = Vec::from(piece);
                memory.clear();
                memory
            });
        }
    }

    /// Waits until no piece is on its way.
    async fn settle(&mut self) -> Result<(), StoreError> {
        poll_fn(|context| {
            self.poll_sending(context);
            if self.sending.is_some() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Makes the object appear, with `rest` at its end. Returns its bytes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn finish(mut self, rest: Vec<u8>) -> Result<u64, StoreError> {
        self.settle().await?;
        let bytes = self.bytes + rest.len() as u64;
        match self.upload {
            Some(mut upload) => {
                if !rest.is_empty() {
                    upload.send(Bytes::from(rest)).await?;
                }
                upload.complete().await?;
            }
            None => self.store.put(&self.key, Bytes::from(rest)).await?,
        }
        Ok(bytes)
    }

    /// Discards the object after a failure, which its caller reports; nothing appears under its
    /// key.
    pub async fn abandon(mut self) {
        // Whether the last piece arrived does not matter any more.
        let _ = self.settle().await;
        if let Some(upload) = self.upload {
            discard(upload, &self.key).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ByteStream, ObjectMeta, PutOutcome};
    use contract::{ErrorName, ServiceError};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// A store whose pieces arrive when they are let in, and the third not at all.
    struct Slow {
        door: Semaphore,
        begun: AtomicUsize,
    }

    struct SlowUpload<'s>(&'s Slow);

    impl Upload for SlowUpload<'_> {
        async fn send(&mut self, _: Bytes) -> Result<(), StoreError> {
            let piece = self.0.begun.fetch_add(1, Ordering::SeqCst);
            let permit = self.0.door.acquire().await.expect("the door stays");
            permit.forget();
            if piece < 2 { Ok(()) } else { Err(broken()) }
        }

        async fn complete(self) -> Result<(), StoreError> {
            Ok(())
        }

        async fn abort(self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn broken() -> StoreError {
        let error = ServiceError {
            name: ErrorName::ServiceUnavailable,
            service: "S3",
            operation: "UploadPart",
            subject: "k".to_owned(),
            code: "InternalError".to_owned(),
            message: "broken".to_owned(),
            source: None,
        };
        error.into()
    }

    struct Nothing;

    impl ByteStream for Nothing {
        async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
            Ok(None)
        }
    }

    impl<'s> ObjectStore for &'s Slow {
        type Upload = SlowUpload<'s>;

        fn bucket(&self) -> &'static str {
            "slow"
        }

        async fn get(&self, _: &str) -> Result<Bytes, StoreError> {
            Err(broken())
        }

        async fn stream(&self, _: &str) -> Result<impl ByteStream, StoreError> {
            Ok(Nothing)
        }

        async fn put(&self, _: &str, _: Bytes) -> Result<(), StoreError> {
            Err(broken())
        }

        async fn put_if_absent(&self, _: &str, _: Bytes) -> Result<PutOutcome, StoreError> {
            Err(broken())
        }

        async fn upload(&self, _: &str) -> Result<SlowUpload<'s>, StoreError> {
            Ok(SlowUpload(self))
        }

        async fn list(&self, _: &str) -> Result<Vec<ObjectMeta>, StoreError> {
            Err(broken())
        }

        async fn delete(&self, _: &str) -> Result<(), StoreError> {
            Err(broken())
        }
    }

    #[tokio::test]
    async fn one_piece_travels_while_the_next_is_filled_and_no_more() {
        let slow = Slow {
            door: Semaphore::new(0),
            begun: AtomicUsize::new(0),
        };
        let store = &slow;
        let mut writer = ObjectWriter::new(&store, "k".to_owned());
        let mut buffer = vec![0; PIECE];
        writer.drain_full(&mut buffer).await.unwrap();
        assert!(buffer.is_empty(), "the first piece is taken at once");
        assert_eq!(slow.begun.load(Ordering::SeqCst), 1, "and is on its way");
        buffer.resize(PIECE, 0);
        let mut drained = polled_once(writer.drain_full(&mut buffer)).await;
        assert!(drained.is_none(), "the second waits for the first");
        slow.door.add_permits(1);
        drained = polled_once(writer.drain_full(&mut buffer)).await;
        assert!(matches!(drained, Some(Ok(()))));
        assert_eq!(slow.begun.load(Ordering::SeqCst), 2);
        slow.door.add_permits(2);
        writer.settle().await.unwrap();
        let spare = writer.spare.as_ref();
        assert!(
            spare.is_some_and(|spare| spare.is_empty() && spare.capacity() >= PIECE),
            "the memory of what has arrived is filled again"
        );
        buffer.resize(PIECE, 0);
        writer.drain_full(&mut buffer).await.unwrap();
        let error = writer.finish(Vec::new()).await.unwrap_err();
        assert!(
            error.to_string().contains("broken"),
            "a piece's failure shows: {error}"
        );
    }

    /// Polls once.
    async fn polled_once<F: Future>(future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}
