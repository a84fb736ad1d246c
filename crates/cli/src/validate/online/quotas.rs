//! Whether the account may use the instances that a run asks for. A new account may use none of
//! most types.

use super::{Account, Found};
use crate::demand::{Demand, demands};
use aws::quotas::{Quota, ServiceQuotas};
use contract::chain;
use definition::{Definition, FieldError};
use std::collections::{BTreeMap, BTreeSet};

impl Account<'_> {
    /// Compares the instances of the definition with the account's quotas.
    pub(super) async fn quotas(&self, definition: &Definition, found: &mut Found) {
        let demands = demands(definition);
        if demands.is_empty() {
            return;
        }
        let region = self.place.region();
        let names: BTreeSet<_> = demands.iter().map(|demand| demand.quota.clone()).collect();
        let quotas = ServiceQuotas::new(self.place.config());
        match quotas.named("sagemaker", &names).await {
            Ok(quotas) => compare(&demands, &quotas, region, found),
            Err(error) => {
                let names = Vec::from_iter(names).join(", ");
                // A run waits for instances and names the quota that is too small.
                found.unknowable(format!("the quotas {names}"), chain(&error));
            }
        }
    }
}

fn compare(demands: &[Demand], quotas: &BTreeMap<String, Quota>, region: &str, found: &mut Found) {
    for demand in demands {
        let Demand {
            path,
            quota: name,
            instances,
            because,
            ..
        } = demand;
        let Some(Quota { code, value }) = quotas.get(name) else {
            let why = format!("{region} has no such quota: is it an instance type of this region?");
            found.unknowable(format!("the quota {name}"), why);
            continue;
        };
        if *value >= f64::from(*instances) {
            continue;
        }
        let message = format!(
            "needs {instances} of the quota `{name}`{because}, which is {value} in {region}: name \
             another type, or `aws service-quotas request-service-quota-increase --service-code \
             sagemaker --quota-code {code} --desired-value {instances}`"
        );
        found.faults.push(FieldError::new(*path, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_that_is_too_small_or_not_there_is_told() {
        let demand = |quota: &str, instances| Demand {
            step: "training",
            path: "training.instanceType",
            quota: quota.to_owned(),
            instances,
            because: String::new(),
        };
        let quota = |value| Quota {
            code: "L-1".to_owned(),
            value,
        };
        let quotas = [("a", quota(1.0)), ("b", quota(2.0))];
        let quotas = quotas.map(|(name, quota)| (name.to_owned(), quota)).into();
        let mut found = Found::default();
        let demands = [demand("a", 2), demand("b", 2), demand("c", 1)];
        compare(&demands, &quotas, "eu-central-1", &mut found);
        let faults: Vec<_> = found.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        let start = "field `training.instanceType`: needs 2 of the quota `a`, which is 1 in \
                     eu-central-1: name another type, or `aws service-quotas ";
        assert!(faults[0].starts_with(start), "{faults:?}");
        assert!(faults[0].contains("--quota-code L-1 --desired-value 2`"));
        assert_eq!(found.unchecked.len(), 1, "{:?}", found.unchecked);
        assert_eq!(found.unchecked[0].what, "the quota c");
        assert_eq!(found.unchecked[0].exit, None);
    }
}
