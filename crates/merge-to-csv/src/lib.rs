//! Streams the raw parts of one shard into CSV that SageMaker accepts
