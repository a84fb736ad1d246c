//! Reports everything that is wrong with definitions, each fault at its place in the file.

mod document;
mod render;

pub use document::{Document, DocumentError, MAX_BYTES, PlacedFault};
pub use render::{as_json, as_text};

use definition::Definition;

/// Why definitions are not known to be valid.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// A file cannot be looked at.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Definitions have faults, which were printed.
    #[error("{invalid} of {files} definitions not valid: mend the faults above")]
    Invalid {
        /// Definitions with faults.
        invalid: usize,
        /// Definitions.
        files: usize,
    },
}

/// What was found in one file.
#[derive(Debug)]
pub struct Checked {
    /// The text.
    pub document: Document,
    /// The definition, unless there are faults.
    pub outcome: Result<Box<Definition>, Vec<PlacedFault>>,
}

impl Checked {
    /// The faults, none if the definition is valid.
    pub fn faults(&self) -> &[PlacedFault] {
        self.outcome.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

/// Checks a definition by the function that the pipeline checks it with.
pub fn check(document: Document) -> Checked {
    let outcome = document.value().and_then(|value| {
        dataset::read_definition(&value)
            .map(Box::new)
            .map_err(|faults| document.place(faults.as_slice()))
    });
    Checked { document, outcome }
}

/// Succeeds if every definition is valid.
///
/// # Errors
/// How many are not.
pub fn all_valid(checked: &[Checked]) -> Result<(), ValidateError> {
    let invalid = checked.iter().filter(|file| file.outcome.is_err()).count();
    if invalid == 0 {
        return Ok(());
    }
    let files = checked.len();
    Err(ValidateError::Invalid { invalid, files })
}
