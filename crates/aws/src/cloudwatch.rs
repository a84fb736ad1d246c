//! `CloudWatch`'s alarms as [`sagemaker_ports::Alarms`].

use crate::json_client::{Call, Service};
use aws_config::SdkConfig;
use contract::ServiceError;
use sagemaker_ports::{AlarmSpec, Alarms, EndpointMetric};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The service's model names AWS JSON 1.0 among its protocols. Its generated client would compress
/// metrics, and thereby build every other client with features that nothing here uses.
const SERVICE: Service = Service {
    name: "CloudWatch",
    id: "CloudWatch",
    host: "monitoring",
    signing_name: "monitoring",
    target: "GraniteServiceVersion20100801",
    content_type: "application/x-amz-json-1.0",
};
const VARIANT: &str = "AllTraffic";
/// The longest list of names that one request describes.
const MOST: usize = 100;

/// The client of `CloudWatch`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CloudWatch {
    client: Client,
}

/// The operations that are called.
#[derive(Debug, Clone)]
struct Client {
    put: Call,
    describe: Call,
}

impl Client {
    const fn put_metric_alarm(&self) -> &Call {
        &self.put
    }

    const fn describe_alarms(&self) -> &Call {
        &self.describe
    }
}

impl CloudWatch {
    /// `CloudWatch` at the endpoint of `config` (or `AWS_ENDPOINT_URL_CLOUDWATCH`).
    pub fn new(config: &SdkConfig) -> Self {
        let client = Client {
            put: Call::new(config, &SERVICE, "PutMetricAlarm"),
            describe: Call::new(config, &SERVICE, "DescribeAlarms"),
        };
        Self { client }
    }
}

impl Alarms for CloudWatch {
    async fn put_alarm(&self, spec: &AlarmSpec) -> Result<(), ServiceError> {
        let call = self.client.put_metric_alarm();
        call.send(&spec.name, &put(spec)).await.map(drop)
    }

    async fn in_alarm(&self, names: &[String]) -> Result<BTreeMap<String, bool>, ServiceError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let body = json!({
            "AlarmNames": names,
            // Without their types, composite alarms are left out.
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": MOST,
        });
        let subject = names.join(", ");
        let call = self.client.describe_alarms();
        let answer = call.send(&subject, &body).await?;
        let kinds = ["MetricAlarms", "CompositeAlarms"];
        let found = kinds
            .iter()
            .flat_map(|kind| answer[*kind].as_array().into_iter().flatten());
        let mut states = BTreeMap::new();
        for alarm in found {
            let (name, is_in_alarm) = state(alarm).ok_or_else(|| {
                let message = format!("an alarm has no name or no state: {alarm}");
                call.unreadable(&subject, message)
            })?;
            states.insert(name, is_in_alarm);
        }
        Ok(states)
    }
}

/// The body of `PutMetricAlarm`.
fn put(spec: &AlarmSpec) -> Value {
    let mut body = json!({
        "AlarmName": spec.name,
        "AlarmDescription": spec.description,
        "AlarmActions": [spec.topic],
        "Namespace": "AWS/SageMaker",
        "Dimensions": [
            {"Name": "EndpointName", "Value": spec.endpoint},
            {"Name": "VariantName", "Value": VARIANT},
        ],
        "Period": 60,
        "Threshold": f64::from(spec.threshold),
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    });
    let tags = spec.tags.iter();
    body["Tags"] = tags
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    match spec.metric {
        EndpointMetric::ServerErrors => {
            body["MetricName"] = "Invocation5XXErrors".into();
            body["Statistic"] = "Sum".into();
            body["EvaluationPeriods"] = 1.into();
        }
        EndpointMetric::Latency => {
            body["MetricName"] = "ModelLatency".into();
            body["ExtendedStatistic"] = "p90".into();
            body["EvaluationPeriods"] = 3.into();
        }
    }
    body
}

fn state(alarm: &Value) -> Option<(String, bool)> {
    let name = alarm["AlarmName"].as_str()?;
    let state = alarm["StateValue"].as_str()?;
    Some((name.to_owned(), state == "ALARM"))
}
