//! A request for a transform job: its constraints, and what its run needs of it.

use crate::protocol::{Refusal, parse};
use crate::s3_uri::S3Uri;
use crate::tags;
use crate::validation::{self, Kind, NAME, Rule, S3_URI, check, optional, required};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const RULES: &[Rule] = &[
    required("TransformJobName", validation::text(63, NAME)),
    required("ModelName", validation::text(63, NAME)),
    optional(
        "MaxConcurrentTransforms",
        Kind::Integer {
            min: 0,
            max: i64::MAX,
        },
    ),
    optional(
        "MaxPayloadInMB",
        Kind::Integer {
            min: 0,
            max: i64::MAX,
        },
    ),
    optional(
        "BatchStrategy",
        Kind::OneOf(&["MultiRecord", "SingleRecord"]),
    ),
    optional(
        "Environment",
        Kind::TextMap {
            entries: 16,
            key: 1024,
            value: 10_240,
        },
    ),
    required("TransformInput", Kind::Object),
    required("TransformInput.DataSource", Kind::Object),
    required("TransformInput.DataSource.S3DataSource", Kind::Object),
    required(
        "TransformInput.DataSource.S3DataSource.S3DataType",
        Kind::OneOf(&["ManifestFile", "S3Prefix", "AugmentedManifestFile"]),
    ),
    required(
        "TransformInput.DataSource.S3DataSource.S3Uri",
        validation::text(1024, S3_URI),
    ),
    optional(
        "TransformInput.SplitType",
        Kind::OneOf(&["None", "Line", "RecordIO", "TFRecord"]),
    ),
    optional(
        "TransformInput.CompressionType",
        Kind::OneOf(&["None", "Gzip"]),
    ),
    required("TransformOutput", Kind::Object),
    required(
        "TransformOutput.S3OutputPath",
        validation::text(1024, S3_URI),
    ),
    optional(
        "TransformOutput.AssembleWith",
        Kind::OneOf(&["None", "Line"]),
    ),
    required("TransformResources", Kind::Object),
    required(
        "TransformResources.InstanceType",
        Kind::Text {
            min: 1,
            max: 64,
            pattern: r"ml\.[a-z0-9\-]+\.[a-z0-9]+",
        },
    ),
    required(
        "TransformResources.InstanceCount",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
];
const DEFAULT_PAYLOAD_MB: usize = 6;

/// What a job's run needs of the request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransformRequest {
    #[serde(rename = "TransformJobName")]
    pub name: String,
    pub model_name: String,
    pub batch_strategy: Option<String>,
    #[serde(rename = "MaxPayloadInMB")]
    max_payload: Option<usize>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(rename = "TransformInput")]
    pub input: Input,
    #[serde(rename = "TransformOutput")]
    pub output: Output,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    data_source: DataSource,
    pub content_type: Option<String>,
    split_type: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct DataSource {
    #[serde(rename = "S3DataSource")]
    s3: S3DataSource,
}

#[derive(Debug, Clone, Deserialize)]
struct S3DataSource {
    #[serde(rename = "S3Uri")]
    uri: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "S3OutputPath")]
    path: String,
    pub accept: Option<String>,
    assemble_with: Option<String>,
}

impl TransformRequest {
    /// Reads a request that meets the API's constraints, and asks for nothing that is not here.
    pub fn read(request: &Value) -> Result<Self, Refusal> {
        check(request, RULES)?;
        check(request, tags::RULES)?;
        let input = &request["TransformInput"];
        let processing = &request["DataProcessing"];
        let has = |member: &str| !processing[member].is_null();
        let found = if input["DataSource"]["S3DataSource"]["S3DataType"] != "S3Prefix" {
            "an S3DataType other than S3Prefix"
        } else if input["CompressionType"] == "Gzip" {
            "input of CompressionType Gzip"
        } else if ["RecordIO", "TFRecord"]
            .iter()
            .any(|kind| input["SplitType"] == *kind)
        {
            "a SplitType other than None and Line"
        } else if has("InputFilter") || has("OutputFilter") || processing["JoinSource"] == "Input" {
            "DataProcessing with filters or a join"
        } else {
            let wanted: Self = parse(request)?;
            wanted.source()?;
            S3Uri::parse(&wanted.output.path)?;
            return Ok(wanted);
        };
        Err(Refusal::validation(format!(
            "sagemaker-local does not support {found}"
        )))
    }

    /// Below which prefix the input is.
    pub fn source(&self) -> Result<S3Uri, Refusal> {
        S3Uri::parse(&self.input.data_source.s3.uri)
    }

    /// Where the answers to the object `name` go.
    pub fn target(&self, name: &str) -> Result<S3Uri, Refusal> {
        Ok(S3Uri::parse(&self.output.path)?.join(&format!("{name}.out")))
    }

    /// The payloads that a file is sent as.
    pub fn payloads<'a>(&self, content: &'a [u8]) -> Vec<&'a [u8]> {
        if self.input.split_type.as_deref() != Some("Line") {
            return vec![content];
        }
        let most = self.max_payload.unwrap_or(DEFAULT_PAYLOAD_MB).max(1) * 1024 * 1024;
        let is_single = self.batch_strategy.as_deref() == Some("SingleRecord");
        let mut payloads = Vec::new();
        let (mut start, mut end) = (0, 0);
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if end > start && (is_single || end - start + line.len() > most) {
                payloads.push(&content[start..end]);
                start = end;
            }
            end += line.len();
        }
        if end > start {
            payloads.push(&content[start..end]);
        }
        payloads
    }

    /// Adds an answer to those before it.
    pub fn assemble(&self, answers: &mut Vec<u8>, answer: &[u8]) {
        answers.extend_from_slice(answer);
        let by_line = self.output.assemble_with.as_deref() == Some("Line");
        if by_line && !answer.ends_with(b"\n") {
            answers.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(change: &Value) -> TransformRequest {
        let mut request = json!({
            "TransformJobName": "t", "ModelName": "m",
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}},
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": "s3://b/out", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        });
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        TransformRequest::read(&request).unwrap()
    }

    #[test]
    fn files_are_split_between_lines() {
        let content = b"1,2\n3,4\n5,6";
        let single = request(&json!({"BatchStrategy": "SingleRecord"}));
        assert_eq!(single.payloads(content), [&b"1,2\n"[..], b"3,4\n", b"5,6"]);
        assert_eq!(request(&json!({})).payloads(content), [&content[..]]);
        let one = request(&json!({"MaxPayloadInMB": 1}));
        let long = vec![b'x'; 700_000];
        let lines = [&long[..], b"\n", &long[..], b"\n"].concat();
        assert_eq!(one.payloads(&lines).len(), 2);
    }
}
