//! The keys of events: as they were delivered, those that failed, and what runs keep of them.

/// Prefix of the events that were delivered for a pipeline: `yyyy/MM/dd/HH/…` in UTC behind it, and
/// [`REPLAYED`].
pub fn delivered(pipeline: &str) -> String {
    format!("events/{pipeline}/")
}

/// Behind [`delivered`]: events that failed at first, and were replayed.
pub const REPLAYED: &str = "replayed/";

/// Key of replayed events, by a hash of their lines.
pub fn replayed(pipeline: &str, hash: &str) -> String {
    format!("{}{REPLAYED}{hash}.jsonl.gz", delivered(pipeline))
}

/// Prefix of the events that the delivery stream's function refused.
pub fn failed(pipeline: &str) -> String {
    format!("events-failed/{pipeline}/processing-failed/")
}

/// Prefix of what runs keep of the events that they have read.
pub fn index(pipeline: &str) -> String {
    format!("events-index/{pipeline}/")
}

/// Key of the list of what the newest run has kept.
pub fn newest(pipeline: &str) -> String {
    format!("{}index.json", index(pipeline))
}

/// Key of the manifest of objects that were read, by their identity.
pub fn manifest(pipeline: &str, id: &str) -> String {
    format!("{}{id}.manifest.json", index(pipeline))
}

/// Key of the list of these objects.
pub fn objects(pipeline: &str, id: &str) -> String {
    format!("{}{id}.objects.json", index(pipeline))
}
