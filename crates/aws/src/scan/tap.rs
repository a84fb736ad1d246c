//! Intercepts `Scan` answers between the SDK's HTTP client and its parser, and counts throttled
//! attempts.

use crate::classify::name_of;
use crate::scan::body::TappedBody;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::ErrorName;
use dynamodb_json::{BodyError, ScanBody};
use source::{PageBuffer, Throttles};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Reads the items of one `Scan` call into a buffer, over all attempts of the SDK.
#[derive(Debug, Clone)]
pub(super) struct Tap {
    // A std mutex: it is never held across an await.
    page: Arc<Mutex<Page>>,
    throttles: Throttles,
}

/// The result of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    /// The buffer holds all items of the last attempt's answer.
    pub(super) is_whole: bool,
    /// Attempts that were answered with a page, complete or not.
    pub(super) answers: u32,
}

/// A page belongs to an attempt: the items of an earlier one are discarded when the next begins.
#[derive(Debug)]
pub(super) struct Page {
    buffer: PageBuffer,
    body: ScanBody,
    attempt: u32,
    answers: u32,
    is_whole: bool,
}

impl Page {
    fn begin(&mut self) -> u32 {
        self.buffer.clear();
        self.body = ScanBody::new();
        self.is_whole = false;
        self.attempt += 1;
        self.attempt
    }

    /// Whether this is still the current attempt.
    pub(super) const fn is_at(&self, attempt: u32) -> bool {
        self.attempt == attempt
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        self.body.push(bytes, self.buffer.lines_mut())
    }

    /// Ends the body; returns what the SDK reads instead.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, BodyError> {
        let envelope = mem::take(&mut self.body).finish(self.buffer.lines_mut())?;
        self.is_whole = true;
        Ok(envelope)
    }
}

impl Tap {
    pub(super) fn new(buffer: PageBuffer, throttles: Throttles) -> Self {
        Self {
            page: Arc::new(Mutex::new(Page {
                buffer,
                body: ScanBody::new(),
                attempt: 0,
                answers: 0,
                is_whole: false,
            })),
            throttles,
        }
    }

    /// Returns the buffer to its owner.
    pub(super) fn give_back(self, buffer: &mut PageBuffer) -> Given {
        let mut page = lock(&self.page);
        mem::swap(&mut page.buffer, buffer);
        Given {
            is_whole: page.is_whole,
            answers: page.answers,
        }
    }
}

pub(super) fn lock(page: &Mutex<Page>) -> MutexGuard<'_, Page> {
    page.lock().unwrap_or_else(PoisonError::into_inner)
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Tap {
    fn name(&self) -> &'static str {
        "ScanTap"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempt = lock(&self.page).begin();
        let response = context.response_mut();
        // The SDK parses errors.
        if response.status().as_u16() == 200 {
            lock(&self.page).answers += 1;
            let headers = response.headers();
            let encoding = headers.get("content-encoding").map(str::to_owned);
            let checksum = headers.get("x-amz-crc32").map(str::to_owned);
            let body = mem::replace(response.body_mut(), SdkBody::taken());
            let body = TappedBody::new(body, self.page.clone(), attempt, encoding, checksum);
            *response.body_mut() = SdkBody::from_body_1_x(body);
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let refusal = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(|error| error.as_operation_error()?.downcast_ref::<ScanError>());
        if let (Some(refusal), Some(response)) = (refusal, context.response()) {
            let message = refusal.message().unwrap_or_default();
            let status = response.status().as_u16();
            if name_of(refusal.code(), message, status) == ErrorName::Throttled {
                self.throttles.add();
            }
        }
        Ok(())
    }
}
