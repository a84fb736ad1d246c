//! Reads one image, or its sidecar, as it was listed, at the task's pace.

use crate::pace::Pace;
use bytes::Bytes;
use contract::{ErrorName, ServiceError};
use lake::{ObjectMeta, PagedStore, StoreError};
use source::Throttles;
use std::time::Duration;

/// Attempts at one image when S3 asks to slow down, and the longest pause between them.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why an image that was listed could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It was replaced or removed after it was listed.
    Vanished,
    /// It lies in an archive, and must be restored first.
    Archived,
    /// The role may not read this one.
    Unreadable,
}

impl Absent {
    /// The reason of the quarantine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vanished => "Vanished",
            Self::Archived => "Archived",
            Self::Unreadable => "Unreadable",
        }
    }

    /// Whether a reason is one of these: the image may be readable the next time.
    pub fn is_reason(reason: &str) -> bool {
        [Self::Vanished, Self::Archived, Self::Unreadable]
            .iter()
            .any(|one| one.as_str() == reason)
    }
}

/// What reading an image gave.
#[derive(Debug)]
pub enum Fetched {
    /// Its bytes.
    Whole(Bytes),
    /// It cannot be read, for that reason; with the service's error if access was denied.
    Absent(Absent, Option<Box<ServiceError>>),
}

/// Reads an image, or another object that was listed, as it was listed.
pub async fn fetch<S: PagedStore>(
    bucket: &S,
    object: &ObjectMeta,
    pace: &Pace,
    throttles: &Throttles,
) -> Result<Fetched, ServiceError> {
    let etag = object.etag.as_deref().unwrap_or_default();
    let read = patiently(pace, throttles, || bucket.get_if_match(&object.key, etag)).await;
    let error = match read {
        Ok(Some(bytes)) => return Ok(Fetched::Whole(bytes)),
        Ok(None) | Err(StoreError::NotFound { .. }) => {
            return Ok(Fetched::Absent(Absent::Vanished, None));
        }
        Err(StoreError::Service(error)) => error,
    };
    match error.name {
        _ if error.code == "InvalidObjectState" => Ok(Fetched::Absent(Absent::Archived, None)),
        // Encrypted with a key of the uploader's (SSE-C), or with one that is disabled.
        _ if error.code == "InvalidRequest" || error.code.starts_with("KMS.Disabled") => {
            Ok(Fetched::Absent(Absent::Unreadable, Some(error)))
        }
        ErrorName::AccessDenied => Ok(Fetched::Absent(Absent::Unreadable, Some(error))),
        _ => Err(*error),
    }
}

/// Makes a request at the task's pace. Throttled attempts are counted, and tried again at a slower
/// one.
pub async fn patiently<T, F>(
    pace: &Pace,
    throttles: &Throttles,
    request: impl Fn() -> F + Send,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>> + Send,
{
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        pace.turn().await;
        match request().await {
            Err(StoreError::Service(error))
                if error.name == ErrorName::Throttled && attempt < ATTEMPTS =>
            {
                throttles.add();
                pace.throttled().await;
                tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                attempt += 1;
            }
            answer => {
                if answer.is_ok() {
                    pace.served().await;
                }
                return answer;
            }
        }
    }
}
