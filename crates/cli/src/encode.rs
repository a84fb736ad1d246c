//! Encodes items as request rows for the endpoint of a run, with the run's `dataset.json`: exactly
//! as for training.

use contract::RunId;
use dataset::{Columns, ColumnsError, CsvRows, Encoder, ItemForm, ItemText, ItemTextError, Reject};
use lake::records::DatasetRecord;
use lake::{DocumentError, ObjectStore, RunKeys, VocabularyError, documents, vocabulary};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

/// Why items were not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The lake has no such dataset.
    #[error("cannot read the dataset of run {run} of pipeline `{pipeline}`")]
    Lake {
        /// The pipeline.
        pipeline: String,
        /// The run.
        run: RunId,
        /// Why.
        source: Box<DocumentError>,
    },
    /// A vocabulary of the dataset cannot be read.
    #[error("cannot read the dataset's vocabularies")]
    Vocabulary(#[from] VocabularyError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A document is not a dataset.
    #[error("{of} is not the dataset.json of a run")]
    Document {
        /// The file or key.
        of: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The dataset's columns cannot encode rows.
    #[error("the dataset's columns cannot encode items")]
    Columns(#[from] ColumnsError),
    /// The items cannot be read.
    #[error("cannot read the items")]
    Input(#[source] std::io::Error),
    /// A line is not an item.
    #[error("line {line} of the items")]
    Item {
        /// The line, from 1.
        line: u64,
        /// Why.
        source: ItemTextError,
    },
    /// An item cannot be encoded.
    #[error("line {line} of the items cannot be encoded")]
    Rejected {
        /// The line, from 1.
        line: u64,
        /// Why.
        source: Reject,
    },
    /// The rows cannot be written.
    #[error("cannot write the rows")]
    Output(#[source] std::io::Error),
}

/// The columns of a run's dataset.
///
/// # Errors
/// If the lake does not hold a valid one.
pub async fn columns_of_run(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<Columns, EncodeError> {
    let key = RunKeys::new(pipeline, run).dataset();
    let record: DatasetRecord =
        documents::read(store, &key, "the dataset")
            .await
            .map_err(|source| EncodeError::Lake {
                pipeline: pipeline.to_owned(),
                run: run.clone(),
                source: Box::new(source),
            })?;
    let vocabularies = vocabulary::read(store, &record.vocabularies).await?;
    let mut columns = columns(record, &key)?;
    columns.set_vocabularies(vocabularies);
    Ok(columns)
}

/// The columns of a local `dataset.json`.
///
/// # Errors
/// If it cannot be read, or is invalid.
pub fn columns_of_file(path: &Path) -> Result<Columns, EncodeError> {
    let text = std::fs::read(path).map_err(|source| EncodeError::File {
        path: path.to_owned(),
        source,
    })?;
    let of = path.display().to_string();
    match serde_json::from_slice(&text) {
        Ok(record) => columns(record, &of),
        Err(source) => Err(EncodeError::Document { of, source }),
    }
}

fn columns(record: DatasetRecord, of: &str) -> Result<Columns, EncodeError> {
    serde_json::from_value(record.columns).map_err(|source| EncodeError::Document {
        of: of.to_owned(),
        source,
    })
}

/// Writes a row of features for each line of the input, in order; empty lines are passed over.
///
/// # Errors
/// At the first line that is not an item or cannot become a row: what comes before it is written.
pub fn encode(
    columns: &Columns,
    form: ItemForm,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<(), EncodeError> {
    let encoder = Encoder::new(columns)?;
    let mut row = CsvRows::new();
    for (number, line) in (1..).zip(input.split(b'\n')) {
        let line = line.map_err(EncodeError::Input)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let item = ItemText::read(&line, form).map_err(|source| EncodeError::Item {
            line: number,
            source,
        })?;
        row.clear();
        let features = encoder.features(&encoder.values(&item.item()), &mut row);
        features.map_err(|source| EncodeError::Rejected {
            line: number,
            source,
        })?;
        output
            .write_all(row.as_bytes())
            .map_err(EncodeError::Output)?;
    }
    output.flush().map_err(EncodeError::Output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::MemoryStore;
    use serde_json::json;

    fn record() -> serde_json::Value {
        json!({
            "run": "20261120-173000-1a2b3c4d",
            "rows": { "train": 1, "validation": 1, "rejected": 0 },
            "channels": ["train", "validation"],
            "contentType": "text/csv",
            "columns": {
                "label": "rating",
                "columns": [
                    { "path": "user", "encoding": "ordinal", "vocabulary": ["u1", "u2"] },
                    { "path": "context.price", "encoding": "number" },
                ],
                "split": { "by": ["user"], "validation": 0.1, "seed": 0 },
                "inferred": false,
            },
            "files": [],
        })
    }

    fn columns() -> Columns {
        serde_json::from_value(record()["columns"].clone()).unwrap()
    }

    fn encoded(input: &str) -> (String, Result<(), EncodeError>) {
        let mut output = Vec::new();
        let result = encode(&columns(), ItemForm::Either, input.as_bytes(), &mut output);
        (String::from_utf8(output).unwrap(), result)
    }

    #[test]
    fn items_of_either_form_give_the_same_row() {
        let input = r#"{"user":{"S":"u2"},"context":{"M":{"price":{"N":"1.50"}}}}
{"Item":{"user":{"S":"u2"},"context":{"M":{"price":{"N":"1.5"}}}}}

{"user": "u2", "context": {"price": 1.50}}
{"user": "never seen"}"#;
        let (rows, result) = encoded(input);
        result.unwrap();
        assert_eq!(rows, "2,1.5\n2,1.5\n2,1.5\n0,\n");
    }

    #[test]
    fn the_first_line_that_is_no_row_is_named() {
        let (rows, result) = encoded("{\"user\": \"u1\"}\n{\"user\": true}\n{\"user\": \"u2\"}\n");
        assert_eq!(rows, "1,\n");
        assert!(matches!(result, Err(EncodeError::Rejected { line: 2, .. })));
        let (_, result) = encoded("\nuser\n");
        assert!(matches!(result, Err(EncodeError::Item { line: 2, .. })));
    }

    #[tokio::test]
    async fn columns_come_from_the_lake_or_from_a_file() {
        let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
        let store = MemoryStore::new();
        let missing = columns_of_run(&store, "p", &run).await;
        assert!(matches!(missing, Err(EncodeError::Lake { .. })));
        documents::write(&store, &RunKeys::new("p", &run).dataset(), &record())
            .await
            .unwrap();
        let from_lake = columns_of_run(&store, "p", &run).await.unwrap();
        assert_eq!(from_lake, columns());

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dataset.json");
        assert!(matches!(
            columns_of_file(&file),
            Err(EncodeError::File { .. })
        ));
        std::fs::write(&file, record().to_string()).unwrap();
        assert_eq!(columns_of_file(&file).unwrap(), columns());
        std::fs::write(&file, "{}").unwrap();
        assert!(matches!(
            columns_of_file(&file),
            Err(EncodeError::Document { .. })
        ));
    }
}
