//! Servers for tests and measurements, each on a free port of 127.0.0.1: DynamoDB and S3 by
//! existing crates, and the Lambda Runtime API, which drives a function's process.

pub mod dynamodb;
pub mod items;
pub mod runtime_api;
pub mod s3;

/// What the clients of these servers sign with; the S3 server checks the signatures.
pub const ACCESS_KEY_ID: &str = "ANOTREAL";
/// The secret of [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "notrealrnrELgWzOk3IfjzDKtFBhDby";
/// The region of [`ACCESS_KEY_ID`].
pub const REGION: &str = "us-east-1";

/// The environment of a process that is to be a client.
pub fn environment() -> [(&'static str, &'static str); 3] {
    [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("AWS_REGION", REGION),
    ]
}
