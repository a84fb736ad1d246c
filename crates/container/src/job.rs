//! The job's configuration: its channels and instances.

use crate::{Error, Tree};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;

/// The channel that every job has.
pub const TRAIN: &str = "train";
/// The channel with held-out rows for metrics.
pub const VALIDATION: &str = "validation";

/// A channel as `inputdataconfig.json` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// The media type of its files, with parameters.
    pub content_type: Option<String>,
    /// `File`, `FastFile` or `Pipe`.
    pub training_input_mode: Option<String>,
    /// `None`, or `RecordIO` if SageMaker makes records of what it reads.
    pub record_wrapper_type: Option<String>,
}

impl Channel {
    /// The media type without its parameters, in lower case; empty if there is none.
    pub fn media_type(&self) -> String {
        let content = self.content_type.as_deref().unwrap_or_default();
        let kind = content.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// Whether SageMaker makes a record of each object, or of each attribute of a manifest's lines.
    pub fn is_wrapped(&self) -> bool {
        self.record_wrapper_type.as_deref() == Some("RecordIO")
    }

    /// Whether its data comes through a pipe.
    pub fn is_piped(&self) -> bool {
        self.training_input_mode.as_deref() == Some("Pipe")
    }
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    hosts: Vec<String>,
}

/// Refuses a job of several instances, each of which would train a model of its own.
pub fn check_one_instance(tree: &Tree) -> Result<(), Error> {
    let resources: Option<Resources> = read(&tree.config("resourceconfig.json"))?;
    match resources {
        Some(resources) if resources.hosts.len() > 1 => Err(Error::Unsupported {
            what: format!("the job has {} instances", resources.hosts.len()),
            advice: "train on one instance (InstanceCount 1)",
        }),
        _ => Ok(()),
    }
}

/// The channels of `inputdataconfig.json`. `None` without that file, as in a run by hand.
pub fn channels(tree: &Tree) -> Result<Option<BTreeMap<String, Channel>>, Error> {
    read(&tree.config("inputdataconfig.json"))
}

/// Reads a configuration file. `None` if there is none.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| Error::Config {
                path: path.to_owned(),
                source,
            }),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io {
            action: "reading",
            path: path.to_owned(),
            source,
        }),
    }
}
