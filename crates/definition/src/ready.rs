//! What must be true before a run reads its source.

use crate::faults::Faults;
use crate::source::is_bucket;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Conditions that one definition may have.
const MOST: usize = 20;
/// A day: the state machine gives an execution two.
const MOST_MINUTES: u32 = 1440;

/// What must be true before a run reads its source. A run waits for it, and fails as `NotReady`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ready {
    /// The conditions, 1 to 20; all of them must be true.
    pub when: Vec<Precondition>,
    /// Minutes from the run's start within which they must become true, 1 to 1440. After a redrive
    /// later than that, they are looked at once.
    #[serde(default = "one_hour")]
    pub within_minutes: u32,
}

const fn one_hour() -> u32 {
    60
}

/// A condition of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Precondition {
    /// An object exists: `s3://bucket/key`. With `/` or `*` at the end, some object whose key
    /// begins so. Buckets other than the lake are those of the stack's `ReadyBucketArns`.
    S3(String),
    /// The source has items.
    Items(ItemCount),
    /// A function answers `{"ready": true}`: its ARN, one of the stack's `ReadyFunctionArns`.
    Lambda(String),
}

/// How many items a source must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemCount {
    /// The fewest items, 1 or more, by the count that the plan uses: `DynamoDB` renews its own about
    /// every six hours.
    pub at_least: u64,
}

/// The objects that fulfil a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited<'a> {
    /// Their bucket.
    pub bucket: &'a str,
    /// The object's key, or how the keys begin.
    pub key: &'a str,
    /// Whether `key` is only how the keys begin.
    pub is_prefix: bool,
}

impl Awaited<'_> {
    /// Whether an object with this key is awaited. The empty object by which consoles show a folder
    /// is not.
    pub fn is(self, key: &str) -> bool {
        if self.is_prefix {
            key.starts_with(self.key) && !(key == self.key && key.ends_with('/'))
        } else {
            key == self.key
        }
    }
}

/// The objects of an address, `s3://bucket/key`, `s3://bucket/folder/` or `s3://bucket/beginning*`.
pub fn awaited(address: &str) -> Option<Awaited<'_>> {
    let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
    let (key, is_prefix) = match key.strip_suffix('*') {
        Some(beginning) => (beginning, true),
        None => (key, key.is_empty() || key.ends_with('/')),
    };
    is_bucket(bucket).then_some(Awaited {
        bucket,
        key,
        is_prefix,
    })
}

/// Whether this is the ARN of a function, with or without a version or alias.
fn is_function(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_$".contains(&b))
    };
    match parts[..] {
        [
            "arn",
            partition,
            "lambda",
            region,
            account,
            "function",
            ref name @ ..,
        ] => {
            partition.starts_with("aws")
                && !region.is_empty()
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && (1..=2).contains(&name.len())
                && name.iter().all(|name| is_name(name))
        }
        _ => false,
    }
}

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3(address) => write!(f, "{address} exists"),
            Self::Items(count) => write!(f, "the source has {} items or more", count.at_least),
            Self::Lambda(arn) => write!(f, "{arn} answers that it is ready"),
        }
    }
}

impl Ready {
    /// The fewest items that the source must have, if that is a condition, and its place in `when`.
    pub fn items(&self) -> Option<(usize, u64)> {
        let conditions = self.when.iter().enumerate();
        let counts = conditions.filter_map(|(at, condition)| match condition {
            Precondition::Items(count) => Some((at, count.at_least)),
            _ => None,
        });
        counts.max_by_key(|(_, least)| *least)
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        if self.when.is_empty() || self.when.len() > MOST {
            faults.add(
                "ready.when",
                format!("has {}: it must have 1 to {MOST}", self.when.len()),
            );
        }
        if !(1..=MOST_MINUTES).contains(&self.within_minutes) {
            let message = format!("is {}: it must be 1 to {MOST_MINUTES}", self.within_minutes);
            faults.add("ready.withinMinutes", message);
        }
        for (at, condition) in self.when.iter().enumerate() {
            let fault = match condition {
                Precondition::S3(address) if awaited(address).is_none() => (
                    "s3",
                    format!("is {address:?}: it must be an address such as s3://bucket/key"),
                ),
                Precondition::Lambda(arn) if !is_function(arn) => (
                    "lambda",
                    format!(
                        "is {arn:?}: it must be a function's ARN, such as \
                         arn:aws:lambda:eu-central-1:123456789012:function:name"
                    ),
                ),
                Precondition::Items(ItemCount { at_least: 0 }) => (
                    "items.atLeast",
                    "is 0, which is always true: it must be 1 or more".to_owned(),
                ),
                _ => continue,
            };
            let (field, message) = fault;
            faults.add(format!("ready.when[{at}].{field}"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(ready: &Value) -> Vec<String> {
        let definition = json!({"source": {"dynamodb": {"table": "orders"}}, "ready": ready});
        let read = crate::read(&definition, |_, _| {});
        let faults = read.err().unwrap_or_default();
        faults.as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn conditions_are_read_and_their_faults_named_at_their_place() {
        let arn = "arn:aws:lambda:eu-central-1:123456789012:function:closed:live";
        let good = json!({
            "when": [{"s3": "s3://books/closed"}, {"items": {"atLeast": 5}}, {"lambda": arn}],
            "withinMinutes": 90,
        });
        assert_eq!(faults(&good), [""; 0]);
        for (ready, path) in [
            (json!({"when": []}), "ready.when"),
            (
                json!({"when": [{"s3": "books/closed"}]}),
                "ready.when[0].s3",
            ),
            (
                json!({"when": [{"s3": "s3://Books/closed"}]}),
                "ready.when[0].s3",
            ),
            (
                json!({"when": [{"items": {"atLeast": 1}}, {"items": {"atLeast": 0}}]}),
                "ready.when[1].items.atLeast",
            ),
            (
                json!({"when": [{"lambda": "closed"}]}),
                "ready.when[0].lambda",
            ),
            (
                json!({"when": [{"lambda": "arn:aws:lambda:eu-central-1:123456789012:layer:x"}]}),
                "ready.when[0].lambda",
            ),
            (
                json!({"when": [{"items": {"atLeast": 1}}], "withinMinutes": 0}),
                "ready.withinMinutes",
            ),
            (
                json!({"when": [{"items": {"atLeast": 1}}], "withinMinutes": 1441}),
                "ready.withinMinutes",
            ),
            (json!({"when": [{"sqs": "queue"}]}), "ready.when[0]"),
            (json!([{"s3": "s3://books/closed"}]), "ready"),
        ] {
            let found = faults(&ready);
            assert!(
                found
                    .iter()
                    .any(|fault| fault.contains(&format!("`{path}`"))),
                "{ready}: {found:?}"
            );
        }
    }

    #[test]
    fn an_address_is_an_object_or_a_beginning() {
        for (address, key, is, is_not) in [
            (
                "s3://books/2026/closed",
                "2026/closed",
                "2026/closed",
                "2026/closed.old",
            ),
            ("s3://books/2026/", "2026/", "2026/a", "2026/"),
            ("s3://books/2026/cl*", "2026/cl", "2026/closed", "2026/open"),
            ("s3://books/", "", "a", ""),
        ] {
            let found = awaited(address).unwrap();
            assert_eq!((found.bucket, found.key), ("books", key));
            assert!(found.is(is), "{address}");
            assert!(is_not.is_empty() || !found.is(is_not), "{address}");
        }
        for wrong in ["", "s3://", "s3://books", "https://books/a", "s3://b/a"] {
            assert_eq!(awaited(wrong), None, "{wrong}");
        }
    }
}
