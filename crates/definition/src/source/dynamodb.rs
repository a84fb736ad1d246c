//! An Amazon DynamoDB table as a source: which items are read, and how fast.

use super::dynamodb_changes::{self, ChangesFrom, TableChanges};
use crate::faults::Faults;
use crate::paths::{NamedPath, PathUsage, each};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An Amazon DynamoDB table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DynamoDbSource {
    /// The table's name.
    pub table: String,
    /// How its items are read.
    #[serde(default)]
    pub mode: Mode,
    /// A secondary index to read instead of the table. Items that are not in the index, and
    /// attributes that it does not project, are not exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The attributes to export, as paths such as `rating` or `context.device`; the key attributes
    /// are always included. All attributes if empty. This does not lower the consumed read
    /// capacity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projection: Vec<String>,
    /// Which items to export; all if absent. This does not lower the consumed read capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Strongly consistent reads, at twice the read capacity. A global secondary index does not
    /// have them.
    #[serde(default)]
    pub consistent_read: bool,
    /// Where changes come from, and when the whole table is read in their place, for the mode
    /// `incremental`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<TableChanges>,
    /// How fast the table may be read.
    #[serde(default)]
    pub read: ReadBudget,
    /// Scan segments; by default one per 128 MiB of table, 1 to 10,000, and at most 64 for each
    /// function that the read budget needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub segments: Option<u32>,
    /// Segments of one task, which one function scans concurrently; by default as many as the read
    /// budget makes useful, 16 of them at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub segments_per_task: Option<u32>,
}

/// How a table's items are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// By parallel scan, unless only an export is within the limits; the plan gives the reason.
    #[default]
    Auto,
    /// By parallel scan, which consumes read capacity.
    Scan,
    /// By native export to S3, which consumes no read capacity, needs point-in-time recovery, takes
    /// five minutes or more, and costs about six times as much per gigabyte.
    Export,
    /// By what changed since the last run that ended well, merged into that run's items; it consumes
    /// no read capacity. Changes are exported, which needs point-in-time recovery, or captured of the
    /// table's stream. The whole table is read in the first run and wherever changes cannot be merged;
    /// the plan gives the reason.
    Incremental,
}

/// Which items to export, as a DynamoDB filter expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// The expression, such as `#rating >= :least AND attribute_exists(context.device)`.
    pub expression: String,
    /// The attribute names of the expression's `#names`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The values of the expression's `:values`, in `DynamoDB` JSON: `{":least": {"N": "3"}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, serde_json::Value>,
}

/// How fast the table may be read, by all functions together: at most one of the fields. By
/// default, 25 % of the table's capacity: its provisioned read capacity; on demand its warm
/// throughput, or its configured maximum if that is less; 12,000 units per second (what a new
/// on-demand table serves) if it describes neither.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadBudget {
    /// Read capacity units per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub rcu: Option<u32>,
    /// Percent of the table's capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u32>,
    /// Full speed. Throttles still slow the export down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlimited: bool,
}

impl DynamoDbSource {
    /// The whole table, by the defaults.
    pub fn whole(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            mode: Mode::default(),
            index: None,
            projection: Vec::new(),
            filter: None,
            consistent_read: false,
            changes: None,
            read: ReadBudget::default(),
            segments: None,
            segments_per_task: None,
        }
    }

    /// The first field that only a scan can satisfy: a native export has whole items of the table.
    pub fn needs_scan(&self) -> Option<&'static str> {
        if self.index.is_some() {
            Some("index")
        } else if !self.projection.is_empty() {
            Some("projection")
        } else if self.filter.is_some() {
            Some("filter")
        } else if self.consistent_read {
            Some("consistentRead")
        } else {
            None
        }
    }

    /// How a run reads the whole table: changes that are captured may be merged into a scan.
    pub fn whole_mode(&self) -> Mode {
        match self.incremental() {
            Some(changes) if changes.from == ChangesFrom::Stream => Mode::Auto,
            _ => self.mode,
        }
    }

    /// How changes are merged, if they are.
    pub fn incremental(&self) -> Option<TableChanges> {
        (self.mode == Mode::Incremental).then(|| self.changes.unwrap_or_default())
    }

    /// Every attribute path of the source.
    pub(crate) fn paths(&self) -> Vec<NamedPath<'_>> {
        let Self {
            projection,
            table: _,
            mode: _,
            index: _,
            // Its names follow DynamoDB's own grammar, which DynamoDB parses.
            filter: _,
            consistent_read: _,
            changes: _,
            read: _,
            segments: _,
            segments_per_task: _,
        } = self;
        each(
            "source.dynamodb.projection",
            projection,
            PathUsage::Projection,
        )
        .collect()
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        let is_name = |name: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
            (3..=255).contains(&name.len()) && name.bytes().all(allowed)
        };
        if !is_name(&self.table) {
            faults.add(
                "source.dynamodb.table",
                format!(
                    "{:?} is no table name (3 to 255 of a-z, A-Z, 0-9, `_`, `.`, `-`)",
                    self.table
                ),
            );
        }
        if let Some(index) = self.index.as_deref().filter(|name| !is_name(name)) {
            faults.add(
                "source.dynamodb.index",
                format!("{index:?} is no index name (3 to 255 of a-z, A-Z, 0-9, `_`, `.`, `-`)"),
            );
        }
        if let Some(filter) = &self.filter {
            filter.validate(faults);
        }
        if self.mode == Mode::Export
            && let Some(field) = self.needs_scan()
        {
            faults.add(
                "source.dynamodb.mode",
                format!(
                    "an export holds whole items of the table itself: leave {field} out, or choose scan"
                ),
            );
        }
        dynamodb_changes::validate(self, faults);
        if self.segments.is_some_and(|n| !(1..=1_000_000).contains(&n)) {
            faults.add("source.dynamodb.segments", "must be 1 to 1,000,000");
        }
        if self
            .segments_per_task
            .is_some_and(|n| !(1..=64).contains(&n))
        {
            faults.add("source.dynamodb.segmentsPerTask", "must be 1 to 64");
        }
        self.read.validate(faults);
    }
}

impl ReadBudget {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        if self.rcu == Some(0) {
            faults.add("source.dynamodb.read.rcu", "must be at least 1");
        }
        if self.percent.is_some_and(|n| !(1..=100).contains(&n)) {
            faults.add("source.dynamodb.read.percent", "must be 1 to 100");
        }
        let said = [self.rcu.is_some(), self.percent.is_some(), self.unlimited];
        if said.into_iter().filter(|said| *said).count() > 1 {
            faults.add(
                "source.dynamodb.read",
                "say only one of `rcu`, `percent` and `unlimited`; an execution's input removes a stored one with null",
            );
        }
    }
}
