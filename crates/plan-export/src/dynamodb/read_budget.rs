//! Decides how fast a run may read the table, and why.

use definition::ReadBudget;
use lake::records::ReadPlan;
use source::ReadCapacity;

/// Percent of the table's capacity that a run takes by default: most is left to the application.
const DEFAULT_PERCENT: u32 = 25;
/// Presumed capacity of a table that describes none: what a new on-demand table serves. Source:
/// Amazon DynamoDB Developer Guide, "DynamoDB throughput capacity", initial throughput on demand.
const PRESUMED: u64 = 12_000;

/// Decides how fast `read` lets `concurrency` concurrent tasks read a table of this capacity.
pub fn decide(read: &ReadBudget, capacity: ReadCapacity, concurrency: u32) -> ReadPlan {
    let (units, of) = read_capacity(capacity);
    let has = format!("{} {of}", thousands(units as f64));
    let (rcu, why) = if read.unlimited {
        (None, "source.dynamodb.read.unlimited".to_owned())
    } else if let Some(rcu) = read.rcu {
        let why = format!("source.dynamodb.read.rcu, of {has}");
        (Some(f64::from(rcu)), why)
    } else {
        let percent = read.percent.unwrap_or(DEFAULT_PERCENT);
        let default = if read.percent.is_none() {
            ", the default"
        } else {
            ""
        };
        // A table of a few units is read all the same.
        let rcu = (units as f64 * f64::from(percent) / 100.0).max(1.0);
        (Some(rcu), format!("{percent} % of {has}{default}"))
    };
    let pace = rcu.map_or_else(
        || "at full speed".to_owned(),
        |rcu| format!("at {} RCU/s", thousands(rcu)),
    );
    ReadPlan {
        rcu,
        decision: format!("reads {pace}: {why}"),
        concurrency,
        max_units: None,
    }
}

fn read_capacity(capacity: ReadCapacity) -> (u64, &'static str) {
    match capacity {
        ReadCapacity::Provisioned { units } => (units, "provisioned"),
        ReadCapacity::OnDemand { warm, maximum } => match (warm, maximum) {
            (Some(warm), Some(maximum)) if maximum < warm => (maximum, "its on-demand maximum"),
            (Some(warm), _) => (warm, "warm on demand"),
            (None, Some(maximum)) => (maximum, "its on-demand maximum"),
            (None, None) => (PRESUMED, "presumed on demand"),
        },
        ReadCapacity::Unknown => (PRESUMED, "presumed, as the table does not say"),
    }
}

/// A figure with thousands separators: `3,000`, `12.5`.
fn thousands(figure: f64) -> String {
    let rounded = format!("{figure:.1}");
    let (whole, rest) = rounded.split_once('.').unwrap_or((&rounded, "0"));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if rest != "0" {
        text.push('.');
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn decided(read: &Value, capacity: ReadCapacity) -> (Option<f64>, String) {
        let read = contract::read::from_value(read.clone()).unwrap();
        let plan = decide(&read, capacity, 40);
        (plan.rcu, plan.decision)
    }

    #[test]
    fn the_rate_comes_with_its_reason() {
        let provisioned = ReadCapacity::Provisioned { units: 3000 };
        let on_demand = |warm, maximum| ReadCapacity::OnDemand { warm, maximum };
        for (read, capacity, rcu, decision) in [
            (
                json!({}),
                provisioned,
                Some(750.0),
                "reads at 750 RCU/s: 25 % of 3,000 provisioned, the default",
            ),
            (
                json!({"percent": 100}),
                provisioned,
                Some(3000.0),
                "reads at 3,000 RCU/s: 100 % of 3,000 provisioned",
            ),
            (
                json!({"rcu": 4000}),
                provisioned,
                Some(4000.0),
                "reads at 4,000 RCU/s: source.dynamodb.read.rcu, of 3,000 provisioned",
            ),
            (
                json!({"unlimited": true}),
                provisioned,
                None,
                "reads at full speed: source.dynamodb.read.unlimited",
            ),
            (
                json!({"percent": 10}),
                on_demand(Some(1_234_567), None),
                Some(123_456.7),
                "reads at 123,456.7 RCU/s: 10 % of 1,234,567 warm on demand",
            ),
            (
                json!({}),
                on_demand(Some(12_000), Some(400)),
                Some(100.0),
                "reads at 100 RCU/s: 25 % of 400 its on-demand maximum, the default",
            ),
            (
                json!({}),
                on_demand(Some(12_000), Some(40_000)),
                Some(3000.0),
                "reads at 3,000 RCU/s: 25 % of 12,000 warm on demand, the default",
            ),
            (
                json!({}),
                ReadCapacity::Unknown,
                Some(3000.0),
                "reads at 3,000 RCU/s: 25 % of 12,000 presumed, as the table does not say, the default",
            ),
            (
                json!({}),
                ReadCapacity::Provisioned { units: 1 },
                Some(1.0),
                "reads at 1 RCU/s: 25 % of 1 provisioned, the default",
            ),
        ] {
            assert_eq!(
                decided(&read, capacity),
                (rcu, decision.to_owned()),
                "{capacity:?}"
            );
        }
    }
}
