//! Faults on demand: what is to go wrong, with which thing, and how often.
//!
//! They come by `--faults FILE` or by `/faults` while the server runs. It must not know how a fault is
//! brought about: whoever runs a job or an endpoint asks here.

use crate::error::Error;
use crate::protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Something that is to go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What happens.
    #[serde(flatten)]
    pub kind: Kind,
    /// With which thing: a part of its name; absent, with every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often; absent, for as long as the fault is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "fault",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Kind {
    /// The operation is refused and not performed.
    Refuse {
        /// Such as `CreateTrainingJob`, or `InvokeEndpoint`.
        operation: String,
        /// The error's code.
        #[serde(default = "throttling")]
        code: String,
        /// What is said.
        #[serde(default = "rate_exceeded")]
        message: String,
    },
    /// The operation is performed, and its answer is an internal failure.
    Lose {
        /// Such as `CreateTrainingJob`.
        operation: String,
    },
    /// A training job, or an endpoint on its way, finds no instance.
    Capacity {},
    /// An endpoint's update ends in service on the configuration before, without any reason.
    Rollback {},
    /// The CloudWatch alarm of this name is in alarm.
    Alarm {
        /// The alarm's name, in full.
        alarm: String,
    },
    /// A training program is frozen as soon as it runs, and heeds no SIGTERM.
    Hang {},
    /// A serving program is frozen as soon as it runs, so that `/ping` is never answered.
    NoPing {},
    /// What Describe and Create see of other things is as old as this; lists are not.
    Stale {
        /// By how much the store lags behind.
        seconds: f64,
    },
    /// The instance of a managed spot training job is taken away.
    Interrupt {
        /// So long after the program's start.
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
    /// The faults of a JSON file: a list.
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

    /// These faults and no others, none of which has struck yet.
    pub fn set(&self, faults: Vec<Fault>) {
        let armed = faults.into_iter().map(|fault| Armed { fault, struck: 0 });
        *self.lock() = armed.collect();
    }

    /// The faults as `GET /faults` shows them.
    pub fn list(&self) -> Vec<Armed> {
        self.lock().clone()
    }

    /// The first fault of this kind that is there for `name`; this counts as one time.
    pub fn strike<T>(&self, name: &str, of_kind: impl Fn(&Kind) -> Option<T>) -> Option<T> {
        let mut all = self.lock();
        let found = all.iter_mut().find_map(|armed| {
            let is_meant = armed.fault.is_about(name) && !armed.is_spent();
            let what = of_kind(&armed.fault.kind).filter(|_| is_meant)?;
            armed.struck += 1;
            Some((what, armed.fault.kind.clone()))
        });
        found.map(|(what, kind)| {
            tracing::info!(name, ?kind, "a fault strikes");
            what
        })
    }

    /// The refusal that a fault has for this call.
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

    /// The failure that hides a call's success.
    pub fn loss(&self, called: &str, name: &str) -> Result<(), Refusal> {
        let lost = self.strike(name, |kind| {
            matches!(kind, Kind::Lose { operation } if operation == called).then_some(())
        });
        let said = "the answer is lost, by a fault that was asked for";
        lost.map_or(Ok(()), |()| Err(Refusal::internal(said)))
    }

    /// Whether a fault of just this kind strikes.
    pub fn strikes(&self, name: &str, wanted: &Kind) -> bool {
        let found = self.strike(name, |kind| (kind == wanted).then_some(()));
        found.is_some()
    }

    /// How long after its start a spot instance is taken away.
    pub fn interruption(&self, name: &str) -> Option<Duration> {
        self.strike(name, |kind| match kind {
            Kind::Interrupt { after_seconds } => {
                Some(Duration::try_from_secs_f64(*after_seconds).unwrap_or_default())
            }
            _ => None,
        })
    }

    /// By how many seconds what is seen of `name` lags behind.
    pub fn lag(&self, name: &str) -> f64 {
        let all = self.lock();
        let seconds = all.iter().filter_map(|armed| match armed.fault.kind {
            Kind::Stale { seconds } if armed.fault.is_about(name) => Some(seconds),
            _ => None,
        });
        seconds.fold(0.0, f64::max)
    }

    /// The first of these alarms that is in alarm.
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

/// The name of what a request is about.
pub fn subject(request: &Value) -> &str {
    const NAMES: [&str; 9] = [
        "TrainingJobName",
        "HyperParameterTuningJobName",
        "TransformJobName",
        "EndpointName",
        "EndpointConfigName",
        "ModelPackageName",
        "ModelPackageGroupName",
        "ModelName",
        "ResourceId",
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
    fn a_fault_strikes_what_it_names_as_often_as_it_says() {
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
    fn a_fault_that_is_misspelt_is_refused() {
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
    fn alarms_and_lags_do_not_wear_out() {
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
