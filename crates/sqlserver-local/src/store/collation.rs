//! Collations: how text is compared, and the code page of `varchar`.

use crate::Error;
use encoding_rs::{EUC_KR, Encoding, UTF_8, WINDOWS_1252};
use std::cmp::Ordering;
use std::str::FromStr;

/// A collation. The order is the one of SQL Server for unaccented letters, digits and blanks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Collation {
    /// `SQL_Latin1_General_CP1_CI_AS`, the usual one: not case-sensitive, code page 1252.
    #[default]
    Latin1,
    /// `Latin1_General_BIN2`: by code points, code page 1252.
    Latin1Binary,
    /// `Korean_Wansung_CI_AS`: not case-sensitive, code page 949.
    Korean,
    /// `Latin1_General_100_CI_AS_SC_UTF8`: not case-sensitive, UTF-8.
    Utf8,
}

impl Collation {
    /// All that there are.
    pub const ALL: [Self; 4] = [Self::Latin1, Self::Latin1Binary, Self::Korean, Self::Utf8];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latin1 => "SQL_Latin1_General_CP1_CI_AS",
            Self::Latin1Binary => "Latin1_General_BIN2",
            Self::Korean => "Korean_Wansung_CI_AS",
            Self::Utf8 => "Latin1_General_100_CI_AS_SC_UTF8",
        }
    }

    /// Its five bytes in TDS: locale, flags and version, and the number of an old sort order.
    pub const fn bytes(self) -> [u8; 5] {
        match self {
            Self::Latin1 => [0x09, 0x04, 0xD0, 0x00, 0x34],
            Self::Latin1Binary => [0x09, 0x04, 0x00, 0x02, 0x00],
            Self::Korean => [0x12, 0x04, 0xD0, 0x00, 0x00],
            Self::Utf8 => [0x09, 0x04, 0xD0, 0x24, 0x00],
        }
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Latin1 | Self::Latin1Binary => WINDOWS_1252,
            Self::Korean => EUC_KR,
            Self::Utf8 => UTF_8,
        }
    }

    /// The bytes of a `varchar`; what the code page lacks becomes `?`.
    pub fn encode(self, text: &[u16]) -> Vec<u8> {
        let encoding = self.encoding();
        let mut bytes = Vec::with_capacity(text.len());
        for character in char::decode_utf16(text.iter().copied()) {
            let character = character.unwrap_or('?');
            let mut buffer = [0; 4];
            let one = character.encode_utf8(&mut buffer);
            let (encoded, _, is_lacking) = encoding.encode(one);
            if is_lacking {
                bytes.push(b'?');
            } else {
                bytes.extend_from_slice(&encoded);
            }
        }
        bytes
    }

    /// The text of a `varchar`.
    pub fn decode(self, bytes: &[u8]) -> Vec<u16> {
        let (text, _) = self.encoding().decode_without_bom_handling(bytes);
        text.encode_utf16().collect()
    }

    /// Compares as SQL Server does: blanks at the end do not count.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        let (a, b) = (a.trim_end_matches(' '), b.trim_end_matches(' '));
        if self == Self::Latin1Binary {
            a.encode_utf16().cmp(b.encode_utf16())
        } else {
            let lower = |text: &str| {
                text.chars()
                    .flat_map(char::to_lowercase)
                    .collect::<Vec<_>>()
            };
            lower(a).cmp(&lower(b))
        }
    }
}

impl FromStr for Collation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter();
        let mut found = found.filter(|collation| collation.name().eq_ignore_ascii_case(text));
        found
            .next()
            .ok_or_else(|| Error::UnknownCollation(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_compared_by_the_collation() {
        assert_eq!(Collation::Latin1.compare("abc", "ABC  "), Ordering::Equal);
        assert_eq!(Collation::Latin1.compare("a", "B"), Ordering::Less);
        assert_eq!(Collation::Latin1Binary.compare("a", "B"), Ordering::Greater);
    }

    #[test]
    fn varchar_has_the_characters_of_its_code_page() {
        let text: Vec<u16> = "é€한글".encode_utf16().collect();
        let latin = Collation::Latin1.encode(&text);
        assert_eq!(latin, [0xE9, 0x80, b'?', b'?']);
        let korean: Vec<u16> = "한글".encode_utf16().collect();
        assert_eq!(Collation::Korean.encode(&korean), [0xC7, 0xD1, 0xB1, 0xDB]);
        assert_eq!(Collation::Korean.decode(&[0xC7, 0xD1, 0xB1, 0xDB]), korean);
    }
}
