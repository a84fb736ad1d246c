//! The job's configuration. Settings that this program does not support are refused, because it
//! would otherwise train wrongly without a message.

use container::job::{Channel, TRAIN, VALIDATION, channels, check_one_instance};
use container::{Error, Tree};

/// The content type of image records.
const RECORDS: &str = "application/x-recordio";
/// The content type of images, a file each.
const IMAGES: &str = "application/x-image";
/// The channels with the lists of the images of others.
const LISTS: [&str; 2] = ["train_lst", "validation_lst"];

/// How a channel's records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// As files below the channel's folder.
    Files,
    /// Through a named pipe, `<channel>_0`.
    Pipe,
    /// Through such a pipe, as an augmented manifest names them: an image's file and its class in
    /// turn, each a record of its own.
    Attributes,
    /// As a file for each image, in a folder of its class.
    Folders,
    /// As a file for each image, which the lists in this channel name.
    Listed(&'static str),
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
        if ![TRAIN, VALIDATION].contains(&name.as_str()) && !LISTS.contains(&name.as_str()) {
            return Err(Error::Unsupported {
                what: format!("channel {name:?} is unknown"),
                advice: "give the channels train and, optionally, validation, and the lists of each (train_lst)",
            });
        }
        if !["", RECORDS, IMAGES].contains(&channel.media_type().as_str()) {
            let content = channel.content_type.as_deref().unwrap_or_default();
            return Err(Error::Unsupported {
                what: format!("channel {name} has content type {content:?}"),
                advice: "give application/x-recordio or application/x-image",
            });
        }
        if channel.media_type() == IMAGES && channel.is_piped() {
            return Err(Error::Unsupported {
                what: format!("channel {name} has images in Pipe mode"),
                advice: "give files (input mode File or FastFile), or application/x-recordio",
            });
        }
    }
    let lists = LISTS.map(|list| channels.contains_key(list));
    if lists[0] != lists[1] && channels.contains_key(VALIDATION) {
        return Err(Error::Unsupported {
            what: "one of the channels train and validation has a list".to_owned(),
            advice: "give both of train_lst and validation_lst, or none",
        });
    }
    let input = |channel: &Channel, list: usize| match (channel.is_piped(), channel.is_wrapped()) {
        (true, true) => Input::Attributes,
        (true, false) => Input::Pipe,
        (false, _) if lists[list] => Input::Listed(LISTS[list]),
        (false, _) if channel.media_type() == IMAGES => Input::Folders,
        (false, _) => Input::Files,
    };
    let train = channels.get(TRAIN).map(|channel| input(channel, 0));
    Ok(Channels {
        train: train.unwrap_or(Input::Files),
        validation: channels.get(VALIDATION).map(|channel| input(channel, 1)),
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
        let images = channel.replace("recordio", "image");
        let one = check(&format!(r#"{{"train":{images}}}"#)).unwrap();
        assert_eq!(one.train, Input::Folders);
        let listed = format!(r#"{{"train":{images},"train_lst":{images}}}"#);
        assert_eq!(check(&listed).unwrap().train, Input::Listed("train_lst"));
        let wrapped = pipe.replace(r#""None""#, r#""RecordIO""#);
        let one = check(&format!(r#"{{"train":{wrapped}}}"#)).unwrap();
        assert_eq!((one.train, one.validation), (Input::Attributes, None));
    }

    #[test]
    fn unsupported_settings_are_refused_by_name() {
        for (text, named) in [
            (r#"{"test":{}}"#, "\"test\""),
            (r#"{"train":{"ContentType":"application/x-tar"}}"#, "x-tar"),
            (
                r#"{"train":{"ContentType":"application/x-image","TrainingInputMode":"Pipe"}}"#,
                "in Pipe mode",
            ),
            (
                r#"{"train":{},"validation":{},"train_lst":{}}"#,
                "has a list",
            ),
        ] {
            let message = check(text).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
