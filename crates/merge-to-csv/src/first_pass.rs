//! Shows a shard's items to the encoder before their rows are made, if it must know them all to
//! decide which item of a key becomes the row. The shard is read once more, and nothing is kept.

use crate::MergeToCsvError;
use crate::merge::unreadable;
use dataset::Encoder;
use lake::records::Part;
use lake::{ObjectStore, part};

/// Shows the items of all parts to the encoder.
pub async fn first_pass<S: ObjectStore>(
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
