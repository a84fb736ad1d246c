//! Faults on demand: their kinds, the resources that they hit, and how often.
//!
//! They are set with `--faults FILE`, or with `PUT /faults` while the server runs. The code that
//! runs a job or an endpoint asks here whether a fault strikes, and carries it out.

use crate::error::Error;
use crate::protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of fault.
    #[serde(flatten)]
    pub kind: Kind,
    /// A part of the name of the resources that it hits. Without it, the fault hits every resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often it strikes. Without it, it strikes until it is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// The kinds of fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "fault",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Kind {
    /// The operation is refused, and not performed.
    Refuse {
        /// Such as `CreateTrainingJob`, or `InvokeEndpoint`.
        operation: String,
        /// The error's code.
        #[serde(default = "throttling")]
        code: String,
        /// The error's message.
        #[serde(default = "rate_exceeded")]
        message: String,
    },
    /// The operation is performed, but answered with an internal failure.
    Lose {
        /// Such as `CreateTrainingJob`.
        operation: String,
    },
    /// A training job, or an endpoint that is created or updated, gets no instance.
    Capacity {},
    /// An update of an endpoint ends in service on the old configuration, without a reason.
    Rollback {},
    /// A CloudWatch alarm is in state ALARM.
    Alarm {
        /// The alarm's full name.
        alarm: String,
    },
    /// A training program is frozen when it starts, and does not react to SIGTERM.
    Hang {},
    /// A serving program is frozen when it starts, so that it never answers `/ping`.
    NoPing {},
    /// Describe, and Create where it refers to other resources, see old records. Lists do not.
    Stale {
        /// The age of the records in seconds.
        seconds: f64,
    },
    /// The instance of a managed spot training job is interrupted.
    Interrupt {
        /// The time from the program's start to the interruption.
        #[serde(default)]
        after_seconds: f64,
    },
}

fn throttling() -> String {
    "ThrottlingException".to_owned()
}

fn rate_exceeded() -> String {
    "Rate exceeded".to_owned()
}

#[derive(Debug, Clone, Serialize)]
pub struct Armed {
    #[serde(flatten)]
    fault: Fault,
    struck: u32,
}

/// The faults of a server.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Armed>>);

impl Faults {
    /// Reads a JSON file with a list of faults.
    pub fn read(path: &Path) -> Result<Vec<Fault>, Error> {
        let text = std::fs::read(path).map_err(|source| Error::State {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| Error::Faults {
            path: path.to_owned(),
            source,
        })
    }

    /// Replaces all faults. None of the new ones has struck yet.
    pub fn set(&self, faults: Vec<Fault>) {
        let armed = faults.into_iter().map(|fault| Armed { fault, struck: 0 });
        *self.lock() = armed.collect();
    }

    /// The faults as `GET /faults` shows them.
    pub fn list(&self) -> Vec<Armed> {
        self.lock().clone()
    }

    /// Strikes with the first fault of this kind for `name`, if there is one, and counts it.
    pub fn strike<T>(&self, name: &str, of_kind: impl Fn(&Kind) -> Option<T>) -> Option<T> {
        let mut all = self.lock();
        let found = all.iter_mut().find_map(|armed| {
            let applies = armed.fault.is_about(name) && !armed.is_spent();
            let what = of_kind(&armed.fault.kind).filter(|_| applies)?;
            armed.struck += 1;
            Some((what, armed.fault.kind.clone()))
        });
        found.map(|(what, kind)| {
            tracing::info!(name, ?kind, "a fault strikes");
            what
        })
    }

    /// The refusal of this call, if a fault demands one.
    pub fn refusal(&self, called: &str, name: &str) -> Result<(), Refusal> {
        let refusal = self.strike(name, |kind| match kind {
            Kind::Refuse {
                operation,
                code,
                message,
            } if operation == called => Some(Refusal::new(code.clone(), message.clone())),
            _ => None,
        });
        refusal.map_or(Ok(()), Err)
    }

    /// The failure that replaces a call's answer, if a fault demands one.
    pub fn loss(&self, called: &str, name: &str) -> Result<(), Refusal> {
        let lost = self.strike(name, |kind| {
            matches!(kind, Kind::Lose { operation } if operation == called).then_some(())
        });
        let message = "the answer is lost because a fault of kind lose is set";
        lost.map_or(Ok(()), |()| Err(Refusal::internal(message)))
    }

    /// Whether a fault of exactly this kind strikes.
    pub fn strikes(&self, name: &str, expected: &Kind) -> bool {
        let found = self.strike(name, |kind| (kind == expected).then_some(()));
        found.is_some()
    }

    /// The time from the start of a spot instance to its interruption, if a fault demands one.
    pub fn interruption(&self, name: &str) -> Option<Duration> {
        self.strike(name, |kind| match kind {
            Kind::Interrupt { after_seconds } => {
                Some(Duration::try_from_secs_f64(*after_seconds).unwrap_or_default())
            }
            _ => None,
        })
    }

    /// The age in seconds of the records that Describe shows of `name`.
    pub fn lag(&self, name: &str) -> f64 {
        let all = self.lock();
        let seconds = all.iter().filter_map(|armed| match armed.fault.kind {
            Kind::Stale { seconds } if armed.fault.is_about(name) => Some(seconds),
            _ => None,
        });
        seconds.fold(0.0, f64::max)
    }

    /// The first of these alarms that is in state ALARM.
    pub fn alarm<'a>(&self, alarms: &'a [String]) -> Option<&'a String> {
        let all = self.lock();
        alarms.iter().find(|name| {
            all.iter()
                .any(|armed| matches!(&armed.fault.kind, Kind::Alarm { alarm } if alarm == *name))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn is_about(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|part| name.contains(part))
    }
}

impl Armed {
    fn is_spent(&self) -> bool {
        self.fault.times.is_some_and(|times| self.struck >= times)
    }
}

/// The name of the resource that a request is about.
pub fn subject(request: &Value) -> &str {
    const NAMES: [&str; 10] = [
        "TrainingJobName",
        "HyperParameterTuningJobName",
        "TransformJobName",
        "EndpointName",
        "EndpointConfigName",
        "ModelPackageName",
        "ModelPackageGroupName",
        "ModelName",
        "ResourceId",
        "AlarmName",
    ];
    let mut names = NAMES.iter().filter_map(|name| request[*name].as_str());
    names.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(list: Value) -> Faults {
        let faults = Faults::default();
        faults.set(serde_json::from_value(list).unwrap());
        faults
    }

    #[test]
    fn a_fault_strikes_the_resources_it_names_the_given_number_of_times() {
        let faults = faults(json!([
            {"fault": "refuse", "operation": "CreateTrainingJob", "name": "job", "times": 2},
            {"fault": "capacity"},
        ]));
        assert!(faults.refusal("CreateTrainingJob", "other").is_ok());
        assert!(faults.refusal("CreateModel", "job-1").is_ok());
        for _ in 0..2 {
            let refusal = faults.refusal("CreateTrainingJob", "job-1").unwrap_err();
            assert_eq!(refusal.to_string(), "ThrottlingException: Rate exceeded");
        }
        assert!(faults.refusal("CreateTrainingJob", "job-1").is_ok());
        assert!((0..3).all(|_| faults.strikes("any", &Kind::Capacity {})));
        assert!(!faults.strikes("any", &Kind::Rollback {}));
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        for fault in [
            json!({"fault": "capcity"}),
            json!({"fault": "capacity", "tmes": 1}),
            json!({"fault": "refuse"}),
            json!({"fault": "stale", "seconds": "1"}),
        ] {
            let read: Result<Fault, _> = serde_json::from_value(fault.clone());
            assert!(read.is_err(), "{fault}");
        }
    }

    #[test]
    fn alarms_and_stale_records_last_until_they_are_replaced() {
        let faults = faults(json!([
            {"fault": "alarm", "alarm": "errors"},
            {"fault": "stale", "seconds": 2, "name": "e"},
        ]));
        let alarms = ["latency".to_owned(), "errors".to_owned()];
        assert_eq!(faults.alarm(&alarms), Some(&alarms[1]));
        assert_eq!(faults.alarm(&alarms[..1]), None);
        assert!((faults.lag("e") - 2.0).abs() < f64::EPSILON && faults.lag("f") < f64::EPSILON);
    }
}
