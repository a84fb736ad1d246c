//! Reports everything that is wrong with definitions, each fault at its place in the file.

mod document;
mod json;
mod online;
mod render;

pub use document::{Document, DocumentError, MAX_BYTES, PlacedFault};
pub use json::Validation;
pub use online::{Account, Unchecked, account};
pub use render::{as_text, unchecked};

use contract::{Names, ServiceError};
use definition::Definition;
use lake::records::ItemSample;
use std::path::Path;

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
    /// No fault was found, but not everything could be checked.
    #[error("not everything could be checked: see above what is missing")]
    Partly,
    /// The credentials are refused, or the service cannot be reached.
    #[error(transparent)]
    Service(#[from] Box<ServiceError>),
}

impl From<ServiceError> for ValidateError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

/// What was found in one file.
#[derive(Debug)]
pub struct Checked {
    /// The text.
    pub document: Document,
    /// The definition, unless there are faults.
    pub outcome: Result<Box<Definition>, Vec<PlacedFault>>,
    /// Its pipeline, if its form is valid: the field `pipeline`, or else the file's name, as for
    /// `push`.
    pub pipeline: Option<String>,
    /// Whether it was checked against an account.
    pub online: bool,
    /// The items that were read for that.
    pub sample: Option<ItemSample>,
    /// What was not checked there.
    pub unchecked: Vec<Unchecked>,
}

impl Checked {
    /// What was found in a text by itself.
    pub fn offline(document: Document, outcome: Result<Definition, Vec<PlacedFault>>) -> Self {
        let pipeline = outcome.as_ref().ok();
        Self {
            pipeline: pipeline.map(|definition| definition.pipeline.clone()),
            document,
            outcome: outcome.map(Box::new),
            online: false,
            sample: None,
            unchecked: Vec::new(),
        }
    }

    /// The faults, none if the definition is valid.
    pub fn faults(&self) -> &[PlacedFault] {
        self.outcome.as_ref().err().map_or(&[], Vec::as_slice)
    }

    /// Checks the definition against an account too, if its form is valid.
    pub async fn go_online(&mut self, account: &Account<'_>) {
        let Ok(definition) = &self.outcome else {
            return;
        };
        let found = account.check(definition).await;
        self.online = true;
        self.sample = found.sample;
        self.unchecked = found.unchecked;
        if !found.faults.is_empty() {
            self.outcome = Err(self.document.place(&found.faults));
        }
    }
}

/// Checks a definition by the function that the pipeline checks it with.
pub fn check(document: Document) -> Checked {
    let outcome = document.value().and_then(|value| {
        let definition = dataset::read_definition(&value);
        let mut definition = definition.map_err(|faults| document.place(faults.as_slice()))?;
        let stem = Path::new(&document.name).file_stem();
        if let Some(stem) = stem.and_then(|stem| stem.to_str())
            && value.get("pipeline").is_none()
            && Names::check_pipeline(stem).is_ok()
        {
            stem.clone_into(&mut definition.pipeline);
        }
        Ok(definition)
    });
    Checked::offline(document, outcome)
}

/// Succeeds if every definition is valid and was checked as far as can be.
///
/// # Errors
/// How many are not valid, or that not everything could be checked.
pub fn all_valid(checked: &[Checked]) -> Result<(), ValidateError> {
    let invalid = checked.iter().filter(|file| file.outcome.is_err()).count();
    if invalid == 0 {
        let mut unchecked = checked.iter().flat_map(|file| &file.unchecked);
        return match unchecked.find_map(|one| one.exit) {
            Some(_) => Err(ValidateError::Partly),
            None => Ok(()),
        };
    }
    let files = checked.len();
    Err(ValidateError::Invalid { invalid, files })
}
