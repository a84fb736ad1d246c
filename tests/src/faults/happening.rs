//! What can happen to an export in a trial, and how often it did: a suite in which a kind of fault
//! never happens proves nothing about it. It must not know who makes it happen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Whose requests a proxy handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The table's.
    DynamoDb,
    /// The lake's.
    S3,
}

/// What a proxy does to a request or its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused as too much: `ProvisionedThroughputExceededException`, `ThrottlingException`, `SlowDown`.
    Throttled,
    /// Answered by 500.
    Failed,
    /// Answered by 503.
    Unavailable,
    /// The connection drops before the service sees the request.
    RequestLost,
    /// The service sees half of the request's body, and then the connection drops on both sides.
    RequestCut,
    /// The service does what it is asked, and the connection drops before its answer.
    AnswerLost,
    /// The connection drops in the middle of the answer's body.
    AnswerCut,
    /// One bit of the answer's body is another, where a checksum protects it.
    BitFlipped,
    /// The request waits.
    Delayed,
    /// No fault: a page of a scan without items, which is no end.
    PageEmpty,
}

/// What happens in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// A proxy did this.
    Fault(Service, Fault),
    /// The function's process was killed at a random moment.
    Killed,
    /// It was killed because its time was over.
    TimedOut,
    /// Two attempts at one task ran at once.
    Overlapped,
    /// A part was uploaded in several pieces.
    UploadedInPieces,
    /// A conditional put found another attempt's object.
    RaceLost,
    /// The function stopped before its deadline, and was called again.
    Resumed,
    /// The function failed by a name that the state machine tries again.
    Retried,
    /// More often than the state machine does: the execution was redriven.
    Redriven,
}

impl Happening {
    /// All that has to happen in a suite. Redrives may: they take more bad luck than a few seeds have.
    pub fn needed() -> Vec<Self> {
        use Fault::{
            AnswerCut, AnswerLost, BitFlipped, Delayed, Failed, PageEmpty, RequestCut, RequestLost,
            Throttled, Unavailable,
        };
        let of_both = [
            Throttled,
            Failed,
            Unavailable,
            RequestLost,
            RequestCut,
            AnswerLost,
            AnswerCut,
            BitFlipped,
            Delayed,
        ];
        let mut all = vec![Self::Fault(Service::DynamoDb, PageEmpty)];
        for fault in of_both {
            all.push(Self::Fault(Service::DynamoDb, fault));
            all.push(Self::Fault(Service::S3, fault));
        }
        all.extend([
            Self::Killed,
            Self::TimedOut,
            Self::Overlapped,
            Self::UploadedInPieces,
            Self::RaceLost,
            Self::Resumed,
            Self::Retried,
        ]);
        all
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(service, fault) => write!(f, "{service:?} {fault:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// How often what happened.
#[derive(Debug, Default)]
pub struct Happenings {
    counts: Mutex<BTreeMap<Happening, u64>>,
}

impl Happenings {
    /// Notes that it happened.
    pub fn note(&self, happening: Happening) {
        self.add(happening, 1);
    }

    /// Adds what happened elsewhere.
    pub fn add_all(&self, other: &Self) {
        for (happening, count) in other.counts() {
            self.add(happening, count);
        }
    }

    fn add(&self, happening: Happening, count: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(happening).or_default() += count;
    }

    /// The counts.
    pub fn counts(&self) -> BTreeMap<Happening, u64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }

    /// What should have happened and did not.
    pub fn missing(&self) -> Vec<Happening> {
        let counts = self.counts();
        let mut needed = Happening::needed();
        needed.retain(|happening| !counts.contains_key(happening));
        needed
    }
}
