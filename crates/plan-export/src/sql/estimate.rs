//! Estimates reading a relational table: minutes and money, without the database's own charge.

use crate::PlanExportError;
use crate::dynamodb::{EXPORT_MEMORY_MB, PriceList};
use crate::work::micro_dollars;
use contract::ErrorName;
use contract::states::{Cost, Estimate};
use definition::{Consistency, Limits, SqlSource};
use lake::records::SqlPlan;
use sql_source::Size;

/// Bytes of table that one connection reads per second. It is assumed, not measured on AWS.
const CONNECTION_BYTES_PER_SECOND: f64 = 15e6;
/// Minutes after which a read that must end within one invocation of 15 minutes is not begun.
const AT_ONCE_MINUTES: f64 = 10.0;
/// Requests for each chunk: its part and its commit, its progress, its transitions.
const PUTS: f64 = 4.0;
const GETS: f64 = 4.0;
const TRANSITIONS: f64 = 4.0;

/// Estimates reading the table.
pub fn estimate(
    source: &SqlSource,
    limits: &Limits,
    size: Size,
    segments: u32,
    connections: u32,
) -> Estimate {
    let Size { rows, bytes } = size;
    let Some(items) = rows.filter(|_| bytes > 0) else {
        return Estimate {
            items: rows.unwrap_or_default(),
            bytes,
            read_units: 0,
            minutes: None,
            cost: None,
        };
    };
    let connections = f64::from(connections.max(1));
    let by_bytes = bytes as f64 / CONNECTION_BYTES_PER_SECOND / connections;
    let rate = source.max_rows_per_second;
    let by_rows = rate.map_or(0.0, |rate| items as f64 / f64::from(rate.max(1)));
    let seconds = by_bytes.max(by_rows);
    let prices = PriceList::of(&limits.prices);
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let lambda = micro_dollars(seconds * connections * gb * prices.lambda_gb_second);
    let requests = micro_dollars(
        f64::from(segments)
            * (PUTS * prices.s3_put
                + GETS * prices.s3_get
                + TRANSITIONS * prices.state_transition
                + prices.lambda_request),
    );
    Estimate {
        items,
        bytes,
        read_units: 0,
        minutes: Some(seconds / 60.0),
        cost: Some(Cost {
            total: micro_dollars(lambda + requests),
            reads: 0.0,
            lambda,
            requests,
        }),
    }
}

/// Refuses a read that must end within one invocation and would not. `largest` is the share of the
/// largest chunk in the table.
pub fn check_one_invocation(
    source: &SqlSource,
    plan: &SqlPlan,
    estimate: &Estimate,
    largest: f64,
) -> Result<(), PlanExportError> {
    let is_strict = source.consistency == Consistency::Strict;
    if !is_strict && !plan.key.is_empty() {
        return Ok(());
    }
    // The estimate is that of all connections together.
    let at_once = |minutes: f64| minutes * largest * f64::from(plan.connections);
    let minutes = estimate.minutes.map(at_once);
    let Some(minutes) = minutes.filter(|minutes| *minutes > AT_ONCE_MINUTES) else {
        return Ok(());
    };
    let (field, why, way_out) = if is_strict {
        (
            "source.sql.consistency",
            "strict is one snapshot on one connection",
            "choose partitioned, and read a restored snapshot or a replica for one point in time",
        )
    } else {
        (
            "source.sql.table",
            "without a unique key it is one stream",
            "give it a primary key, read less by `where` or `columns`, or its partitions one by one by consistency \
             readCommitted",
        )
    };
    Err(PlanExportError::at_field(
        ErrorName::SnapshotTooLong,
        field,
        format!(
            "{why}, which must end within one invocation of 15 minutes, and is estimated at {minutes:.0}: {way_out}"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn source(change: &serde_json::Value) -> SqlSource {
        let mut source = json!({"engine": "postgres", "secret": "s", "table": "t"});
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        serde_json::from_value(source).unwrap()
    }

    fn plan(key: &[&str]) -> SqlPlan {
        SqlPlan {
            columns: Vec::new(),
            key: key.iter().map(ToString::to_string).collect(),
            chunks: Vec::new(),
            page_rows: 1,
            connections: 1,
            incremental: None,
            authorities: String::new(),
            pace: String::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_slower_of_bytes_and_rows_counts() {
        let size = Size {
            rows: Some(6_000_000),
            bytes: 3_600_000_000,
        };
        let of = |change| estimate(&source(&change), &Limits::default(), size, 16, 4);
        let full = of(json!({}));
        assert!((full.minutes.unwrap() - 1.0).abs() < 1e-9, "{full:?}");
        let slow = of(json!({"maxRowsPerSecond": 10_000}));
        assert!((slow.minutes.unwrap() - 10.0).abs() < 1e-9, "{slow:?}");
        let uncounted = Size {
            rows: None,
            bytes: 100,
        };
        let unknown = estimate(&source(&json!({})), &Limits::default(), uncounted, 1, 1);
        assert_eq!((unknown.minutes, unknown.cost), (None, None));
    }

    #[test]
    fn what_must_end_within_an_invocation_is_not_begun_if_it_would_not() {
        let size = Size {
            rows: Some(1_000_000),
            bytes: 15_000_000_000,
        };
        let strict = source(&json!({"consistency": "strict"}));
        let long = estimate(&strict, &Limits::default(), size, 1, 1);
        for (source, plan, field) in [
            (&strict, plan(&["id"]), "source.sql.consistency"),
            (&source(&json!({})), plan(&[]), "source.sql.table"),
        ] {
            let error = check_one_invocation(source, &plan, &long, 1.0).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
            assert_eq!(contract::Named::name(&error), ErrorName::SnapshotTooLong);
        }
        check_one_invocation(&source(&json!({})), &plan(&["id"]), &long, 1.0).unwrap();
        // A partition is a stream of its own.
        check_one_invocation(&source(&json!({})), &plan(&[]), &long, 0.5).unwrap();
    }
}
