//! A short text or number as one word. It must not know what it says.

use crate::number::digits::WINDOW;

/// The bytes of a text without control characters, or of a number, of at most [`WINDOW`] bytes: the
/// first one lowest, zeros behind the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short(u128);

/// The lowest bytes, so many of them.
const LOWEST: [u128; WINDOW + 1] = {
    let mut lowest = [0; WINDOW + 1];
    let mut length = 1;
    while length <= WINDOW {
        lowest[length] = u128::MAX >> (8 * (WINDOW - length));
        length += 1;
    }
    lowest
};

impl Short {
    /// No text begins with a control character.
    pub(crate) const NONE: Self = Self(1);

    /// `-0`.
    pub(crate) const MINUS_ZERO: Self = Self(u16::from_le_bytes(*b"-0") as u128);

    /// The marked value, if it is short enough. `window` is what stands in the item from its first byte
    /// on.
    #[inline]
    pub(crate) fn of(window: u128, length: usize) -> Option<Self> {
        Some(Self(window & LOWEST.get(length)?))
    }

    /// The value, if it is short enough.
    pub(crate) fn whole(value: impl AsRef<[u8]>) -> Option<Self> {
        // Two loads that overlap, rather than a copy of a length that only now is known.
        fn joined<const N: usize>(bytes: &[u8], word: impl Fn([u8; N]) -> u128) -> Option<u128> {
            let behind = 8 * (bytes.len() - N);
            Some(word(*bytes.first_chunk()?) | word(*bytes.last_chunk()?) << behind)
        }
        let bytes = value.as_ref();
        let bits = match bytes.len() {
            0 => 0,
            1 => u128::from(bytes[0]),
            2..4 => joined(bytes, |word| u128::from(u16::from_le_bytes(word)))?,
            4..8 => joined(bytes, |word| u128::from(u32::from_le_bytes(word)))?,
            8..=WINDOW => joined(bytes, |word| u128::from(u64::from_le_bytes(word)))?,
            _ => return None,
        };
        Some(Self(bits))
    }

    /// How a text begins, in the order of texts; zeros stand for what a shorter one does not have.
    pub(crate) fn beginning(text: impl AsRef<[u8]>) -> u128 {
        let bytes = text.as_ref();
        match bytes.first_chunk() {
            Some(window) => u128::from_be_bytes(*window),
            None => Self::whole(bytes).map_or(0, Self::ordered),
        }
    }

    /// A number with a point in it, without the zeros behind its fraction, and without the point where
    /// no fraction is left; and its length.
    #[inline]
    pub(crate) const fn without_zeros(self, length: usize) -> (Self, usize) {
        const ZEROS: u128 = u128::from_le_bytes([b'0'; WINDOW]);
        let highest = self.0 << (8 * (WINDOW - length));
        let zeros = (highest ^ ZEROS).leading_zeros() as usize / 8;
        let mut shortest = length - zeros;
        if self.last(shortest) == b'.' {
            shortest -= 1;
        }
        (Self(self.0 & LOWEST[shortest]), shortest)
    }

    /// What tells it from every other one.
    #[inline]
    pub(crate) const fn bits(self) -> u128 {
        self.0
    }

    /// The same in the order of the texts.
    #[inline]
    pub(crate) const fn ordered(self) -> u128 {
        self.0.swap_bytes()
    }

    /// The last of its `length` bytes; 0 if there is none.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "one byte is asked for")]
    pub(crate) const fn last(self, length: usize) -> u8 {
        match length.checked_sub(1) {
            Some(last) => (self.0 >> (8 * last)) as u8,
            None => 0,
        }
    }

    /// Its length in characters, of `bytes` bytes.
    #[inline]
    pub(crate) const fn characters(self, bytes: usize) -> usize {
        const HIGHEST: u128 = u128::from_le_bytes([0x80; WINDOW]);
        let beyond_ascii = self.0 & HIGHEST;
        if beyond_ascii == 0 {
            return bytes;
        }
        // Bytes of a character but the first are 0b10xxxxxx.
        let continuing = beyond_ascii & !(self.0 << 1);
        bytes - continuing.count_ones() as usize
    }

    /// One of `places`, a power of two.
    #[inline]
    pub(crate) const fn place(self, places: usize) -> usize {
        Self::spread(self.0, places)
    }

    /// The same for any sixteen bytes.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bits are folded, none is counted on"
    )]
    pub(crate) const fn spread(window: u128, places: usize) -> usize {
        let folded = (window as u64) ^ ((window >> 64) as u64).rotate_left(29);
        let spread = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> (u64::BITS - places.ilog2())) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_follows_a_short_text_is_not_part_of_it(text in "[ -~é最👍]{0,17}", rest in "[ -~é]{16}") {
            let whole = format!("{text}{rest}");
            let window = u128::from_le_bytes(*whole.as_bytes().first_chunk().unwrap());
            let Some(short) = Short::of(window, text.len()) else {
                prop_assert!(text.len() > WINDOW && Short::whole(&text).is_none());
                return Ok(());
            };
            prop_assert_eq!(short.characters(text.len()), text.chars().count());
            prop_assert_eq!(Short::whole(&text), Some(short));
            let alone: Vec<u8> = text.bytes().chain([0; WINDOW]).take(WINDOW).collect();
            let bytes = short.bits().to_le_bytes();
            prop_assert_eq!(bytes.as_slice(), alone.as_slice());
        }
    }
}
