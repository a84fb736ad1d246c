//! Data capture: writes a sample of an endpoint's invocations to S3 as JSON lines.
//!
//! Source: "Capture data from real-time endpoint" of the SageMaker developer guide.

use crate::app::App;
use crate::protocol::members::parse;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, S3_URI, optional, required, text};
use crate::store::s3_uri::S3Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lake::store::ObjectStore;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

// The invocations of this time are written as one object.
const FLUSH: Duration = Duration::from_secs(1);

/// The constraints on a configuration's `DataCaptureConfig`.
pub const RULES: &[Rule] = &[
    optional("DataCaptureConfig", Kind::Object),
    required(
        "DataCaptureConfig.InitialSamplingPercentage",
        Kind::Integer { min: 0, max: 100 },
    ),
    required("DataCaptureConfig.DestinationS3Uri", text(512, S3_URI)),
    optional("DataCaptureConfig.KmsKeyId", text(2048, ".*")),
    required(
        "DataCaptureConfig.CaptureOptions",
        Kind::List { min: 1, max: 32 },
    ),
    required(
        "DataCaptureConfig.CaptureOptions[].CaptureMode",
        Kind::OneOf(&["Input", "Output", "InputAndOutput"]),
    ),
];

/// What is captured, and its destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CaptureConfig {
    #[serde(default)]
    enable_capture: bool,
    initial_sampling_percentage: f64,
    #[serde(rename = "DestinationS3Uri")]
    destination: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    capture_options: Vec<CaptureOption>,
    #[serde(default)]
    capture_content_type_header: ContentTypes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaptureOption {
    capture_mode: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ContentTypes {
    csv_content_types: Vec<String>,
    json_content_types: Vec<String>,
}

impl CaptureConfig {
    /// Reads a configuration's `DataCaptureConfig`. `None` if capture is disabled.
    pub fn read(config: &Value) -> Result<Option<Self>, Refusal> {
        if config.is_null() {
            return Ok(None);
        }
        let config: Self = parse(config)?;
        S3Uri::parse(&config.destination)?;
        Ok(config.enable_capture.then_some(config))
    }

    /// The summary in the answer of `DescribeEndpoint`.
    pub fn summary(&self) -> Value {
        json!({
            "EnableCapture": self.enable_capture,
            "CurrentSamplingPercentage": self.initial_sampling_percentage,
            "DestinationS3Uri": self.destination,
            // Empty if none is configured.
            "KmsKeyId": self.kms_key_id.as_deref().unwrap_or_default(),
        })
    }

    fn has(&self, mode: &str) -> bool {
        let mut options = self.capture_options.iter();
        options.any(|option| option.capture_mode == mode || option.capture_mode == "InputAndOutput")
    }

    /// One side of an invocation. A body is stored as text only if the configuration lists its
    /// type.
    fn side(&self, mode: &str, content_type: Option<&str>, body: &[u8]) -> Value {
        let types = &self.capture_content_type_header;
        let is_listed =
            |list: &[String]| content_type.is_some_and(|it| list.iter().any(|l| l == it));
        let as_text = |encoding| (String::from_utf8_lossy(body).into_owned(), encoding);
        let (data, encoding) = if is_listed(&types.csv_content_types) {
            as_text("CSV")
        } else if is_listed(&types.json_content_types) {
            as_text("JSON")
        } else {
            (STANDARD.encode(body), "BASE64")
        };
        let mut side = json!({"mode": mode, "data": data, "encoding": encoding});
        if let Some(content_type) = content_type {
            side["observedContentType"] = json!(content_type);
        }
        side
    }
}

/// An answered invocation.
#[derive(Debug)]
pub struct Invocation<'a> {
    pub endpoint: &'a str,
    pub variant: &'a str,
    pub inference_id: Option<&'a str>,
    pub input: (Option<&'a str>, &'a [u8]),
    pub output: (Option<&'a str>, &'a [u8]),
}

/// The data capture of one fleet.
#[derive(Debug)]
pub struct Capture {
    config: CaptureConfig,
    // A std Mutex, because it is held for a push and never across an await.
    waiting: Mutex<Vec<(String, String)>>,
}

impl Capture {
    pub fn new(config: CaptureConfig) -> Self {
        Self {
            config,
            waiting: Mutex::default(),
        }
    }

    /// Captures the invocation if it is in the sample. It is in S3 within about two seconds.
    pub fn record(self: &Arc<Self>, app: &Arc<App>, invocation: &Invocation<'_>) {
        if fastrand::f64() * 100.0 >= self.config.initial_sampling_percentage {
            return;
        }
        let line = self.line(invocation);
        let folder = format!("{}/{}", invocation.endpoint, invocation.variant);
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((folder, line));
            waiting.len() == 1
        };
        if is_first {
            let (capture, app) = (self.clone(), app.clone());
            app.tasks.clone().spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(FLUSH) => {}
                    () = app.closing.cancelled() => {}
                }
                capture.flush(&app).await;
            });
        }
    }

    fn line(&self, invocation: &Invocation<'_>) -> String {
        let mut data = json!({});
        for (mode, member, (content_type, body)) in [
            ("Input", "endpointInput", invocation.input),
            ("Output", "endpointOutput", invocation.output),
        ] {
            if self.config.has(mode) {
                data[member] = self.config.side(&mode.to_uppercase(), content_type, body);
            }
        }
        let mut metadata = json!({
            "eventId": unique(),
            "inferenceTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        if let Some(id) = invocation.inference_id {
            metadata["inferenceId"] = json!(id);
        }
        json!({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}).to_string()
    }

    async fn flush(&self, app: &App) {
        let waiting = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        let mut objects = std::collections::BTreeMap::<String, String>::new();
        for (folder, line) in waiting {
            let lines = objects.entry(folder).or_default();
            lines.push_str(&line);
            lines.push('\n');
        }
        let Ok(destination) = S3Uri::parse(&self.config.destination) else {
            return tracing::error!(
                uri = self.config.destination,
                "captured data has no valid destination"
            );
        };
        for (folder, lines) in objects {
            let now = Timestamp::now();
            let hour = now.strftime("%Y/%m/%d/%H");
            let name = format!("{}-{}.jsonl", now.strftime("%M-%S-%3f"), unique());
            let uri = destination.join(&format!("{folder}/{hour}/{name}"));
            if let Err(error) = app.bucket(&uri.bucket).put(&uri.key, lines.into()).await {
                tracing::error!(%uri, %error, "captured data could not be written");
            }
        }
    }
}

/// A random name in the form of a UUID.
fn unique() -> String {
    let hex = format!("{:032x}", fastrand::u128(..));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
