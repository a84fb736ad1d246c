//! The body of a `Scan` answer between the connection and the SDK: the bytes go to the checksum and
//! to the parser of items, and the SDK gets the rest. Any mistake in an answer becomes an error of
//! its body, which the SDK treats like a broken connection: it retries.

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

/// An answer that differs from what DynamoDB sent.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("the answer is encoded as {encoding}, which was not requested")]
    Encoding { encoding: String },
    #[error("the answer's checksum is {computed}, and x-amz-crc32 is {expected}")]
    Checksum { expected: String, computed: u32 },
    #[error("the answer is not a page of items")]
    Body(#[from] BodyError),
    #[error("the answer belongs to an abandoned attempt")]
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
            checksum: checksum.map(|expected| (expected, crc32fast::Hasher::new())),
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
        if let Some((expected, hasher)) = self.checksum.take() {
            let computed = hasher.finalize();
            if expected.parse() != Ok(computed) {
                return Err(AnswerError::Checksum { expected, computed });
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
