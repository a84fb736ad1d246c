//! The read capacity of a table, from `DescribeTable`.

use aws_sdk_dynamodb::types::{
    BillingMode, BillingModeSummary, GlobalSecondaryIndexDescription,
    GlobalSecondaryIndexWarmThroughputDescription, OnDemandThroughput,
    ProvisionedThroughputDescription, TableDescription, TableWarmThroughputDescription,
};
use source::ReadCapacity;

/// The read capacity of the table itself.
pub(super) fn of_table(table: &TableDescription) -> ReadCapacity {
    let provisioned = table.provisioned_throughput();
    let warm = table.warm_throughput();
    let on_demand = table.on_demand_throughput();
    capacity(
        billing(table),
        provisioned.and_then(ProvisionedThroughputDescription::read_capacity_units),
        warm.and_then(TableWarmThroughputDescription::read_units_per_second),
        on_demand.and_then(OnDemandThroughput::max_read_request_units),
    )
}

/// The read capacity of a global index of the table: it has its own, billed as the table's is.
pub(super) fn of_index(
    table: &TableDescription,
    index: &GlobalSecondaryIndexDescription,
) -> ReadCapacity {
    let provisioned = index.provisioned_throughput();
    let warm = index.warm_throughput();
    let on_demand = index.on_demand_throughput();
    capacity(
        billing(table),
        provisioned.and_then(ProvisionedThroughputDescription::read_capacity_units),
        warm.and_then(GlobalSecondaryIndexWarmThroughputDescription::read_units_per_second),
        on_demand.and_then(OnDemandThroughput::max_read_request_units),
    )
}

fn billing(table: &TableDescription) -> Option<&BillingMode> {
    let summary = table.billing_mode_summary();
    summary.and_then(BillingModeSummary::billing_mode)
}

/// A table that was never on demand has no billing mode; an on-demand table has 0 provisioned
/// units, and -1 for a removed maximum.
fn capacity(
    billing: Option<&BillingMode>,
    provisioned: Option<i64>,
    warm: Option<i64>,
    maximum: Option<i64>,
) -> ReadCapacity {
    let [provisioned, warm, maximum] =
        [provisioned, warm, maximum].map(|units| u64::try_from(units?).ok().filter(|n| *n > 0));
    match (billing, provisioned) {
        (Some(BillingMode::PayPerRequest), _) => ReadCapacity::OnDemand { warm, maximum },
        (_, Some(units)) => ReadCapacity::Provisioned { units },
        (_, None) => ReadCapacity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_is_what_the_billing_mode_means() {
        let on_demand = Some(&BillingMode::PayPerRequest);
        for (billing, provisioned, warm, maximum, read) in [
            (
                None,
                Some(3000),
                Some(3000),
                None,
                ReadCapacity::Provisioned { units: 3000 },
            ),
            (
                Some(&BillingMode::Provisioned),
                Some(5),
                None,
                None,
                ReadCapacity::Provisioned { units: 5 },
            ),
            (
                on_demand,
                Some(0),
                Some(12_000),
                Some(-1),
                ReadCapacity::OnDemand {
                    warm: Some(12_000),
                    maximum: None,
                },
            ),
            (
                on_demand,
                None,
                None,
                Some(400),
                ReadCapacity::OnDemand {
                    warm: None,
                    maximum: Some(400),
                },
            ),
            (None, Some(0), Some(9), None, ReadCapacity::Unknown),
        ] {
            assert_eq!(capacity(billing, provisioned, warm, maximum), read);
        }
    }
}
