//! Finds the end of plain text sixteen bytes at a time, by SSE2 or NEON through `wide`.

use wide::u8x16;

const WIDTH: usize = 16;

/// The offset of the first quote, backslash or control character.
#[inline]
pub(crate) fn find_special(bytes: &[u8]) -> Option<usize> {
    let (windows, rest) = bytes.as_chunks::<WIDTH>();
    for (number, window) in windows.iter().enumerate() {
        let window = u8x16::new(*window);
        let special = window.simd_eq(u8x16::splat(b'"'))
            | window.simd_eq(u8x16::splat(b'\\'))
            | window.min(u8x16::splat(0x1f)).simd_eq(window);
        let special = special.to_bitmask();
        if special != 0 {
            return Some(number * WIDTH + special.trailing_zeros() as usize);
        }
    }
    let place = rest.iter().position(|&byte| is_special(byte))?;
    Some(windows.len() * WIDTH + place)
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_the_one_that_is_found_byte_by_byte(
            bytes in prop::collection::vec(prop_oneof![
                8 => any::<u8>().prop_filter("plain", |&byte| !is_special(byte)),
                1 => prop::sample::select(b"\"\\\n\x1f\x00".as_slice()),
            ], 0..100),
        ) {
            prop_assert_eq!(find_special(&bytes), bytes.iter().position(|&byte| is_special(byte)));
        }
    }
}
