//! The hash of an item: what a change says that it replaced is compared by it.

use dynamodb_json::{Map, Value};
use profile::canonical;
use twox_hash::XxHash3_64;

/// The XXH3-64 hash of an item's canonical bytes; `canonical` is overwritten.
pub fn of(item: Map<'_>, canonical: &mut Vec<u8>) -> u64 {
    canonical.clear();
    canonical::write(Some(&Value::M(item)), canonical);
    XxHash3_64::oneshot(canonical)
}
