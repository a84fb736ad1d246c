//! Reports whether a run's data still is what the run committed.

use crate::progress::{Progress, count};
use contract::RunId;
use contract::states::RowCounts;
use lake::verify::{Verification, verify};
use lake::{DocumentError, ObjectStore, RunKeys};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// Why data was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The lake cannot be read.
    #[error("cannot read run {run} of pipeline `{pipeline}`")]
    Lake {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// Why.
        source: Box<DocumentError>,
    },
    /// Data differs from its records; the summary lists the findings.
    #[error("run {run} of pipeline `{pipeline}` differs from what was committed: {}", findings(*count))]
    NotSound {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// Number of findings.
        count: usize,
    },
}

fn findings(count: usize) -> String {
    if count == 1 {
        "one finding".to_owned()
    } else {
        format!("{count} findings")
    }
}

/// Reads all data of a run and compares it with its records, showing a bar.
///
/// # Errors
/// If the lake cannot be read.
pub async fn read_again(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
    progress: &Progress,
) -> Result<Verification, VerifyError> {
    let step = progress.step(format!("Verifying run {run}"));
    let keys = RunKeys::new(pipeline, run);
    let outcome = verify(store, &keys, &|done, total| {
        step.count(done >> 20, total >> 20, "MiB");
    })
    .await;
    let verification = outcome.map_err(|source| VerifyError::Lake {
        pipeline: pipeline.to_owned(),
        run: run.clone(),
        source: Box::new(source),
    })?;
    step.done(&format!(
        "{} objects",
        verification.parts + verification.files
    ));
    Ok(verification)
}

/// The result as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The run.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// The lake's bucket.
    pub bucket: String,
    /// Whether every object holds what was committed.
    pub sound: bool,
    /// Segments with their manifests.
    pub segments: u32,
    /// Parts of the segments.
    pub parts: usize,
    /// Items in the parts.
    pub items: u64,
    /// Bytes of the items' lines, before compression.
    pub bytes: u64,
    /// The order-independent checksum of the lines, 16 hexadecimal digits.
    pub checksum: String,
    /// Rows of the dataset, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
    /// Files of the dataset.
    pub files: usize,
    /// Keys of parts that no manifest lists, and no reader uses.
    pub unlisted: Vec<String>,
    /// What is not as committed, in one line each.
    pub findings: Vec<String>,
}

impl Document {
    /// The result of this run.
    pub fn of(verification: &Verification, bucket: &str, pipeline: &str, run: &RunId) -> Self {
        let findings = verification.findings.iter();
        Self {
            run: run.clone(),
            pipeline: pipeline.to_owned(),
            bucket: bucket.to_owned(),
            sound: verification.is_sound(),
            segments: verification.segments,
            parts: verification.parts,
            items: verification.exported.items,
            bytes: verification.exported.raw_bytes,
            checksum: format!("{:016x}", verification.exported.checksum.0),
            rows: verification.rows,
            files: verification.files,
            unlisted: verification.unlisted.clone(),
            findings: findings.map(ToString::to_string).collect(),
        }
    }
}

/// The result as text.
pub fn summary(verification: &Verification, bucket: &str, pipeline: &str, run: &RunId) -> String {
    let Verification {
        segments,
        parts,
        exported,
        rows,
        files,
        unlisted,
        findings,
    } = verification;
    let mut text = format!("run {run} of pipeline `{pipeline}` in s3://{bucket}\n");
    let mut line = |name: &str, rest: String| {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "  {name:<9} {rest}");
    };
    line(
        "export",
        format!(
            "{} items in {} of {segments} segments, {} bytes of lines, checksum {:016x}",
            count(exported.items),
            plural(*parts, "part"),
            count(exported.raw_bytes),
            exported.checksum.0
        ),
    );
    match rows {
        Some(rows) => line(
            "dataset",
            format!(
                "{} rows to train on, {} to validate on, {} rejected, in {}",
                count(rows.train),
                count(rows.validation),
                count(rows.rejected),
                plural(*files, "file")
            ),
        ),
        None => line("dataset", "none yet".to_owned()),
    }
    if !unlisted.is_empty() {
        let left = plural(unlisted.len(), "part");
        line(
            "unlisted",
            format!("{left} of attempts that lost or were killed; no reader uses them"),
        );
    }
    for finding in findings {
        line("NOT SOUND", finding.to_string());
    }
    if verification.is_sound() {
        line(
            "sound",
            "every object holds what was committed, and the counts agree".to_owned(),
        );
    }
    text
}

fn plural(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {what}{s}", count(number as u64))
}
