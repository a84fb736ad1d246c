//! Estimates reading the whole table: read units, minutes and money, and checks the definition's
//! limits.

use super::prices::{BASIS, PriceList};
use crate::PlanExportError;
use crate::work::micro_dollars;
use contract::states::{Cost, Estimate};
use definition::{Definition, DynamoDbSource, Limits};
use lake::records::ReadPlan;
use source::{ReadCapacity, TableInfo};

/// A read capacity unit is one strongly consistent read of 4 KiB, or two eventually consistent
/// ones.
const BYTES_PER_READ_UNIT: u64 = 4096;
/// Bytes of table that one function exports per second: half of what was measured (README of
/// `export-segment`: 200 MB of JSON per second and vCPU, which is 100 MB of table).
pub const TASK_BYTES_PER_SECOND: f64 = 50e6;
/// Memory of the exporting function, as in the template: one vCPU.
pub const EXPORT_MEMORY_MB: u32 = 1769;
/// Seconds for which one invocation scans, as the template and the reserve of the step have it.
const SECONDS_PER_INVOCATION: f64 = 810.0;
/// DynamoDB JSON is about twice the bytes that DynamoDB counts.
pub const JSON_PER_BYTE: f64 = 2.0;
/// What zstd makes of a byte of DynamoDB JSON.
pub const STORED_PER_JSON: f64 = 0.2;
const BYTES_PER_PART: f64 = 64.0 * 1024.0 * 1024.0;
const BYTES_PER_PIECE: f64 = 6.0 * 1024.0 * 1024.0;
const SECONDS_PER_LISTING: f64 = 15.0;

/// Minimum duration of an export, even of an empty table. Source: Amazon DynamoDB Developer Guide,
/// "Requesting a table export".
const EXPORT_MINUTES: f64 = 5.0;
const BYTES_PER_GB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Number of segments and tasks.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Scan segments.
    pub segments: u32,
    /// Tasks.
    pub tasks: u32,
}

/// Read units of the whole table.
pub fn read_units(source: &DynamoDbSource, info: &TableInfo) -> u64 {
    let strong = info.bytes.div_ceil(BYTES_PER_READ_UNIT);
    if source.consistent_read {
        strong
    } else {
        strong.div_ceil(2)
    }
}

/// Estimates reading the whole table.
pub fn estimate(
    source: &DynamoDbSource,
    limits: &Limits,
    info: &TableInfo,
    read: &ReadPlan,
    shape: Shape,
) -> Estimate {
    let read_units = read_units(source, info);
    let at_once = f64::from(shape.tasks.min(read.concurrency).max(1));
    let bytes = info.bytes as f64;
    // As fast as the budget or the functions allow, whichever is slower.
    let by_budget = read.rcu.map_or(0.0, |rcu| read_units as f64 / rcu);
    let seconds = by_budget.max(bytes / TASK_BYTES_PER_SECOND / at_once);

    let prices = PriceList::of(&limits.prices);
    let reads = match info.capacity {
        ReadCapacity::Provisioned { .. } => 0.0,
        ReadCapacity::OnDemand { .. } | ReadCapacity::Unknown => {
            read_units as f64 * prices.read_request_unit
        }
    };
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let lambda = seconds * at_once * gb * prices.lambda_gb_second;
    let requests = requests(&prices, shape, bytes, seconds, at_once);
    let [reads, lambda, requests] = [reads, lambda, requests].map(micro_dollars);
    Estimate {
        items: info.items,
        bytes: info.bytes,
        read_units,
        minutes: Some(seconds / 60.0),
        cost: Some(Cost {
            total: micro_dollars(reads + lambda + requests),
            reads,
            lambda,
            requests,
        }),
    }
}

/// The estimate of a table that holds items and that AWS has not counted yet, as for hours after an
/// import or a restore: unknown.
pub const fn uncounted(info: &TableInfo) -> Estimate {
    Estimate {
        items: info.items,
        bytes: 0,
        read_units: 0,
        minutes: None,
        cost: None,
    }
}

/// Read units after which the limits are reached, where there is no estimate to compare with them.
/// The functions' share of the cost is left out: it is a small one.
pub fn most_units(limits: &Limits, capacity: ReadCapacity, read: &ReadPlan) -> Option<f64> {
    let by_units = limits.max_read_units.map(|units| units as f64);
    let is_paid = !matches!(capacity, ReadCapacity::Provisioned { .. });
    let price = PriceList::of(&limits.prices).read_request_unit;
    let by_cost = limits.max_cost.filter(|_| is_paid && price > 0.0);
    let by_cost = by_cost.map(|dollars| dollars / price);
    let by_minutes = limits.max_minutes.zip(read.rcu);
    let by_minutes = by_minutes.map(|(minutes, rcu)| minutes * 60.0 * rcu);
    let all = [by_units, by_cost, by_minutes];
    all.into_iter().flatten().reduce(f64::min)
}

/// What the table's native export takes, where a scan takes `scan`.
pub fn export(limits: &Limits, scan: &Estimate) -> Estimate {
    let prices = PriceList::of(&limits.prices);
    let bytes = scan.bytes as f64;
    let reads = micro_dollars(bytes / BYTES_PER_GB * prices.export_gb);
    // The functions read the files as fast as they would read the table.
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let lambda = micro_dollars(bytes / TASK_BYTES_PER_SECOND * gb * prices.lambda_gb_second);
    Estimate {
        items: scan.items,
        bytes: scan.bytes,
        read_units: 0,
        minutes: Some(EXPORT_MINUTES),
        cost: (scan.bytes > 0).then_some(Cost {
            total: micro_dollars(reads + lambda),
            reads,
            lambda,
            requests: 0.0,
        }),
    }
}

/// What merging changes takes at most, where an export of the whole table takes `whole`: so large a
/// share of the items changed, each of which is exported with its old and its new image.
pub fn changes(items: u64, whole: &Estimate, share: f64) -> Estimate {
    const IMAGES: f64 = 2.0;
    let cost = whole.cost.map(|cost| {
        let reads = micro_dollars(cost.reads * share * IMAGES);
        let lambda = micro_dollars(cost.lambda * (1.0 + share * IMAGES));
        Cost {
            total: micro_dollars(reads + lambda),
            reads,
            lambda,
            requests: 0.0,
        }
    });
    Estimate {
        items,
        cost,
        ..whole.clone()
    }
}

/// What both take, one after the other.
pub fn both(one: &Estimate, other: &Estimate) -> Estimate {
    let cost = one.cost.zip(other.cost).map(|(one, other)| Cost {
        total: micro_dollars(one.total + other.total),
        reads: micro_dollars(one.reads + other.reads),
        lambda: micro_dollars(one.lambda + other.lambda),
        requests: micro_dollars(one.requests + other.requests),
    });
    Estimate {
        minutes: one
            .minutes
            .zip(other.minutes)
            .map(|(one, other)| one + other),
        cost,
        ..other.clone()
    }
}

fn requests(prices: &PriceList, shape: Shape, bytes: f64, seconds: f64, at_once: f64) -> f64 {
    let (segments, tasks) = (f64::from(shape.segments), f64::from(shape.tasks));
    let invocations = (seconds * at_once / tasks / SECONDS_PER_INVOCATION).ceil();
    let json = bytes * JSON_PER_BYTE;
    let parts = (json / BYTES_PER_PART).ceil().max(segments);
    // A part is created, completed and listed in a checkpoint; a segment has a manifest.
    let puts = parts * 3.0
        + json * STORED_PER_JSON / BYTES_PER_PIECE
        + segments
        + at_once * seconds / SECONDS_PER_LISTING;
    // Each invocation requests each segment's manifest, and follows the checkpoints.
    let gets = invocations * (segments * 2.0 + parts);
    let transitions = tasks * (2.0 + 2.0 * invocations);
    puts * prices.s3_put
        + gets * prices.s3_get
        + tasks * invocations * prices.lambda_request
        + transitions * prices.state_transition
}
/// Refuses an estimate that is above a limit, or leaves the rest of the run too little of the
/// execution's time.
pub fn check_limits(definition: &Definition, estimate: &Estimate) -> Result<(), PlanExportError> {
    let limits = &definition.limits;
    let above = |estimate: String, field: &'static str, cap: String| {
        Err(PlanExportError::LimitExceeded {
            what: "the export",
            estimate,
            field: field.into(),
            cap,
        })
    };
    if let Some(cap) = limits
        .max_read_units
        .filter(|cap| estimate.read_units > *cap)
    {
        let units = format!("{} read units", estimate.read_units);
        return above(units, "limits.maxReadUnits", cap.to_string());
    }
    if let Some(minutes) = estimate.minutes {
        let text = format!("{minutes:.1} minutes");
        if let Some(cap) = limits.max_minutes.filter(|cap| minutes > *cap) {
            return above(text, "limits.maxMinutes", cap.to_string());
        }
        let longest = definition.longest_run();
        let left = longest.left_seconds() / 60;
        if minutes > left as f64 {
            let what = format!("what an execution of two days leaves after {longest}");
            return Err(PlanExportError::LimitExceeded {
                what: "the export",
                estimate: text,
                field: what.into(),
                cap: format!("{left} minutes"),
            });
        }
    }
    if let (Some(cap), None, 0) = (limits.max_cost, estimate.cost, estimate.read_units)
        && estimate.minutes.is_some()
    {
        // A native export is paid by the gigabyte, and cannot be stopped half-way.
        let unknown = "an unknown cost, as DynamoDB has not counted the table yet".to_owned();
        return above(unknown, "limits.maxCost", cap.to_string());
    }
    if let (Some(cap), Some(cost)) = (limits.max_cost, estimate.cost)
        && cost.total > cap
    {
        let basis = if limits.prices.are_defaults() {
            BASIS
        } else {
            "limits.prices"
        };
        let text = format!(
            "{:.4} dollars by {basis} ({:.4} for reads, {:.4} for Lambda, {:.4} for requests)",
            cost.total, cost.reads, cost.lambda, cost.requests
        );
        return above(text, "limits.maxCost", cap.to_string());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const GIB: u64 = 1 << 30;

    fn of(
        source: &Value,
        limits: &Value,
        bytes: u64,
        capacity: ReadCapacity,
    ) -> (Definition, Estimate) {
        let mut definition = json!({
            "source": {"dynamodb": source},
            "dataset": {"label": "n"},
            "training": {"image": "i"},
            "promotion": {"metric": "m", "goal": "minimize"},
            "limits": limits,
        });
        definition["source"]["dynamodb"]["table"] = json!("t");
        let definition: Definition = contract::read::from_value(definition).unwrap();
        let info = TableInfo {
            arn: None,
            id: None,
            key_attributes: Vec::new(),
            has_number_key: false,
            items: 1000,
            bytes,
            capacity,
            indexes: Vec::new(),
        };
        let Definition { source, limits, .. } = &definition;
        let source = source.dynamodb().unwrap();
        let read = super::super::read_budget::decide(&source.read, capacity, 40);
        let shape = Shape {
            segments: 64,
            tasks: 4,
        };
        let estimate = estimate(source, limits, &info, &read, shape);
        (definition, estimate)
    }

    fn close(value: f64, expected: f64) {
        assert!(
            (value / expected - 1.0).abs() < 0.01,
            "{value} and not {expected}"
        );
    }

    #[test]
    fn a_table_on_demand_is_paid_by_what_is_read() {
        let capacity = ReadCapacity::OnDemand {
            warm: Some(12_000),
            maximum: None,
        };
        let (_, estimate) = of(&json!({}), &json!({}), 100 * GIB, capacity);
        assert_eq!(estimate.read_units, 13_107_200);
        close(estimate.minutes.unwrap(), 13_107_200.0 / 3000.0 / 60.0);
        let cost = estimate.cost.unwrap();
        close(cost.reads, 1.6384);
        // Four functions of 1.73 GB for 73 minutes.
        close(cost.lambda, 4369.0 * 4.0 * 1.7275 * 0.000_013_333_4);
        close(cost.total, cost.reads + cost.lambda + cost.requests);
        assert!((0.01..0.2).contains(&cost.requests), "{cost:?}");
    }

    #[test]
    fn provisioned_capacity_is_paid_anyway() {
        let capacity = ReadCapacity::Provisioned { units: 3000 };
        let source = json!({"consistentRead": true});
        let (_, estimate) = of(&source, &json!({}), 100 * GIB, capacity);
        assert_eq!(estimate.read_units, 26_214_400);
        close(estimate.minutes.unwrap(), 26_214_400.0 / 750.0 / 60.0);
        assert!(estimate.cost.unwrap().reads.abs() < 1e-9);
    }

    #[test]
    fn without_a_limit_the_functions_are() {
        let source = json!({"read": {"unlimited": true}});
        let (_, estimate) = of(&source, &json!({}), 100 * GIB, ReadCapacity::Unknown);
        close(
            estimate.minutes.unwrap(),
            100.0 * GIB as f64 / 50e6 / 4.0 / 60.0,
        );
    }

    #[test]
    fn prices_of_the_definition_count() {
        let limits = json!({"prices": {"readRequestUnitsPerMillion": 1.25, "lambdaGbSecond": 0.0}});
        let (_, estimate) = of(&json!({}), &limits, 100 * GIB, ReadCapacity::Unknown);
        let cost = estimate.cost.unwrap();
        close(cost.reads, 16.384);
        assert!(cost.lambda.abs() < 1e-9);
    }

    #[test]
    fn where_nothing_is_counted_the_limits_become_read_units() {
        let on_demand = ReadCapacity::Unknown;
        let provisioned = ReadCapacity::Provisioned { units: 4000 };
        for (limits, capacity, units) in [
            (json!({}), on_demand, None),
            (json!({"maxReadUnits": 5000}), on_demand, Some(5000.0)),
            // An eighth of a dollar for a million.
            (json!({"maxCost": 1}), on_demand, Some(8e6)),
            (json!({"maxCost": 1}), provisioned, None),
            // A thousand a second.
            (json!({"maxMinutes": 2}), provisioned, Some(120_000.0)),
            (
                json!({"maxCost": 1, "maxReadUnits": 9_000_000}),
                on_demand,
                Some(8e6),
            ),
        ] {
            let limits = contract::read::from_value(limits).unwrap();
            let read = super::super::read_budget::decide(
                &contract::read::from_value(json!({})).unwrap(),
                capacity,
                40,
            );
            let most = most_units(&limits, capacity, &read);
            assert_eq!(most.map(f64::round), units, "{limits:?}");
        }
    }

    #[test]
    fn each_cap_refuses_with_the_numbers() {
        for (limits, words) in [
            (
                json!({"maxReadUnits": 5}),
                "13107200 read units, above limits.maxReadUnits of 5",
            ),
            (
                json!({"maxMinutes": 60}),
                "72.8 minutes, above limits.maxMinutes of 60",
            ),
            (json!({"maxCost": 2}), "for reads"),
        ] {
            let (definition, estimate) = of(&json!({}), &limits, 100 * GIB, ReadCapacity::Unknown);
            let error = check_limits(&definition, &estimate)
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
        let limits = json!({"maxReadUnits": 13_107_200, "maxMinutes": 73, "maxCost": 3});
        let (definition, estimate) = of(&json!({}), &limits, 100 * GIB, ReadCapacity::Unknown);
        check_limits(&definition, &estimate).unwrap();
        let slow = json!({"read": {"rcu": 10}});
        let (definition, estimate) = of(&slow, &json!({}), 100 * GIB, ReadCapacity::Unknown);
        let error = check_limits(&definition, &estimate)
            .unwrap_err()
            .to_string();
        let words = "an execution of two days leaves after 3600 s by training.capacityWaitMinutes + 3600 s by \
                     training.maxRuntimeSeconds = 7200 s of 2520 minutes";
        assert!(error.contains(words), "{error}");
    }
}
