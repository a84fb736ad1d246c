//! Input channels: what their objects in S3 are, and their download as the files that a training
//! program reads in File mode.
//!
//! Source: SageMaker's `S3DataSource` reference.

use crate::app::App;
use crate::protocol::refusal::Refusal;
use crate::store::s3_uri::S3Uri;
use aws::s3::S3Store;
use lake::store::{ByteStream, ObjectStore, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Component, Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// A channel of `InputDataConfig`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    #[serde(rename = "ChannelName")]
    pub name: String,
    data_source: DataSource,
    content_type: Option<String>,
    record_wrapper_type: Option<String>,
    input_mode: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct DataSource {
    #[serde(rename = "S3DataSource")]
    s3: S3DataSource,
}

#[derive(Debug, Clone, Deserialize)]
struct S3DataSource {
    #[serde(rename = "S3DataType")]
    kind: String,
    #[serde(rename = "S3Uri")]
    uri: String,
    #[serde(rename = "S3DataDistributionType")]
    distribution: Option<String>,
    #[serde(rename = "AttributeNames", default)]
    attributes: Vec<String>,
}

/// An object of a channel: its key, and its path below the channel's folder. A key that ends with a
/// slash is a folder, which the S3 console creates as an object without content.
#[derive(Debug)]
pub struct Object {
    pub key: String,
    pub name: String,
}

impl Object {
    /// Whether it has no content to read.
    pub fn is_folder(&self) -> bool {
        self.key.ends_with('/')
    }
}

impl Channel {
    /// Whether the channel comes through pipes, in a job of this input mode.
    pub fn is_piped(&self, input_mode: &str) -> bool {
        self.input_mode.as_deref().unwrap_or(input_mode) == "Pipe"
    }

    /// Whether each object, or each attribute of a manifest, is a record of its own.
    pub fn is_wrapped(&self) -> bool {
        self.record_wrapper_type.as_deref() == Some("RecordIO")
    }

    /// The attributes that an augmented manifest is read for. `None` of other channels.
    pub fn attributes(&self) -> Option<&[String]> {
        let source = &self.data_source.s3;
        (source.kind == "AugmentedManifestFile").then_some(&source.attributes)
    }

    /// Checks what the members say together.
    pub fn check(&self, input_mode: &str) -> Result<(), Refusal> {
        let name = &self.name;
        let refuse = |what: &str| Err(Refusal::validation(format!("Channel {name}: {what}")));
        match self.attributes() {
            Some(_) if !self.is_piped(input_mode) => {
                refuse("S3DataType AugmentedManifestFile is supported in input mode Pipe only")
            }
            Some([]) => refuse("S3DataType AugmentedManifestFile needs AttributeNames"),
            _ => Ok(()),
        }
    }

    /// The channel's URI.
    pub fn uri(&self) -> Result<S3Uri, String> {
        let uri = S3Uri::parse(&self.data_source.s3.uri);
        uri.map_err(|refusal| client_error(refusal.message))
    }

    /// The channel's entry in `inputdataconfig.json`.
    pub fn description(&self, input_mode: &str) -> Value {
        // Jobs have one instance, which gets every file with either distribution type.
        let distribution = self.data_source.s3.distribution.as_deref();
        let mut entry = json!({
            "TrainingInputMode": self.input_mode.as_deref().unwrap_or(input_mode),
            "S3DistributionType": distribution.unwrap_or("FullyReplicated"),
            "RecordWrapperType": self.record_wrapper_type.as_deref().unwrap_or("None"),
        });
        if let Some(content_type) = &self.content_type {
            entry["ContentType"] = json!(content_type);
        }
        entry
    }

    /// Downloads the channel into `folder`. The error is the job's `FailureReason`.
    pub async fn download(&self, app: &App, folder: &Path) -> Result<(), String> {
        make(folder).await?;
        let (store, objects) = self.objects(app).await?;
        for object in objects {
            if object.is_folder() {
                make(&within(folder, &object.name)?).await?;
            } else {
                fetch(&store, &object.key, folder, &object.name).await?;
            }
        }
        Ok(())
    }

    /// The objects of a prefix or a manifest, and their bucket.
    pub async fn objects(&self, app: &App) -> Result<(S3Store, Vec<Object>), String> {
        let uri = self.uri()?;
        let store = app.bucket(&uri.bucket);
        let failed = |error: StoreError| client_error(error);
        if self.data_source.s3.kind == "ManifestFile" {
            let text = store.get(&uri.key).await.map_err(failed)?;
            let (prefix, names) = read_manifest(&text)
                .map_err(|reason| client_error(format!("the manifest {uri} {reason}")))?;
            let objects = names.into_iter().map(|name| Object {
                // As the manifest's reference says, the name follows the prefix without a slash.
                key: format!("{}{name}", prefix.key),
                name,
            });
            return Ok((app.bucket(&prefix.bucket), objects.collect()));
        }
        let objects = store.list(&uri.key).await.map_err(failed)?;
        if objects.is_empty() {
            return Err(client_error(format!(
                "No S3 objects found under S3 URL \"{uri}\" given in input data source. Please \
                 ensure that the bucket exists, and that objects exist under that S3 prefix."
            )));
        }
        let objects = objects.into_iter().map(|object| Object {
            name: name_below(&uri.key, &object.key).to_owned(),
            key: object.key,
        });
        Ok((store, objects.collect()))
    }
}

/// The path below the channel's folder at which File mode shows the object `key`, where `prefix`
/// is the channel's prefix.
pub fn name_below<'a>(prefix: &str, key: &'a str) -> &'a str {
    let below = key.strip_prefix(prefix).unwrap_or(key);
    if below.is_empty() {
        // The prefix is the object's whole key.
        return key.rsplit('/').next().unwrap_or(key);
    }
    if prefix.is_empty() || prefix.ends_with('/') || below.starts_with('/') {
        return below.trim_start_matches('/');
    }
    // The prefix ends inside a file name (`data/part-` finds `data/part-1.csv`), which is not cut.
    let folder = prefix.rfind('/').map_or(0, |slash| slash + 1);
    &key[folder..]
}

/// Reads a manifest, a list: first an object with the common prefix, then names below it.
fn read_manifest(text: &[u8]) -> Result<(S3Uri, Vec<String>), String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Name(String),
        Prefix { prefix: String },
    }
    let entries: Vec<Entry> =
        serde_json::from_slice(text).map_err(|error| format!("cannot be read: {error}"))?;
    let mut entries = entries.into_iter();
    let Some(Entry::Prefix { prefix }) = entries.next() else {
        return Err("does not begin with {\"prefix\": …}".to_owned());
    };
    let prefix = S3Uri::parse(&prefix).map_err(|refusal| refusal.message)?;
    let names = entries.map(|entry| match entry {
        Entry::Name(name) => Ok(name),
        Entry::Prefix { .. } => Err("has a second prefix".to_owned()),
    });
    Ok((prefix, names.collect::<Result<_, _>>()?))
}

/// The path of `name` below `folder`. A name that leads outside is refused.
fn within(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let is_plain = |component| matches!(component, Component::Normal(_));
    if Path::new(name).components().all(is_plain) {
        Ok(folder.join(name))
    } else {
        Err(client_error(format!(
            "the object {name:?} would be written outside its channel"
        )))
    }
}

/// Downloads the object `key` as the file `name` below `folder`.
pub async fn fetch(
    store: &impl ObjectStore,
    key: &str,
    folder: &Path,
    name: &str,
) -> Result<(), String> {
    let path = within(folder, name)?;
    let unwritable = |error| client_error(format!("{}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        make(parent).await?;
    }
    let mut file = tokio::fs::File::create(&path).await.map_err(unwritable)?;
    let mut stream = store.stream(key).await.map_err(client_error)?;
    while let Some(frame) = stream.next().await.map_err(client_error)? {
        file.write_all(&frame).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)
}

async fn make(folder: &Path) -> Result<(), String> {
    let made = tokio::fs::create_dir_all(folder).await;
    made.map_err(|error| client_error(format!("{}: {error}", folder.display())))
}

/// The `FailureReason` of a job whose data cannot be read.
pub fn client_error(reason: impl std::fmt::Display) -> String {
    format!("ClientError: Data download failed: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_structure_below_the_prefix() {
        for (prefix, key, name) in [
            ("data/train/", "data/train/a.csv", "a.csv"),
            ("data/train", "data/train/a.csv", "a.csv"),
            ("data", "data/train/a.csv", "train/a.csv"),
            ("", "data/train/a.csv", "data/train/a.csv"),
            ("data/train/a.csv", "data/train/a.csv", "a.csv"),
            ("data/tr", "data/train/a.csv", "train/a.csv"),
            ("part-", "part-1", "part-1"),
        ] {
            assert_eq!(name_below(prefix, key), name, "{prefix} {key}");
        }
    }

    #[test]
    fn a_name_that_leads_out_of_the_channel_is_refused() {
        for name in ["../x", "a/../../x", "/etc/x"] {
            assert!(within(Path::new("/tmp/ch"), name).is_err(), "{name}");
        }
        assert_eq!(
            within(Path::new("/tmp/ch"), "a/b").unwrap(),
            Path::new("/tmp/ch/a/b")
        );
    }

    #[test]
    fn a_manifest_is_a_prefix_and_names() {
        let (prefix, names) = read_manifest(br#"[{"prefix": "s3://b/p/"}, "x", "y/z"]"#).unwrap();
        assert_eq!((prefix.to_string().as_str(), names.len()), ("s3://b/p/", 2));
        for text in ["[]", r#"["x"]"#, r#"[{"prefix": "b"}]"#, "{}"] {
            assert!(read_manifest(text.as_bytes()).is_err(), "{text}");
        }
    }
}
