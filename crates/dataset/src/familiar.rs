//! Which values of an attribute were met before, for those that are cheap to recognise: what is
//! familiar need not be looked up among all values. It must not be the only one to know a value: it
//! may forget any of them.

use crate::digits::{Digits, WINDOW};

/// Scales of whole numbers and short decimals that are remembered: 0 to 3 digits behind the point.
const SCALES: u32 = 4;

/// Bits for each scale. All scales of one attribute take 32 KiB at most.
const MANTISSAS: u64 = 1 << 16;

/// Texts that are remembered, the last one for each place.
const TEXTS: usize = 64;

/// Values of one attribute that were met before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Familiar {
    numbers: [Vec<u64>; SCALES as usize],
    texts: Vec<ShortText>,
}

/// A text of at most [`WINDOW`] bytes, as a number; what follows it in the item is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShortText {
    bytes: u128,
    length: usize,
}

impl ShortText {
    /// No text is so long.
    const NONE: Self = Self {
        bytes: 0,
        length: usize::MAX,
    };

    /// The marked text, if it is short enough. `window` is what stands in the item from its first
    /// byte on.
    #[inline]
    pub(crate) fn of(window: u128, length: usize) -> Option<Self> {
        let unused = WINDOW.checked_sub(length)? * 8;
        // Shifting by all bits is shifting by none.
        let bytes = if length == 0 {
            0
        } else {
            window << unused >> unused
        };
        Some(Self { bytes, length })
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bits are folded, none is counted on"
    )]
    const fn place(self) -> usize {
        let folded = (self.bytes as u64) ^ ((self.bytes >> 64) as u64).rotate_left(29);
        let spread = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> (u64::BITS - TEXTS.ilog2())) as usize
    }
}

impl Familiar {
    /// Whether the number was met before; it has been from now on.
    #[inline]
    pub(crate) fn met_number(&mut self, number: Digits) -> bool {
        let Digits {
            mantissa, scale, ..
        } = number;
        if mantissa >= MANTISSAS || number.negative {
            return false;
        }
        let Some(seen) = self.numbers.get_mut(scale as usize) else {
            return false;
        };
        let (word, bit) = ((mantissa / 64) as usize, mantissa % 64);
        if word >= seen.len() {
            seen.resize(word + 1, 0);
        }
        let known = seen[word] >> bit & 1 == 1;
        seen[word] |= 1 << bit;
        known
    }

    /// Whether the text is among the last ones that were met; it is from now on.
    #[inline]
    pub(crate) fn met_text(&mut self, text: ShortText) -> bool {
        if self.texts.is_empty() {
            self.texts.resize(TEXTS, ShortText::NONE);
        }
        let last = &mut self.texts[text.place()];
        let known = *last == text;
        *last = text;
        known
    }
}
