//! Shows a shard's items to the encoder before their rows are made, where it must know them all to
//! tell which of those with one key becomes the row. It reads the shard once more, and keeps nothing
//! of it.

use crate::MergeToCsvError;
use dataset::Encoder;
use lake::records::Part;
use lake::{ObjectStore, part};

/// Shows the items of all parts.
pub async fn look_ahead<S: ObjectStore>(
    store: &S,
    parts: &[Part],
    encoder: &mut Encoder,
) -> Result<(), MergeToCsvError> {
    for part in parts {
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            for line in part::lines(batch) {
                let item = item::parse_line(line).map_err(|source| MergeToCsvError::Item {
                    key: part.key.clone(),
                    source,
                })?;
                encoder.see(&item);
            }
        }
    }
    Ok(())
}
