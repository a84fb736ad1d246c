//! A text between two others.

/// A text greater than `low`, less than `high`, and roughly in the middle, if there is one of little
/// more than their length. Without `high` it is as if ASCII ended the characters.
pub fn between(low: &str, high: Option<&str>) -> Option<String> {
    const MOST: usize = 512;
    const BELOW_ALL: u32 = 0x1f;
    const ABOVE_ASCII: u32 = 0x7f;
    const ABOVE_ALL: u32 = 0x11_0000;
    let mut text = String::new();
    let mut low = low.chars();
    let mut high = high.map(str::chars);
    while text.len() < MOST {
        let first = low.next();
        let from = first.map_or(BELOW_ALL, u32::from);
        let to = match &mut high {
            Some(high) => u32::from(high.next()?),
            None if from < ABOVE_ASCII => ABOVE_ASCII,
            None => ABOVE_ALL,
        };
        if from == to {
            text.extend(first);
            continue;
        }
        let middle = from + to.checked_sub(from)? / 2;
        // Between the surrogates there is no character.
        let middle = char::from_u32(middle)
            .or_else(|| char::from_u32(0xe000).filter(|c| u32::from(*c) < to));
        if let Some(middle) = middle.filter(|middle| u32::from(*middle) > from) {
            text.push(middle);
            return Some(text);
        }
        // They are neighbours: anything behind `low` will do.
        text.push(first?);
        high = None;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_between_and_halves_what_is_left() {
        for (low, high, expected) in [
            ("i/a", Some("i/c"), Some("i/b")),
            ("i/a", Some("i/b"), Some("i/aO")),
            ("i/a", None, Some("t")),
            ("i/2026", Some("i/2027"), Some("i/2026O")),
            ("i/", Some("i/a"), Some("i/@")),
            ("a", Some("a"), None),
            ("b", Some("a"), None),
            ("é", Some("ê"), Some("éO")),
            ("é1", Some("ê"), Some("éX")),
            ("\u{d7ff}", Some("\u{e001}"), Some("\u{e000}")),
        ] {
            assert_eq!(between(low, high).as_deref(), expected, "{low} {high:?}");
        }
    }

    /// Texts that agree, and differ, at many places.
    #[test]
    fn whatever_the_texts_are_it_is_between_them() {
        let letters = [
            "", "a", "b", "/", "=", "0", "9", "é", "\u{d7ff}", "\u{e000}", "😀", "~", "\u{7f}",
        ];
        let mut found = 0;
        for first in letters {
            for second in letters {
                for third in letters {
                    for fourth in letters {
                        let (low, high) =
                            (format!("i/{first}{second}"), format!("i/{third}{fourth}"));
                        let Some(text) = between(&low, Some(&high)) else {
                            continue;
                        };
                        assert!(*low < *text && *text < *high, "{low:?} {text:?} {high:?}");
                        found += 1;
                    }
                }
            }
        }
        assert!(found > 5000, "{found}");
    }
}
