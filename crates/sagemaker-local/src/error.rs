//! Why the server cannot start. What a request is refused for is [`crate::protocol::Refusal`].

use std::path::PathBuf;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image's mapping cannot be read.
    #[error("the image mapping {mapping:?} is malformed: {reason}")]
    Image {
        /// The mapping as it was given.
        mapping: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder of the state directory cannot be used.
    #[error("cannot {action} {}", path.display())]
    State {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A record in the state directory is not what this version writes.
    #[error("the record {} cannot be read: move the state directory away to start afresh", path.display())]
    Record {
        /// The record's file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file of faults cannot be read.
    #[error("the faults of {} cannot be read: see the README for what a fault is", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Another server uses the state directory.
    #[error("another sagemaker-local uses {}: stop it, or choose another state directory", path.display())]
    InUse {
        /// The state directory.
        path: PathBuf,
    },
    /// The port cannot be listened on.
    #[error("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for any free one")]
    Bind {
        /// The port wanted.
        port: u16,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client that reaches the serving programs cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
}
