//! Events in a trial, with their counts: a suite in which a kind of fault never occurs proves
//! nothing about it.

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
pub enum Event {
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

impl Event {
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

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(service, fault) => write!(f, "{service:?} {fault:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// How often what happened.
#[derive(Debug, Default)]
pub struct EventCounts {
    counts: Mutex<BTreeMap<Event, u64>>,
}

impl EventCounts {
    /// Notes that it happened.
    pub fn note(&self, event: Event) {
        self.add(event, 1);
    }

    /// Adds what happened elsewhere.
    pub fn add_all(&self, other: &Self) {
        for (event, count) in other.counts() {
            self.add(event, count);
        }
    }

    fn add(&self, event: Event, count: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(event).or_default() += count;
    }

    /// The counts.
    pub fn counts(&self) -> BTreeMap<Event, u64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }

    /// What should have happened and did not.
    pub fn missing(&self) -> Vec<Event> {
        let counts = self.counts();
        let mut needed = Event::needed();
        needed.retain(|event| !counts.contains_key(event));
        needed
    }
}
