//! The 64-bit difference hash of an image.

use crate::pixels::Pixels;

const ROWS: u8 = 8;
const COLUMNS: u8 = 9;

/// Bit `8 * row + column`, from the lowest, is set if the 9×8 thumbnail gets brighter from that
/// column to the next.
pub fn difference_hash(upright: &Pixels) -> u64 {
    // Smaller first: grey is then made of 72 pixels.
    let thumbnail = upright.resized(COLUMNS.into(), ROWS.into()).grey();
    let rows = thumbnail.data().chunks_exact(COLUMNS.into());
    let mut bits = 0;
    for (row, line) in rows.enumerate() {
        for (column, pair) in line.windows(2).enumerate() {
            if pair[1] > pair[0] {
                bits |= 1 << (8 * row + column);
            }
        }
    }
    bits
}
