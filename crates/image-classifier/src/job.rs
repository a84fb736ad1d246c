//! The job's configuration. Settings that this program does not support are refused, because it
//! would otherwise train wrongly without a message.

use container::job::{Channel, TRAIN, VALIDATION, channels, check_one_instance};
use container::{Error, Tree};

/// The content type of image records.
const RECORDS: &str = "application/x-recordio";

/// How a channel's records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// As files below the channel's folder.
    Files,
    /// Through a named pipe, `<channel>_0`.
    Pipe,
}

/// The job's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    /// Of the training images.
    pub train: Input,
    /// Of the held-out images, if there are any.
    pub validation: Option<Input>,
}

/// Checks channels and instances. Without `inputdataconfig.json`, there is a validation channel if
/// its folder exists.
pub fn read(tree: &Tree) -> Result<Channels, Error> {
    check_one_instance(tree)?;
    let Some(channels) = channels(tree)? else {
        let has_validation = tree.channel(VALIDATION).exists();
        return Ok(Channels {
            train: Input::Files,
            validation: has_validation.then_some(Input::Files),
        });
    };
    for (name, channel) in &channels {
        if name != TRAIN && name != VALIDATION {
            return Err(Error::Unsupported {
                what: format!("channel {name:?} is unknown"),
                advice: "give the channels train and, optionally, validation",
            });
        }
        if !["", RECORDS].contains(&channel.media_type().as_str()) {
            let content = channel.content_type.as_deref().unwrap_or_default();
            return Err(Error::Unsupported {
                what: format!("channel {name} has content type {content:?}"),
                advice: "give application/x-recordio",
            });
        }
    }
    let input = |channel: &Channel| {
        if channel.is_piped() {
            Input::Pipe
        } else {
            Input::Files
        }
    };
    Ok(Channels {
        train: channels.get(TRAIN).map_or(Input::Files, input),
        validation: channels.get(VALIDATION).map(input),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Channels, Error> {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::create_dir_all(tree.config("")).unwrap();
        std::fs::write(tree.config("inputdataconfig.json"), text).unwrap();
        read(&tree)
    }

    #[test]
    fn the_configuration_as_sagemaker_writes_it_is_read() {
        let channel = r#"{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None","ContentType":"application/x-recordio"}"#;
        let pipe = channel.replace("File", "Pipe");
        let both = check(&format!(r#"{{"train":{channel},"validation":{pipe}}}"#));
        let expected = Channels {
            train: Input::Files,
            validation: Some(Input::Pipe),
        };
        assert_eq!(both.unwrap(), expected);
        let one = check(&format!(r#"{{"train":{pipe}}}"#)).unwrap();
        assert_eq!((one.train, one.validation), (Input::Pipe, None));
    }

    #[test]
    fn unsupported_settings_are_refused_by_name() {
        for (text, named) in [
            (r#"{"train_lst":{}}"#, "\"train_lst\""),
            (
                r#"{"train":{"ContentType":"application/x-image"}}"#,
                "x-image",
            ),
        ] {
            let message = check(text).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
