//! Service Quotas: what an account may use of a service.

use crate::json_client::{Call, Service};
use aws_config::SdkConfig;
use contract::ServiceError;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Source: the service's model of 2019-06-24, protocol AWS JSON 1.1.
const SERVICE: Service = Service {
    name: "Service Quotas",
    id: "Service Quotas",
    host: "servicequotas",
    signing_name: "servicequotas",
    target: "ServiceQuotasV20190624",
    content_type: "application/x-amz-json-1.1",
};

/// Quotas of a page, the most that the service lists at once.
const PAGE: u32 = 100;

/// The client of Service Quotas. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ServiceQuotas {
    applied: Call,
    defaults: Call,
}

/// A quota of the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Its code, such as `L-611FA074`, by which a larger one is asked for.
    pub code: String,
    /// Its value.
    pub value: f64,
}

impl ServiceQuotas {
    /// Service Quotas at the endpoint of `config` (or `AWS_ENDPOINT_URL_SERVICE_QUOTAS`).
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            applied: Call::new(config, &SERVICE, "ListServiceQuotas"),
            defaults: Call::new(config, &SERVICE, "ListAWSDefaultServiceQuotas"),
        }
    }

    /// The quotas of `service`, such as `sagemaker`, with these names. A quota that was never
    /// changed may have a default value only. A name that is no quota's is left out.
    ///
    /// # Errors
    /// If the service refuses or cannot be reached, or its answer cannot be read.
    pub async fn named(
        &self,
        service: &str,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Quota>, ServiceError> {
        let mut found = BTreeMap::new();
        for call in [&self.applied, &self.defaults] {
            let mut token = Value::Null;
            while found.len() < names.len() {
                let mut body = json!({"ServiceCode": service, "MaxResults": PAGE});
                if !token.is_null() {
                    body["NextToken"] = token;
                }
                let mut answer = call.send(service, &body).await?;
                let quotas = answer["Quotas"].as_array();
                for quota in quotas.into_iter().flatten() {
                    let (name, quota) = read(quota).ok_or_else(|| {
                        let message = format!("a quota has no name, code or value: {quota}");
                        call.unreadable(service, message)
                    })?;
                    // A value of the account comes before the default one.
                    if names.contains(name) && !found.contains_key(name) {
                        found.insert(name.to_owned(), quota);
                    }
                }
                token = answer["NextToken"].take();
                if token.is_null() {
                    break;
                }
            }
        }
        Ok(found)
    }
}

fn read(quota: &Value) -> Option<(&str, Quota)> {
    let name = quota["QuotaName"].as_str()?;
    let code = quota["QuotaCode"].as_str()?.to_owned();
    let value = quota["Value"].as_f64()?;
    Some((name, Quota { code, value }))
}
