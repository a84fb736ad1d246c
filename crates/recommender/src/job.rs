//! The job's configuration: its channels and instances. Settings that this program does not support
//! are refused, because it would otherwise train wrongly without a message.

use container::job::{TRAIN, VALIDATION, channels, check_one_instance};
use container::{Error, Tree};

/// Reads `inputdataconfig.json` and `resourceconfig.json`, and returns whether there is a
/// validation channel. Without the first file, there is one if its folder exists.
pub fn has_validation(tree: &Tree) -> Result<bool, Error> {
    check_one_instance(tree)?;
    let Some(channels) = channels(tree)? else {
        return Ok(tree.channel(VALIDATION).exists());
    };
    for (name, channel) in &channels {
        if name != TRAIN && name != VALIDATION {
            return Err(Error::Unsupported {
                what: format!("channel {name:?} is unknown"),
                advice: "give the channels train and, optionally, validation",
            });
        }
        // SageMaker uses both names.
        if !["", "text/csv", "csv"].contains(&channel.media_type().as_str()) {
            let content = channel.content_type.as_deref().unwrap_or_default();
            return Err(Error::Unsupported {
                what: format!("channel {name} has content type {content:?}"),
                advice: "give text/csv",
            });
        }
        if channel.is_piped() {
            return Err(Error::Unsupported {
                what: format!("channel {name} is in Pipe mode"),
                advice: "use File or FastFile",
            });
        }
    }
    Ok(channels.contains_key(VALIDATION))
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
