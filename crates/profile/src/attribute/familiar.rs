//! Which values of an attribute were met before, for those that are cheap to recognise: what is
//! familiar need not be looked up among all values. It must not be the only one to know a value: it
//! may forget any of them.

use crate::attribute::ranges::Ranges;
use crate::number::digits::Digits;
use crate::number::short::Short;

/// Scales of whole numbers and short decimals that are remembered: 0 to 3 digits behind the point.
const SCALES: u32 = 4;

/// Bits for each scale. All scales of one attribute take 32 KiB at most.
const MANTISSAS: u64 = 1 << 16;

/// Texts, and numbers as they are written, that are remembered, the last one for each place.
const LAST: usize = 64;

/// Texts that are not short and are remembered, the last one for each place.
const LAST_LONG: usize = 16;

/// The longest text that is remembered, in bytes.
const LONG: usize = 128;

/// Values of one attribute that were met before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Familiar {
    numbers: [Vec<u64>; SCALES as usize],
    last_texts: Last,
    last_long: [Long; LAST_LONG],
    last_numbers: Last,
    pub(crate) ranges: Ranges,
}

/// A text that is not short, and its length in characters.
#[derive(Debug, Clone, Default)]
struct Long {
    text: String,
    characters: usize,
}

/// The last value for each place.
#[derive(Debug, Clone)]
struct Last([Short; LAST]);

impl Default for Last {
    fn default() -> Self {
        Self([Short::NONE; LAST])
    }
}

impl Last {
    #[inline]
    fn knows(&self, value: Short) -> bool {
        self.0[value.place(LAST)] == value
    }

    #[inline]
    fn met(&mut self, value: Short) -> bool {
        let last = &mut self.0[value.place(LAST)];
        let known = *last == value;
        *last = value;
        known
    }
}

#[inline]
const fn place_of_long(window: u128, text: &str) -> usize {
    Short::spread(window ^ text.len() as u128, LAST_LONG)
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

    /// Whether the text is among the last ones that were met.
    #[inline]
    pub(crate) fn knows_text(&self, text: Short) -> bool {
        self.last_texts.knows(text)
    }

    /// The same for a text that is not short; `window` is how it begins. Says how many characters it has.
    #[inline]
    pub(crate) fn knows_long(&self, window: u128, text: &str) -> Option<usize> {
        let last = &self.last_long[place_of_long(window, text)];
        (last.text == text).then_some(last.characters)
    }

    /// Whether a number that is written like this is among the last ones that were met.
    #[inline]
    pub(crate) fn knows_written(&self, number: Short) -> bool {
        self.last_numbers.knows(number)
    }

    /// Whether the text is among the last ones that were met; it is from now on.
    #[inline]
    pub(crate) fn met_text(&mut self, text: Short) -> bool {
        self.last_texts.met(text)
    }

    /// The same for a text that is not short; `window` is how it begins.
    #[inline]
    pub(crate) fn met_long(&mut self, window: u128, text: &str, characters: usize) -> bool {
        if text.len() > LONG {
            return false;
        }
        let last = &mut self.last_long[place_of_long(window, text)];
        if last.text == text {
            return true;
        }
        last.text.clear();
        last.text.push_str(text);
        last.characters = characters;
        false
    }

    /// Whether a number that is written like this is among the last ones that were met; it is from now
    /// on.
    #[inline]
    pub(crate) fn met_written(&mut self, number: Short) -> bool {
        self.last_numbers.met(number)
    }
}
