//! Errors of the server's start. A refused request is [`crate::protocol::refusal::Refusal`].

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
        /// The problem.
        reason: String,
    },
    /// A file or folder of the state directory cannot be used.
    #[error("cannot {action} {}", path.display())]
    State {
        /// The verb of the failed action, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A JSON file does not have the expected form.
    #[error("cannot parse {}: correct it, or move the state directory away to start afresh", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The problem.
        #[source]
        source: serde_json::Error,
    },
    /// The file of faults cannot be parsed.
    #[error("cannot parse the faults in {}: the README lists their members", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// The problem.
        #[source]
        source: serde_json::Error,
    },
    /// Another server uses the state directory.
    #[error("another sagemaker-local uses {}: stop it, or choose another state directory", path.display())]
    InUse {
        /// The state directory.
        path: PathBuf,
    },
    /// The server cannot listen on the port.
    #[error("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for any free one")]
    Bind {
        /// The configured port.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client for the serving programs cannot be created.
    #[error("cannot create an HTTP client")]
    Client(#[source] reqwest::Error),
}
