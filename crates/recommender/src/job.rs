//! The job's configuration: its channels and instances. Settings that this program does not support
//! are refused, because it would otherwise train wrongly without a message.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Error, Tree};

/// The channel that every job has.
pub const TRAIN: &str = "train";
/// The channel with held-out rows for metrics.
pub const VALIDATION: &str = "validation";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Channel {
    content_type: Option<String>,
    training_input_mode: Option<String>,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    hosts: Vec<String>,
}

/// Reads `inputdataconfig.json` and `resourceconfig.json`, and returns whether there is a
/// validation channel. Without the first file, there is one if its folder exists.
pub fn has_validation(tree: &Tree) -> Result<bool, Error> {
    if let Some(resources) = read::<Resources>(&tree.config("resourceconfig.json"))?
        && resources.hosts.len() > 1
    {
        return Err(Error::Unsupported {
            what: format!("the job has {} instances", resources.hosts.len()),
            advice: "train on one instance (InstanceCount 1)",
        });
    }
    let config = tree.config("inputdataconfig.json");
    let Some(channels) = read::<BTreeMap<String, Channel>>(&config)? else {
        return Ok(tree.channel(VALIDATION).exists());
    };
    for (name, channel) in &channels {
        if name != TRAIN && name != VALIDATION {
            return Err(Error::Unsupported {
                what: format!("channel {name:?} is unknown"),
                advice: "give the channels train and, optionally, validation",
            });
        }
        if let Some(content) = &channel.content_type
            && !is_csv(content)
        {
            return Err(Error::Unsupported {
                what: format!("channel {name} has content type {content:?}"),
                advice: "give text/csv",
            });
        }
        if channel.training_input_mode.as_deref() == Some("Pipe") {
            return Err(Error::Unsupported {
                what: format!("channel {name} is in Pipe mode"),
                advice: "use File or FastFile",
            });
        }
    }
    Ok(channels.contains_key(VALIDATION))
}

/// Whether a content type is CSV. Its parameters are ignored. SageMaker uses both names.
fn is_csv(content: &str) -> bool {
    let kind = content.split(';').next().unwrap_or_default().trim();
    kind.is_empty()
        || ["text/csv", "csv"]
            .iter()
            .any(|csv| kind.eq_ignore_ascii_case(csv))
}

/// Reads a configuration file. `None` if there is none, as in a run by hand.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str) -> Result<bool, Error> {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::create_dir_all(tree.config("")).unwrap();
        std::fs::write(tree.config(file), text).unwrap();
        has_validation(&tree)
    }

    #[test]
    fn the_configuration_as_sagemaker_writes_it_is_read() {
        let channel = r#"{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None","ContentType":"text/csv; charset=utf-8"}"#;
        let both = format!(r#"{{"train":{channel},"validation":{channel}}}"#);
        assert!(check("inputdataconfig.json", &both).unwrap());
        assert!(!check("inputdataconfig.json", &format!(r#"{{"train":{channel}}}"#)).unwrap());
        assert!(
            !check(
                "resourceconfig.json",
                r#"{"current_host":"algo-1","hosts":["algo-1"]}"#
            )
            .unwrap()
        );
    }

    #[test]
    fn unsupported_settings_are_refused_by_name() {
        for (file, text, named) in [
            (
                "resourceconfig.json",
                r#"{"hosts":["algo-1","algo-2"]}"#,
                "2 instances",
            ),
            ("inputdataconfig.json", r#"{"test":{}}"#, "\"test\""),
            (
                "inputdataconfig.json",
                r#"{"train":{"ContentType":"application/x-parquet"}}"#,
                "parquet",
            ),
            (
                "inputdataconfig.json",
                r#"{"train":{"TrainingInputMode":"Pipe"}}"#,
                "Pipe",
            ),
            ("inputdataconfig.json", r"[]", "inputdataconfig.json"),
        ] {
            let message = check(file, text).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
