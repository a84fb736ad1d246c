//! Reads the predictions of a transform job: one line for each row, with a number, or a probability
//! for each class.

use lake::store::ByteStream;
use lake::{ObjectStore, StoreError};

/// Why the predictions cannot be used.
pub enum PredictionsError {
    /// They are invalid: what is wrong, in words.
    Invalid(String),
    /// They could not be read.
    Store(StoreError),
}

impl From<StoreError> for PredictionsError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Calls `row` with each row's number, from 0, and its predictions.
pub async fn read(
    store: &impl ObjectStore,
    prefix: &str,
    rows: u64,
    mut row: impl FnMut(usize, &[f64]) -> Result<(), String>,
) -> Result<(), PredictionsError> {
    let objects = store.list(&format!("{prefix}/")).await?;
    let mut answers = objects
        .iter()
        .filter(|it| it.key.rsplit('.').next() == Some("out"));
    let (Some(answer), None) = (answers.next(), answers.next()) else {
        let bucket = store.bucket();
        let problem = format!("there is not one object s3://{bucket}/{prefix}/….out");
        return Err(PredictionsError::Invalid(problem));
    };
    let mut stream = store.stream(&answer.key).await?;
    let mut text: Vec<u8> = Vec::new();
    let mut numbers = Vec::new();
    let mut count = 0;
    let mut take = |line: &[u8]| -> Result<(), String> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() {
            return Ok(());
        }
        // XGBoost writes the probabilities of several classes as Python writes a list.
        let cells = line
            .trim_start_matches('[')
            .trim_end_matches(']')
            .split(',');
        numbers.clear();
        for cell in cells {
            let number = cell.trim().parse();
            numbers.push(number.map_err(|_| format!("{:?} is no number", shortened(cell)))?);
        }
        if count < rows {
            let at = usize::try_from(count).unwrap_or(usize::MAX);
            row(at, &numbers).map_err(|problem| format!("row {}: {problem}", count + 1))?;
        }
        count += 1;
        Ok(())
    };
    while let Some(frame) = stream.next().await? {
        let mut rest = &frame[..];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            text.extend_from_slice(&rest[..end]);
            take(&text).map_err(PredictionsError::Invalid)?;
            text.clear();
            rest = &rest[end + 1..];
        }
        text.extend_from_slice(rest);
    }
    take(&text).map_err(PredictionsError::Invalid)?;
    if count == rows {
        return Ok(());
    }
    Err(PredictionsError::Invalid(format!(
        "{rows} rows were answered with {count} lines"
    )))
}

fn shortened(cell: &str) -> String {
    cell.trim().chars().take(60).collect()
}
