//! What outlives a request: records on disk, objects in S3, archives.

pub mod archive;
pub mod s3_uri;
pub mod table;
