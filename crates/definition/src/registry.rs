//! The accounts that hold the images of AWS's built-in algorithms, by region. The table is
//! `data/registries.json`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Accounts by the group of algorithms, then by region.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registries {
    /// The source of the numbers.
    #[serde(rename = "source")]
    _source: String,
    accounts: BTreeMap<String, BTreeMap<String, String>>,
}

static REGISTRIES: LazyLock<Registries> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/registries.json"))
        .expect("data/registries.json is checked by this module's tests")
});

/// The registry of a region, such as `683313688378.dkr.ecr.us-east-1.amazonaws.com`; `None` if the
/// group's account in that region is unknown.
pub(super) fn host(group: &str, region: &str) -> Option<String> {
    let account = REGISTRIES.accounts.get(group)?.get(region)?;
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    Some(format!("{account}.dkr.ecr.{region}.{domain}"))
}

#[cfg(test)]
mod tests {
    use super::{REGISTRIES, host};

    #[test]
    fn accounts_have_twelve_digits() {
        for (group, accounts) in &REGISTRIES.accounts {
            assert!(accounts.len() > 20, "{group}");
            for (region, account) in accounts {
                let digits = account.bytes().all(|byte| byte.is_ascii_digit());
                assert!(account.len() == 12 && digits, "{group} {region}: {account}");
            }
        }
    }

    #[test]
    fn china_has_a_domain_of_its_own_and_an_unknown_region_has_no_host() {
        let china = host("xgboost", "cn-north-1").unwrap();
        assert!(china.ends_with(".amazonaws.com.cn"), "{china}");
        assert_eq!(host("xgboost", "mars-1"), None);
        assert_eq!(host("nobody", "us-east-1"), None);
    }
}
