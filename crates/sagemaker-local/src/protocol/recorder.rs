//! Writes every call to a file, one JSON line per call, for tests that compare calls with the
//! service's published model.

use crate::error::Error;
use crate::protocol::refusal::Refusal;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file of calls, if one is configured.
#[derive(Debug)]
pub struct Recorder(Option<Mutex<File>>);

impl Recorder {
    /// Opens the file for appending. Without a path, calls are not recorded.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        let open = |path: &Path| {
            let file = File::options().create(true).append(true).open(path);
            file.map_err(|source| Error::State {
                action: "write",
                path: PathBuf::from(path),
                source,
            })
        };
        Ok(Self(path.map(open).transpose()?.map(Mutex::new)))
    }

    /// Records a call: `{"operation", "request", "response"}`, or `"error"` in place of the
    /// response.
    pub fn record(&self, operation: &str, request: &Value, outcome: &Result<Value, Refusal>) {
        let Some(file) = &self.0 else { return };
        let mut call = json!({"operation": operation, "request": request});
        match outcome {
            Ok(response) => call["response"] = response.clone(),
            Err(refusal) => {
                call["error"] = json!({"code": refusal.code, "message": refusal.message});
            }
        }
        // One write per line, because other processes may append to the same file.
        let line = format!("{call}\n");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::error!(operation, %error, "a call could not be recorded");
        }
    }
}
