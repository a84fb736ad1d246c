//! Shows a shard's items to the encoder before their rows are made, where it must know them all to
//! tell which of those with one key becomes the row. It reads the shard once more, and keeps nothing
//! of it.

use crate::MergeToCsvError;
use crate::merge::unreadable;
use dataset::Encoder;
use lake::records::Part;
use lake::{ObjectStore, part};

/// Shows the items of all parts.
pub async fn look_ahead<S: ObjectStore>(
    store: &S,
    parts: &[Part],
    encoder: &mut Encoder,
) -> Result<(), MergeToCsvError> {
    let mut projection = encoder.projection();
    for part in parts {
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            projection.clear();
            for line in part::lines(batch) {
                let pushed = projection.push_line(line);
                pushed.map_err(|source| unreadable(part, source))?;
            }
            let mut items = projection.rows();
            while let Some((_, values)) = items.next() {
                encoder.see(values);
            }
        }
    }
    Ok(())
}
