//! Reading only the rows of a relational table that changed.

use super::SqlSource;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run reads only the rows that changed since the run before, and merges them into that run's
/// rows by the unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Incremental {
    /// Days after which a run reads the whole table again. Until then, deleted rows stay in the
    /// data.
    #[serde(default = "default_days")]
    #[schemars(range(min = 1, max = 365))]
    pub full_every_days: u32,
}

const fn default_days() -> u32 {
    7
}

impl Incremental {
    pub(super) fn validate(self, source: &SqlSource, faults: &mut Faults) {
        if !(1..=365).contains(&self.full_every_days) {
            faults.add(
                "source.sql.incremental.fullEveryDays",
                "must be 1 to 365 days",
            );
        }
        if source.query.is_some() {
            faults.add(
                "source.sql.incremental",
                "needs a `table`: the changed rows of a `query` cannot be told from the others",
            );
        }
        if source.condition.is_some() {
            faults.add(
                "source.sql.incremental",
                "cannot be combined with `where`: a row that no longer fulfils it would stay in the data",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(change: &Value) -> String {
        let mut source = json!({
            "engine": "postgres", "secret": "s", "table": "orders", "incremental": {},
        });
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        let source: SqlSource = serde_json::from_value(source).unwrap();
        let mut faults = Faults::default();
        source.validate(&mut faults);
        faults.to_string()
    }

    #[test]
    fn what_would_leave_wrong_rows_in_the_data_is_refused() {
        assert_eq!(faults(&json!({})), "");
        assert_eq!(faults(&json!({"incremental": {"fullEveryDays": 1}})), "");
        for (change, says) in [
            (
                json!({"incremental": {"fullEveryDays": 0}}),
                "field `source.sql.incremental.fullEveryDays`: must be 1 to 365 days",
            ),
            (
                json!({"table": null, "query": "SELECT 1 AS a"}),
                "field `source.sql.incremental`: needs a `table`",
            ),
            (
                json!({"where": "a > 1"}),
                "field `source.sql.incremental`: cannot be combined with `where`",
            ),
        ] {
            assert!(faults(&change).contains(says), "{}", faults(&change));
        }
    }
}
