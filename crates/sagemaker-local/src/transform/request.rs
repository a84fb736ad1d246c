//! The request for a transform job: its constraints, and the members that the run needs.

use crate::protocol::members::parse;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{self, Kind, NAME, Rule, S3_URI, check, optional, required};
use crate::store::s3_uri::S3Uri;
use crate::tags;
use crate::transform::input_filter::{self, InputFilter};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
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
    optional("DataProcessing", Kind::Object),
    optional(
        input_filter::MEMBER,
        Kind::Text {
            min: 0,
            max: 63,
            pattern: ".*",
        },
    ),
    optional(
        "DataProcessing.OutputFilter",
        Kind::Text {
            min: 0,
            max: 63,
            pattern: ".*",
        },
    ),
    optional("DataProcessing.JoinSource", Kind::OneOf(&["Input", "None"])),
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

/// The members that the run needs.
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
    #[serde(skip)]
    filter: Option<InputFilter>,
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
    /// Checks a request against the API's constraints, refuses what is not supported, and parses
    /// it.
    pub fn read(request: &Value) -> Result<Self, Refusal> {
        check(request, RULES)?;
        tags::validate(request)?;
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
        } else if has("OutputFilter") || processing["JoinSource"] == "Input" {
            "DataProcessing with an OutputFilter or a join"
        } else {
            let mut parsed: Self = parse(request)?;
            parsed.filter = parsed.filter_of(&processing["InputFilter"])?;
            parsed.source()?;
            S3Uri::parse(&parsed.output.path)?;
            return Ok(parsed);
        };
        Err(Refusal::validation(format!(
            "sagemaker-local does not support {found}"
        )))
    }

    /// The request's filter. Only CSV can be filtered.
    fn filter_of(&self, filter: &Value) -> Result<Option<InputFilter>, Refusal> {
        let Some(filter) = filter.as_str() else {
            return Ok(None);
        };
        let found = InputFilter::parse(filter).map_err(Refusal::validation)?;
        let is_csv = self.input.content_type.as_deref().is_some_and(|it| {
            let kind = it.split_once(';').map_or(it, |(kind, _)| kind);
            kind.trim().eq_ignore_ascii_case("text/csv")
        });
        if found.is_some() && !is_csv {
            return Err(Refusal::validation(format!(
                "sagemaker-local filters text/csv only: {} is `{filter}`, TransformInput.ContentType is {:?}",
                input_filter::MEMBER,
                self.input.content_type.as_deref().unwrap_or_default()
            )));
        }
        Ok(found)
    }

    /// The part of a file that the model gets.
    pub fn filtered<'a>(&self, content: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        match &self.filter {
            None => Ok(Cow::Borrowed(content)),
            Some(filter) => filter.apply(content).map(Cow::Owned),
        }
    }

    /// The prefix of the input.
    pub fn source(&self) -> Result<S3Uri, Refusal> {
        S3Uri::parse(&self.input.data_source.s3.uri)
    }

    /// The URI of the answers to the object `name`.
    pub fn target(&self, name: &str) -> Result<S3Uri, Refusal> {
        Ok(S3Uri::parse(&self.output.path)?.join(&format!("{name}.out")))
    }

    /// Splits a file into payloads. The error names a part that is too large for one.
    pub fn payloads<'a>(&self, content: &'a [u8]) -> Result<Vec<&'a [u8]>, String> {
        // 0 means no limit.
        let most = match self.max_payload.unwrap_or(DEFAULT_PAYLOAD_MB) {
            0 => usize::MAX,
            megabytes => megabytes.saturating_mul(1024 * 1024),
        };
        let fits = |what: &str, length: usize| {
            if length <= most {
                return Ok(());
            }
            Err(format!(
                "{what} has {length} bytes, more than MaxPayloadInMB allows, which is {}",
                most / (1024 * 1024)
            ))
        };
        if self.input.split_type.as_deref() != Some("Line") {
            fits("the file", content.len())?;
            return Ok(vec![content]);
        }
        let is_single = self.batch_strategy.as_deref() == Some("SingleRecord");
        let mut payloads = Vec::new();
        let (mut start, mut end) = (0, 0);
        for (number, line) in (1..).zip(content.split_inclusive(|byte| *byte == b'\n')) {
            fits(&format!("line {number}"), line.len())?;
            if end > start && (is_single || end - start + line.len() > most) {
                payloads.push(&content[start..end]);
                start = end;
            }
            end += line.len();
        }
        if end > start {
            payloads.push(&content[start..end]);
        }
        Ok(payloads)
    }

    /// Appends an answer to the earlier ones.
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

    fn base() -> Value {
        json!({
            "TransformJobName": "t", "ModelName": "m",
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}},
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": "s3://b/out", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        })
    }

    fn request(change: &Value) -> TransformRequest {
        let mut request = base();
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        TransformRequest::read(&request).unwrap()
    }

    #[test]
    fn only_csv_is_filtered() {
        let filtered = |kind: &str, filter: &str| {
            let mut change = json!({"DataProcessing": {"InputFilter": filter}});
            change["TransformInput"] = base()["TransformInput"].clone();
            change["TransformInput"]["ContentType"] = json!(kind);
            let mut request = base();
            request
                .as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            TransformRequest::read(&request)
        };
        let one = filtered("text/csv; label_size=0", "$[1:]").unwrap();
        assert_eq!(&*one.filtered(b"1,2\n3,4\n").unwrap(), b"2\n4\n");
        let all = filtered("application/jsonlines", "$").unwrap();
        assert_eq!(&*all.filtered(b"{}\n").unwrap(), b"{}\n");
        for (kind, filter, problem) in [
            ("application/jsonlines", "$[1:]", "text/csv only"),
            ("text/csv", "$.features", "not `$.features`"),
            ("text/csv", &"x".repeat(64), "less than or equal to 63"),
        ] {
            let refusal = filtered(kind, filter).unwrap_err();
            assert!(refusal.message.contains(problem), "{}", refusal.message);
        }
    }

    #[test]
    fn files_are_split_between_lines() {
        let content = b"1,2\n3,4\n5,6";
        let single = request(&json!({"BatchStrategy": "SingleRecord"}));
        let single = single.payloads(content).unwrap();
        assert_eq!(single, [&b"1,2\n"[..], b"3,4\n", b"5,6"]);
        let whole = request(&json!({}));
        assert_eq!(whole.payloads(content).unwrap(), [&content[..]]);
        let one = request(&json!({"MaxPayloadInMB": 1}));
        let long = vec![b'x'; 700_000];
        let lines = [&long[..], b"\n", &long[..], b"\n"].concat();
        assert_eq!(one.payloads(&lines).unwrap().len(), 2);
        assert!(whole.payloads(b"").unwrap().is_empty());
    }

    #[test]
    fn a_line_larger_than_a_payload_is_reported() {
        let one = request(&json!({"MaxPayloadInMB": 1}));
        let long = [&b"1\n"[..], &vec![b'x'; 1024 * 1024], b"\n"].concat();
        let problem = one.payloads(&long).unwrap_err();
        assert!(problem.starts_with("line 2 has 1048577 bytes"), "{problem}");
        let any = request(&json!({"MaxPayloadInMB": 0}));
        assert_eq!(any.payloads(&vec![b'x'; 7 << 20]).unwrap().len(), 1);
    }
}
