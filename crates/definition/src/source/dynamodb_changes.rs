//! Reading only what changed of a DynamoDB table.

use super::dynamodb::{DynamoDbSource, Mode};
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Days of a table's past that can be exported. Source: Amazon DynamoDB Developer Guide,
/// "Point-in-time recovery".
const MOST_DAYS: u32 = 35;
const FIELD: &str = "source.dynamodb.changes";

/// Where the changes of a table come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangesFrom {
    /// DynamoDB's incremental exports, which need point-in-time recovery. Nothing runs in between.
    #[default]
    Export,
    /// The table's stream, which the stack's `capture-changes` writes into the lake as changes
    /// happen. It needs the stack's parameter `ChangeStreamArn`.
    Stream,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_export(from: &ChangesFrom) -> bool {
    *from == ChangesFrom::Export
}

/// Where changes come from, when the whole table is read in their place, and when changes are worth a
/// training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableChanges {
    /// Where they come from. After a change of this field the whole table is read once.
    #[serde(default, skip_serializing_if = "is_export")]
    pub from: ChangesFrom,
    /// Whether items stay that their time to live has removed: only a stream tells these from items
    /// that were deleted. Where the whole table is read, they are gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_expired: bool,
    /// Days after which a run reads the whole table again. From exports, it exports it as of the
    /// same moment, compares it with what the changes came to, and continues with it.
    #[serde(default = "default_days")]
    #[schemars(range(min = 1, max = 35))]
    pub full_every_days: u32,
    /// Share of the items, from 0 to 1. If more changed, the run reads the whole table: an exported
    /// change is about as dear as two items. Of a stream, the number of changes is an estimate.
    #[serde(default = "default_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_share: f64,
    /// Share of the items, from 0 to 1. If fewer changed since the data of the last run that ended
    /// well, the run ends as `NothingNew` before it trains. With 0, it does so only if nothing
    /// changed.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub retrain_at_share: f64,
}

const fn default_days() -> u32 {
    28
}

const fn default_share() -> f64 {
    0.2
}

impl Default for TableChanges {
    fn default() -> Self {
        Self {
            from: ChangesFrom::Export,
            keep_expired: false,
            full_every_days: default_days(),
            maximum_share: default_share(),
            retrain_at_share: 0.0,
        }
    }
}

/// Validates the mode `incremental` and what belongs to it.
pub(super) fn validate(source: &DynamoDbSource, faults: &mut Faults) {
    if source.mode == Mode::Incremental {
        if let Some(field) = source.needs_scan() {
            let instead = match field {
                "projection" => "leave it out, and name the columns in `dataset.columns`",
                "filter" => "leave it out, and filter by `dataset.where`",
                "index" => "leave it out, or choose scan",
                _ => "leave it out: what was read too early is corrected by its changes",
            };
            faults.add(
                format!("source.dynamodb.{field}"),
                format!("changes are merged into whole items of the table itself: {instead}"),
            );
        }
    } else if source.changes.is_some() {
        faults.add(FIELD, "needs `source.dynamodb.mode` to be `incremental`");
    }
    let Some(changes) = source.changes else {
        return;
    };
    if changes.keep_expired && changes.from == ChangesFrom::Export {
        faults.add(
            format!("{FIELD}.keepExpired"),
            "needs `from` to be `stream`: an export does not tell items that expired from items that were deleted",
        );
    }
    if !(1..=MOST_DAYS).contains(&changes.full_every_days) {
        faults.add(
            format!("{FIELD}.fullEveryDays"),
            format!("must be 1 to {MOST_DAYS} days, the past that DynamoDB can export"),
        );
    }
    for (name, share) in [
        ("maximumShare", changes.maximum_share),
        ("retrainAtShare", changes.retrain_at_share),
    ] {
        if !(0.0..=1.0).contains(&share) {
            faults.add(
                format!("{FIELD}.{name}"),
                "must be a share from 0 to 1, such as 0.2",
            );
        }
    }
    if changes.retrain_at_share > changes.maximum_share {
        faults.add(
            format!("{FIELD}.retrainAtShare"),
            "must not be above `maximumShare`: no run by changes would train",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(change: &Value) -> String {
        let mut source = json!({"table": "interactions", "mode": "incremental"});
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        let source: DynamoDbSource = serde_json::from_value(source).unwrap();
        let mut faults = Faults::default();
        source.validate(&mut faults);
        faults.to_string()
    }

    #[test]
    fn what_changes_cannot_be_merged_into_is_refused() {
        assert_eq!(faults(&json!({})), "");
        let all = json!({"fullEveryDays": 35, "maximumShare": 1, "retrainAtShare": 1});
        assert_eq!(faults(&json!({ "changes": all })), "");
        let stream = json!({"from": "stream", "keepExpired": true});
        assert_eq!(faults(&json!({ "changes": stream })), "");
        for (change, says) in [
            (
                json!({"index": "by-time"}),
                "field `source.dynamodb.index`: changes are merged into whole items",
            ),
            (json!({"projection": ["a"]}), "`dataset.columns`"),
            (
                json!({"filter": {"expression": "a > b"}}),
                "`dataset.where`",
            ),
            (
                json!({"consistentRead": true}),
                "field `source.dynamodb.consistentRead`",
            ),
            (
                json!({"mode": "auto", "changes": {}}),
                "field `source.dynamodb.changes`: needs",
            ),
            (
                json!({"changes": {"keepExpired": true}}),
                "field `source.dynamodb.changes.keepExpired`: needs `from` to be `stream`: an export does not tell",
            ),
            (
                json!({"changes": {"fullEveryDays": 36}}),
                "field `source.dynamodb.changes.fullEveryDays`: must be 1 to 35 days",
            ),
            (
                json!({"changes": {"maximumShare": 20}}),
                "field `source.dynamodb.changes.maximumShare`: must be a share",
            ),
            (
                json!({"changes": {"maximumShare": 0.1, "retrainAtShare": 0.2}}),
                "field `source.dynamodb.changes.retrainAtShare`: must not be above",
            ),
        ] {
            assert!(
                faults(&change).contains(says),
                "{change}: {}",
                faults(&change)
            );
        }
    }
}
