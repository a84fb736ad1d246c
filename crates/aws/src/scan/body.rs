//! The body of a `Scan` answer on its way to the SDK: what arrives goes to the checksum and to the
//! reader of items, and the SDK gets what is left. All that is wrong with an answer becomes an error
//! of its body, which the SDK treats like a broken connection: it tries again.

use crate::scan::tap::{Page, lock};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use dynamodb_json::BodyError;
use http_body::{Body, Frame};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

type BoxError = Box<dyn Error + Send + Sync>;

/// An answer that is not what DynamoDB sent.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("the answer is encoded as {encoding}, which was not asked for")]
    Encoding { encoding: String },
    #[error("the answer's checksum is {computed}, and x-amz-crc32 says {said}")]
    Checksum { said: String, computed: u32 },
    #[error("the answer is no page of items")]
    Body(#[from] BodyError),
    #[error("the answer belongs to an attempt that was given up")]
    GivenUp,
}

pub(super) struct TappedBody {
    inner: SdkBody,
    page: Arc<Mutex<Page>>,
    attempt: u32,
    encoding: Option<String>,
    checksum: Option<(String, crc32fast::Hasher)>,
    is_done: bool,
}

impl TappedBody {
    pub(super) fn new(
        inner: SdkBody,
        page: Arc<Mutex<Page>>,
        attempt: u32,
        encoding: Option<String>,
        checksum: Option<String>,
    ) -> Self {
        Self {
            inner,
            page,
            attempt,
            encoding: encoding.filter(|encoding| encoding != "identity"),
            checksum: checksum.map(|said| (said, crc32fast::Hasher::new())),
            is_done: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), AnswerError> {
        if let Some(encoding) = self.encoding.take() {
            return Err(AnswerError::Encoding { encoding });
        }
        if let Some((_, hasher)) = &mut self.checksum {
            hasher.update(bytes);
        }
        let mut page = lock(&self.page);
        if !page.is_at(self.attempt) {
            return Err(AnswerError::GivenUp);
        }
        Ok(page.push(bytes)?)
    }

    fn end(&mut self) -> Result<Bytes, AnswerError> {
        if let Some((said, hasher)) = self.checksum.take() {
            let computed = hasher.finalize();
            if said.parse() != Ok(computed) {
                return Err(AnswerError::Checksum { said, computed });
            }
        }
        let mut page = lock(&self.page);
        if !page.is_at(self.attempt) {
            return Err(AnswerError::GivenUp);
        }
        Ok(page.end()?.into())
    }
}

impl Body for TappedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while !self.is_done {
            let error = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.data_ref().map(|data| self.take(data)) {
                    None | Some(Ok(())) => continue,
                    Some(Err(error)) => error.into(),
                },
                Some(Err(error)) => error,
                None => {
                    self.is_done = true;
                    let end = self.end().map(Frame::data).map_err(Into::into);
                    return Poll::Ready(Some(end));
                }
            };
            self.is_done = true;
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(None)
    }
}
