//! The raw line: reads and writes DynamoDB JSON from bytes, without building maps
