//! Events that Firehose delivers into the lake as a source: which, and what identifies one.

use crate::dataset::{Dataset, Deduplicate};
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Days that may be kept at most: ten years.
const MOST_DAYS: u32 = 3650;
const FIELD: &str = "source.events";

/// The name of every source of events: a pipeline has one.
pub const EVENTS: &str = "events";

/// The events of this pipeline in the lake, below `events/<pipeline>/`, as a delivery stream writes
/// them. Each event becomes an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsSource {
    /// Days whose events are read, back from today, and one more for what was delivered late. The
    /// stack keeps the objects longer than that.
    #[serde(default = "default_days")]
    #[schemars(range(min = 1, max = 3650))]
    pub days: u32,
    /// The names of the attributes that identify an event. A delivery stream delivers some events
    /// twice: where `dataset.deduplicate` is absent, events that agree in these become one row.
    pub id: Vec<String>,
    /// The attribute with the event's time. Of events with the same id the latest one is kept, by
    /// this attribute, where `dataset.deduplicate` is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The paths of attributes that every event has. `millrace replay --events` refuses an event
    /// without one of them, as the delivery stream's function does by the parameter `EventsRequired`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
}

const fn default_days() -> u32 {
    90
}

impl EventsSource {
    /// What its definition's dataset does with events that were delivered twice.
    pub(crate) fn remove_duplicates(&self, dataset: &mut Dataset) {
        if dataset.deduplicate.is_none() {
            dataset.deduplicate = Some(Deduplicate {
                by: self.id.clone(),
                latest: self.at.clone(),
            });
        }
    }

    pub(super) fn validate(&self, faults: &mut Faults) {
        if !(1..=MOST_DAYS).contains(&self.days) {
            faults.add(
                format!("{FIELD}.days"),
                format!("must be 1 to {MOST_DAYS} days"),
            );
        }
        if self.id.is_empty() {
            faults.add(
                format!("{FIELD}.id"),
                "names no attribute: some events are delivered twice, and the id is how a run recognises them",
            );
        }
        for (field, names) in [("id", &self.id), ("required", &self.required)] {
            let mut seen = BTreeSet::new();
            if names.iter().any(String::is_empty) {
                faults.add(
                    format!("{FIELD}.{field}"),
                    "must hold the names of attributes",
                );
            }
            if let Some(name) = names.iter().find(|name| !seen.insert(name.as_str())) {
                faults.add(format!("{FIELD}.{field}"), format!("names `{name}` twice"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;
    use serde_json::{Value, json};

    fn faults(source: Value) -> Vec<String> {
        let source: EventsSource = contract::read::from_value(source).unwrap();
        let mut faults = Faults::default();
        source.validate(&mut faults);
        faults.as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_mistake_names_its_field() {
        let right =
            json!({"days": 30, "id": ["event_id"], "at": "at", "required": ["event_id", "at"]});
        assert_eq!(faults(right), Vec::<String>::new());
        assert_eq!(faults(json!({"id": ["event_id"]})), Vec::<String>::new());
        for (source, path) in [
            (json!({"days": 0, "id": ["a"]}), "source.events.days"),
            (json!({"days": 3651, "id": ["a"]}), "source.events.days"),
            (json!({"id": []}), "source.events.id"),
            (json!({"id": [""]}), "source.events.id"),
            (json!({"id": ["a", "a"]}), "source.events.id"),
            (
                json!({"id": ["a"], "required": ["b", "b"]}),
                "source.events.required",
            ),
        ] {
            let found = faults(source);
            assert!(
                matches!(found.as_slice(), [one] if one.contains(path)),
                "{path}: {found:?}"
            );
        }
    }

    #[test]
    fn duplicates_are_removed_by_the_id_unless_the_definition_says_otherwise() {
        let rule = |dataset: Value| {
            let source = json!({"events": {"id": ["event_id", "part"], "at": "at"}});
            let definition = json!({"source": source, "dataset": dataset});
            let definition = read(&definition, |_, _| ()).unwrap();
            // It is frozen in the plan as it is read.
            let frozen = serde_json::to_value(&definition).unwrap();
            assert_eq!(read(&frozen, |_, _| ()).unwrap(), definition);
            definition.dataset.unwrap().deduplicate.unwrap()
        };
        let by_default = rule(json!({"label": "y"}));
        assert_eq!(by_default.by, ["event_id", "part"]);
        assert_eq!(by_default.latest.as_deref(), Some("at"));
        let other = rule(json!({"label": "y", "deduplicate": {"by": ["user"]}}));
        assert_eq!((other.by, other.latest), (vec!["user".to_owned()], None));
    }
}
