//! Alarms in memory.

use super::MemorySageMaker;
use crate::{AlarmSpec, Alarms};
use contract::ServiceError;
use std::collections::BTreeMap;

/// An alarm, and whether it is in the state `ALARM`.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    spec: Option<AlarmSpec>,
    is_in_alarm: bool,
}

impl MemorySageMaker {
    /// Brings the alarm into the state `ALARM`, or back. A person's alarm is created.
    pub fn set_alarm(&self, name: &str, is_in_alarm: bool) {
        let mut state = self.state();
        let alarm = state.alarms.entry(name.to_owned()).or_insert(Alarm {
            spec: None,
            is_in_alarm,
        });
        alarm.is_in_alarm = is_in_alarm;
    }

    /// The alarms that were put, by their names.
    pub fn alarms(&self) -> BTreeMap<String, AlarmSpec> {
        let state = self.state();
        let put = state.alarms.iter();
        put.filter_map(|(name, alarm)| Some((name.clone(), alarm.spec.clone()?)))
            .collect()
    }
}

impl Alarms for MemorySageMaker {
    async fn put_alarm(&self, spec: &AlarmSpec) -> Result<(), ServiceError> {
        self.call("PutMetricAlarm", |state| {
            let is_in_alarm = state
                .alarms
                .get(&spec.name)
                .is_some_and(|alarm| alarm.is_in_alarm);
            let alarm = Alarm {
                spec: Some(spec.clone()),
                is_in_alarm,
            };
            state.alarms.insert(spec.name.clone(), alarm);
            Ok(())
        })
        .await
    }

    async fn in_alarm(&self, names: &[String]) -> Result<BTreeMap<String, bool>, ServiceError> {
        self.call("DescribeAlarms", |state| {
            let found = names.iter().filter_map(|name| {
                let alarm = state.alarms.get(name)?;
                Some((name.clone(), alarm.is_in_alarm))
            });
            Ok(found.collect())
        })
        .await
    }
}
