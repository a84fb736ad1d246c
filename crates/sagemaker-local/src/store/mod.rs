//! Storage: records on disk, S3 URIs, archives.

pub mod archive;
pub mod s3_uri;
pub mod table;
