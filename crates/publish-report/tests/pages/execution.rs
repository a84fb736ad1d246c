//! An execution as Step Functions tells of it, and the people who get notices.

use bytes::Bytes;
use contract::{ErrorName, ExecutionStatus, ServiceError};
use lake::executions::{
    DescribeExecution, ExecutionRecord, Failure, HistoryEvent, MapRunInfo, ReadHistory,
};
use lake::latest::Announcements;
use lake::notices::{Notice, SendNotices};
use lake::records::Latest;
use lake::{ByteStream, MemoryStore, ObjectMeta, ObjectStore, PutOutcome, StoreError};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

pub const ARN: &str =
    "arn:aws:states:eu-central-1:123456789012:execution:millrace-retrain:default-1730";

/// The steps of a whole run: the state, the seconds that it took, how often it was entered, and the
/// calls that failed.
pub const STEPS: [(&str, f64, u32, u32); 9] = [
    ("PlanExport", 1.2, 1, 0),
    ("ExportSegments", 340.0, 1, 0),
    ("PlanDataset", 12.0, 1, 1),
    ("MergeShards", 95.0, 1, 0),
    ("SealDataset", 3.0, 1, 0),
    ("StartTraining", 660.0, 12, 0),
    ("JudgeModel", 1.1, 1, 0),
    ("DeployEndpoint", 245.0, 9, 2),
    ("PublishReport", 2.0, 1, 0),
];

/// An execution that came to a step.
pub struct Recorded {
    pub status: ExecutionStatus,
    pub input: String,
    pub redrives: u32,
    pub failure: Option<Failure>,
    /// Why a child of its Distributed Map failed.
    pub child: Option<Failure>,
    /// How many of [`STEPS`] it entered.
    pub entered: usize,
    /// Whether its history may be read.
    pub has_history: bool,
}

impl Recorded {
    pub fn succeeded() -> Self {
        Self {
            status: ExecutionStatus::Succeeded,
            input: "{}".to_owned(),
            redrives: 0,
            failure: None,
            child: None,
            entered: STEPS.len(),
            has_history: true,
        }
    }

    /// One that failed in this step.
    pub fn failed(step: &str, error: &str, cause: &str) -> Self {
        let at = STEPS.iter().position(|(state, ..)| *state == step).unwrap();
        let cause = serde_json::json!({"errorType": error, "errorMessage": cause}).to_string();
        let error = error.to_owned();
        let failure = Failure { error, cause };
        let is_map = ["ExportSegments", "MergeShards"].contains(&step);
        let of_map = Failure {
            error: "States.ExceedToleratedFailureThreshold".to_owned(),
            cause: "The specified tolerated failure threshold was exceeded".to_owned(),
        };
        let (failure, child) = if is_map {
            (of_map, Some(failure))
        } else {
            (failure, None)
        };
        Self {
            status: ExecutionStatus::Failed,
            failure: Some(failure),
            child,
            entered: at + 1,
            ..Self::succeeded()
        }
    }

    fn began() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_mins(29_919_930)
    }

    fn ended(&self) -> SystemTime {
        let steps = STEPS.iter().take(self.entered);
        Self::began() + Duration::from_secs_f64(steps.map(|step| step.1).sum())
    }
}

impl DescribeExecution for Recorded {
    async fn execution(&self, arn: &str) -> Result<ExecutionRecord, ServiceError> {
        assert_eq!(arn, ARN);
        Ok(ExecutionRecord {
            status: self.status,
            start_time: "2026-11-20T17:30:00.123Z".to_owned(),
            stopped: self.status.has_failed().then(|| self.ended()),
            input: self.input.clone(),
            redrives: self.redrives,
            failure: self.failure.clone(),
        })
    }
}

impl ReadHistory for Recorded {
    async fn events_of(&self, _: &str) -> Result<Vec<HistoryEvent>, ServiceError> {
        if !self.has_history {
            return Err(denied("Step Functions", "GetExecutionHistory"));
        }
        let mut events = Vec::new();
        let mut add = |at: SystemTime, kind: &str, state: &str| {
            events.push(HistoryEvent {
                id: 0,
                at,
                kind: kind.to_owned(),
                state: (!state.is_empty()).then(|| state.to_owned()),
                output: None,
                failure: None,
            });
        };
        let mut at = Self::began();
        for (state, seconds, calls, failures) in &STEPS[..self.entered] {
            let is_map = ["ExportSegments", "MergeShards"].contains(state);
            let entered = if is_map {
                "MapStateEntered"
            } else {
                "TaskStateEntered"
            };
            for call in 0..*calls {
                let share = seconds * f64::from(call) / f64::from(*calls);
                add(at + Duration::from_secs_f64(share), entered, state);
                if call < *failures {
                    add(at + Duration::from_secs_f64(share), "TaskFailed", "");
                }
            }
            at += Duration::from_secs_f64(*seconds);
        }
        if self.status.has_failed() {
            add(at, "TaskFailed", "");
            add(at, "ExecutionFailed", "");
        }
        Ok(events)
    }

    async fn map_runs_of(&self, _: &str) -> Result<Vec<MapRunInfo>, ServiceError> {
        let run = |arn: &str, failed| MapRunInfo {
            arn: arn.to_owned(),
            started: Self::began(),
            running: false,
            total: 40,
            succeeded: 40 - failed,
            failed,
        };
        let failed = u64::from(self.child.is_some());
        Ok(match self.entered {
            0 | 1 => Vec::new(),
            2 | 3 => vec![run("export", failed)],
            _ => vec![run("export", 0), run("merge", failed)],
        })
    }

    async fn failure_of_a_child(&self, _: &str) -> Result<Option<Failure>, ServiceError> {
        Ok(self.child.clone())
    }
}

/// Nobody hears of new data.
pub struct NoBus;

impl Announcements for NoBus {
    async fn announce(&self, _: &Latest, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// The notices that were sent.
#[derive(Default)]
pub struct Mailbox {
    pub sent: Mutex<Vec<Notice>>,
    pub is_full: bool,
}

impl SendNotices for Mailbox {
    async fn send(&self, notice: &Notice) -> Result<(), ServiceError> {
        if self.is_full {
            return Err(ServiceError {
                name: ErrorName::Throttled,
                service: "SNS",
                operation: "Publish",
                subject: "a topic".to_owned(),
                code: "Throttled".to_owned(),
                message: "later".to_owned(),
                source: None,
            });
        }
        self.sent.lock().unwrap().push(notice.clone());
        Ok(())
    }
}

/// The refusal of a service.
pub fn denied(service: &'static str, operation: &'static str) -> ServiceError {
    ServiceError {
        name: ErrorName::AccessDenied,
        service,
        operation,
        subject: "millrace".to_owned(),
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
        source: None,
    }
}

/// A lake that nobody may use.
pub struct ClosedLake(pub MemoryStore);

fn closed<T>(operation: &'static str) -> Result<T, StoreError> {
    Err(StoreError::Service(Box::new(denied("S3", operation))))
}

impl ObjectStore for ClosedLake {
    type Upload = <MemoryStore as ObjectStore>::Upload;

    fn bucket(&self) -> &str {
        self.0.bucket()
    }

    async fn get(&self, _: &str) -> Result<Bytes, StoreError> {
        closed("GetObject")
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.0.stream(key).await
    }

    async fn put(&self, _: &str, _: Bytes) -> Result<(), StoreError> {
        closed("PutObject")
    }

    async fn put_if_absent(&self, _: &str, _: Bytes) -> Result<PutOutcome, StoreError> {
        closed("PutObject")
    }

    async fn upload(&self, _: &str) -> Result<Self::Upload, StoreError> {
        closed("CreateMultipartUpload")
    }

    async fn list(&self, _: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        closed("ListObjectsV2")
    }

    async fn delete(&self, _: &str) -> Result<(), StoreError> {
        closed("DeleteObject")
    }
}
