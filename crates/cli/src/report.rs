//! Shows how a run ended, and the quality report of its data: the verdicts of the gate, the drift,
//! the attributes.

use contract::RunId;
use contract::states::Outcome;
use dataset::{GateVerdict, Quality};
use lake::{DocumentError, ObjectStore, RunKeys, documents};
use profile::{AttributeStatistics, Statistics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;

/// Why a report cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The lake cannot be read, or does not hold the report.
    #[error("cannot read the quality report of run {run} of pipeline `{pipeline}`")]
    Lake {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// Why.
        source: Box<DocumentError>,
    },
}

/// What the report for programs says of the run's end.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    outcome: Outcome,
    finished: String,
}

/// How a run ended and the quality report of its data, as text.
///
/// # Errors
/// If the lake cannot be read, or the run's export has not been checked yet.
pub async fn of_run(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<String, ReportError> {
    let keys = RunKeys::new(pipeline, run);
    let read = async {
        let quality: Quality =
            documents::read(store, &keys.quality(), "the report on a run's data").await?;
        let statistics: Statistics =
            documents::read(store, &keys.profile(), "the profile of a run").await?;
        let end: Option<End> =
            documents::read_if_there(store, &keys.report(), "a run's report").await?;
        Ok((end, quality, statistics))
    };
    let (end, quality, statistics) = read.await.map_err(|source| ReportError::Lake {
        pipeline: pipeline.to_owned(),
        run: run.clone(),
        source: Box::new(source),
    })?;
    let mut text = ending(end.as_ref());
    text.push_str(&summary(&statistics, &quality));
    if end.is_some() {
        // Writing to memory cannot fail.
        let _ = writeln!(
            text,
            "\nthe run's report: s3://{}/{}",
            store.bucket(),
            keys.report_for_people()
        );
        let _ = writeln!(text, "as a page: s3://{}/{}", store.bucket(), keys.page());
    }
    Ok(text)
}

/// A run's reports as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// Its `report.json`: what it did; absent if it has not ended well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
    /// Its `quality.json`: the verdicts of the quality gate, and the drift.
    pub quality: Value,
    /// Its `profile.json`: the attributes.
    pub profile: Value,
}

/// How a run ended and the quality report of its data, as JSON.
///
/// # Errors
/// If the lake cannot be read, or the run's export has not been checked yet.
pub async fn document(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<Document, ReportError> {
    let keys = RunKeys::new(pipeline, run);
    let read = async {
        Ok(Document {
            quality: documents::read(store, &keys.quality(), "the report on a run's data").await?,
            profile: documents::read(store, &keys.profile(), "the profile of a run").await?,
            report: documents::read_if_there(store, &keys.report(), "a run's report").await?,
        })
    };
    read.await.map_err(|source| ReportError::Lake {
        pipeline: pipeline.to_owned(),
        run: run.clone(),
        source: Box::new(source),
    })
}

/// How the run ended, in a line.
fn ending(end: Option<&End>) -> String {
    match end {
        Some(End { outcome, finished }) => format!("ended as {outcome} at {finished}\n"),
        None => "not ended well, or not yet\n".to_owned(),
    }
}

fn summary(statistics: &Statistics, quality: &Quality) -> String {
    let mut text = format!("{} items", statistics.items);
    if !statistics.is_exact() {
        let _ = write!(
            text,
            "; values and means are of a sample of {}",
            statistics.sampled
        );
    }
    text.push_str("\n\nquality gate\n");
    table(
        &mut text,
        &["", "bound", "column", "limit", "value"],
        quality.gate.iter().map(verdict),
    );
    let _ = writeln!(text, "\ndrift: {}", quality.comparison);
    for line in quality.changes() {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("\nattributes\n");
    let names = [
        "",
        "path",
        "types",
        "missing",
        "distinct",
        "range",
        "most frequent",
    ];
    let rows = statistics.attributes.iter().map(|(path, statistics)| {
        let role = match path {
            _ if quality.label.as_ref() == Some(path) => "label",
            _ if quality.columns.contains(path) => "column",
            _ => "",
        };
        attribute_row(role, path, statistics)
    });
    table(&mut text, &names, rows);
    text
}

fn verdict(verdict: &GateVerdict) -> Vec<String> {
    vec![
        if verdict.passed { "passed" } else { "FAILED" }.to_owned(),
        verdict.bound.clone(),
        verdict.column.clone().unwrap_or_default(),
        verdict.limit_text(),
        verdict.value_text(),
    ]
}

fn attribute_row(role: &str, path: &str, attribute: &AttributeStatistics) -> Vec<String> {
    let types: Vec<_> = attribute
        .types
        .kinds()
        .iter()
        .map(ToString::to_string)
        .collect();
    let distinct = attribute.distinct.map(|distinct| {
        let about = if distinct.exact { "" } else { "~" };
        format!("{about}{}", distinct.count)
    });
    let range = attribute.numbers.as_ref();
    let range = range.map(|numbers| format!("{} to {}", numbers.minimum, numbers.maximum));
    let frequent = attribute.frequent.first();
    let frequent = frequent.map(|value| format!("{:?} {:.1} %", value.value, value.share * 100.0));
    vec![
        role.to_owned(),
        path.to_owned(),
        types.join("+"),
        format!("{:.1} %", attribute.missing * 100.0),
        distinct.unwrap_or_default(),
        range.unwrap_or_default(),
        frequent.unwrap_or_default(),
    ]
}

/// Writes a table whose columns are as wide as their cells.
fn table(text: &mut String, names: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<_> = std::iter::once(names).chain(rows).collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for row in &rows {
        let cells = row.iter().enumerate();
        let cells: Vec<_> = cells
            .map(|(at, cell)| format!("{cell:<0$}", width(at)))
            .collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset::judge;
    use profile::Profile;
    use serde_json::json;

    #[tokio::test]
    async fn the_end_of_a_run_comes_first() {
        let store = lake::MemoryStore::new();
        let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
        let keys = RunKeys::new("nightly", &run);
        let statistics = Profile::new().statistics();
        documents::write(&store, &keys.quality(), &Quality::default())
            .await
            .unwrap();
        documents::write(&store, &keys.profile(), &statistics)
            .await
            .unwrap();
        let text = of_run(&store, "nightly", &run).await.unwrap();
        assert!(text.starts_with("not ended well, or not yet\n"), "{text}");
        let report = json!({"outcome": "Exported", "finished": "2026-11-20T18:00:00Z", "rest": 1});
        documents::write(&store, &keys.report(), &report)
            .await
            .unwrap();
        let text = of_run(&store, "nightly", &run).await.unwrap();
        assert!(
            text.starts_with("ended as Exported at 2026-11-20T18:00:00Z\n0 items"),
            "{text}"
        );
        assert!(text.contains(&keys.report_for_people()), "{text}");
    }

    #[test]
    fn a_report_has_a_few_lines() {
        let mut profile = Profile::new();
        for at in 0..4 {
            let item =
                json!({ "y": { "N": at.to_string() }, "kind": { "S": "a\u{1b}" } }).to_string();
            let line = format!("{{\"Item\":{item}}}");
            profile.observe(&dynamodb_json::parse_item(item.as_bytes()).unwrap());
            profile.sample(at, line.as_bytes());
        }
        let mut definition = crate::demo::definition().dataset.unwrap();
        definition.label = "y".to_owned();
        definition.gate.minimum_rows = 5;
        let statistics = profile.statistics();
        let quality = Quality {
            label: Some("y".to_owned()),
            columns: vec!["kind".to_owned()],
            gate: judge(&definition, None, &statistics, None),
            comparison: "compared with nothing".to_owned(),
            drift: None,
            notes: Vec::new(),
        };
        let text = summary(&statistics, &quality);
        for words in [
            "4 items\n",
            "  FAILED  minimumRows                  5      4\n",
            "drift: compared with nothing\n",
            "  label   y     N      0.0 %    4         0 to 3  \"0\" 25.0 %\n",
            "  column  kind  S      0.0 %    1                 \"a\\u{1b}\" 100.0 %\n",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
    }
}
