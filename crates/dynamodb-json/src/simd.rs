//! Finds in sixteen bytes at once where plain text or a number ends, by SSE2 or NEON through `wide`.
//! The tests compare every function with the same search byte by byte.

use wide::u8x16;

const WIDTH: usize = 16;

/// Bytes of four windows.
pub(crate) const SPAN: usize = 4 * WIDTH;

/// A bit for each of the first bytes that is a quote, a backslash or a control character, and how many bytes
/// were looked at: four windows, or if there are fewer, all up to the first such one.
#[inline]
pub(crate) fn special_places(bytes: &[u8]) -> (u64, usize) {
    if let Some(near) = bytes.first_chunk() {
        return (special_of(near), SPAN);
    }
    match bytes.iter().position(|&byte| is_special(byte)) {
        Some(at) => (1 << at, at + 1),
        None => (0, bytes.len()),
    }
}

/// The length of what `text` begins with up to a quote, if that is not far and nothing but plain text
/// comes before it. `None` says nothing.
#[inline]
pub(crate) fn short_text(text: &[u8]) -> Option<usize> {
    let near = u8x16::new(*text.first_chunk()?);
    let quotes = quotes(near).to_bitmask();
    // Whoever comes next waits for the length alone, and for nothing that is seen of what is before it.
    if not_plain(near).to_bitmask() & before_first(quotes) != 0 {
        return None;
    }
    if quotes == 0 {
        return not_so_short_text(text);
    }
    Some(quotes.trailing_zeros() as usize)
}

/// The bits below the lowest that is set; all if none is.
#[inline]
const fn before_first(bits: u32) -> u32 {
    bits.wrapping_sub(1) & !bits
}

/// The same for a text that does not end in the first window.
#[cold]
fn not_so_short_text(text: &[u8]) -> Option<usize> {
    let near = text.get(WIDTH..)?.first_chunk()?;
    let found = special_of(near);
    if found == 0 {
        return None;
    }
    let length = found.trailing_zeros() as usize;
    (near[length] == b'"').then_some(WIDTH + length)
}

/// A bit for each of the bytes of four windows that is `wanted`.
#[inline]
fn places_of(near: &[u8; SPAN], wanted: impl Fn(u8x16) -> u8x16) -> u64 {
    let mut places = 0;
    for (at, window) in near.as_chunks().0.iter().enumerate() {
        let bits = wanted(u8x16::new(*window)).to_bitmask();
        places |= u64::from(bits) << (at * WIDTH);
    }
    places
}

/// A bit for each special byte of four windows.
#[inline]
fn special_of(near: &[u8; SPAN]) -> u64 {
    places_of(near, |window| quotes(window) | not_plain(window))
}

#[inline]
fn quotes(window: u8x16) -> u8x16 {
    window.simd_eq(u8x16::splat(b'"'))
}

/// What no plain text has in it: backslashes and control characters.
#[inline]
fn not_plain(window: u8x16) -> u8x16 {
    window.simd_eq(u8x16::splat(b'\\')) | window.min(u8x16::splat(0x1f)).simd_eq(window)
}

/// The bits from `place` on.
#[inline]
pub(crate) fn behind(place: usize) -> u64 {
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    u64::MAX.checked_shl(place).unwrap_or(0)
}

/// A bit for each backslash of four windows.
#[inline]
pub(crate) fn backslashes(near: &[u8; SPAN]) -> u64 {
    places_of(near, |window| window.simd_eq(u8x16::splat(b'\\')))
}

/// How many characters begin in the first `length` bytes of four windows.
#[inline]
pub(crate) fn characters_of(near: &[u8; SPAN], length: usize) -> usize {
    // Bytes of a character but the first are 0b10xxxxxx: the signs are set, and those of what is less are too.
    let continuing = places_of(near, |window| {
        !window.max(u8x16::splat(0xc0)).simd_eq(window) & window
    });
    length - (continuing & !behind(length)).count_ones() as usize
}

/// Whether the byte is one of a character, and not its first.
pub(crate) const fn is_continuing(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The length of the number that `text` begins with, if it is short, has the usual form (digits,
/// perhaps with a sign before and a point among them), and ends with a quote. `None` says nothing.
#[inline]
pub(crate) fn plain_number(text: &[u8]) -> Option<usize> {
    let near = u8x16::new(*text.first_chunk()?);
    let is_signed = text[0] == b'-';
    // As with a text, the length is its quote's place, and what is before it is seen aside.
    let quotes = quotes(near).to_bitmask();
    let digit = near - u8x16::splat(b'0');
    let digits = digit.min(u8x16::splat(9)).simd_eq(digit).to_bitmask();
    let points = near.simd_eq(u8x16::splat(b'.')).to_bitmask();
    let unsigned = before_first(quotes) & !u32::from(is_signed);
    let others = unsigned & !digits;
    // At most one point, with a digit on both sides.
    let point = others & points;
    let is_one = others == point && point & point.wrapping_sub(1) == 0;
    let is_plain = quotes != 0
        && unsigned & digits != 0
        && is_one
        && point & !(digits << 1 & digits >> 1) == 0;
    is_plain.then_some(quotes.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How far a text's end is sought before others seek it.
    const NEAR: usize = WIDTH + SPAN;

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            8 => any::<u8>().prop_filter("plain", |&byte| !is_special(byte)),
            1 => prop::sample::select(b"\"\\\n\x1f\x00".as_slice()),
        ];
        prop::collection::vec(byte, 0..100)
    }

    proptest! {
        #[test]
        fn special_places_are_those_seen_byte_by_byte(bytes in text()) {
            let (places, looked_at) = special_places(&bytes);
            let first = bytes.iter().position(|&byte| is_special(byte));
            let few = first.map_or(bytes.len(), |first| first + 1);
            prop_assert_eq!(looked_at, if bytes.len() < SPAN { few } else { SPAN });
            for at in 0..SPAN {
                let is_special = bytes[..looked_at].get(at).is_some_and(|&byte| is_special(byte));
                prop_assert_eq!(places >> at & 1 == 1, is_special, "at {}", at);
            }
        }

        #[test]
        fn a_short_text_ends_where_its_quote_stands(
            special in prop::option::of((0..NEAR, prop::sample::select(b"\\\n\x1f\x00".as_slice()))),
            quote in 0..NEAR + 2,
            behind in text(),
        ) {
            let mut text = vec![b'x'; quote];
            text.push(b'"');
            text.extend(behind);
            if let Some((at, special)) = special {
                text[at.min(quote)] = special;
            }
            let end = text.iter().position(|&byte| is_special(byte)).filter(|&end| text[end] == b'"');
            let near = end.filter(|&end| end < WIDTH && text.len() >= WIDTH || end < NEAR && text.len() >= NEAR);
            prop_assert_eq!(short_text(&text), near);
        }

        #[test]
        fn a_number_that_is_taken_is_one(number in "-?[0-9]{0,12}(\\.[0-9]{0,12})?[\"x.\\-]", rest in "[ -~]{0,20}") {
            // What follows may complete what the first part began.
            let text = format!("{number}{rest}");
            let end = plain_number(text.as_bytes());
            let body = text.split_once('"').map(|(body, _)| body);
            let is_usual = body.is_some_and(|body| {
                let unsigned = body.strip_prefix('-').unwrap_or(body);
                let parts: Vec<_> = unsigned.split('.').collect();
                let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                parts.len() <= 2 && parts.iter().all(digits)
            });
            let length = body.map_or(0, str::len);
            if is_usual && length < WIDTH && text.len() >= WIDTH {
                prop_assert_eq!(end, Some(length));
            } else {
                prop_assert_eq!(end, None);
            }
        }
    }
}
