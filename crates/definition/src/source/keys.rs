//! What keys of images look like: text and named parts.

/// A pattern of keys, such as `images/{class}/{name}.{ext}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPattern {
    /// The text before the first part.
    prefix: String,
    /// Each part's name, and the text behind it.
    parts: Vec<(String, String)>,
}

/// The part that holds a key's ending.
const ENDING: &str = "ext";

impl KeyPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// With what is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with(".{ext}") {
            return Err("must end with `.{ext}`, the ending of the images' names".to_owned());
        }
        let mut pieces = text.split('{');
        let prefix = pieces.next().unwrap_or_default().to_owned();
        let mut parts: Vec<(String, String)> = Vec::new();
        for piece in pieces {
            let Some((name, behind)) = piece.split_once('}') else {
                return Err(format!("the part {{{piece} has no closing brace"));
            };
            let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && name.starts_with(|first: char| first.is_ascii_alphabetic());
            if !is_name {
                return Err(format!(
                    "{{{name}}} names no part: letters, digits and _, with a letter first"
                ));
            }
            if parts.iter().any(|(other, _)| other == name) {
                return Err(format!("has the part {{{name}}} twice"));
            }
            if parts.last().is_some_and(|(_, behind)| behind.is_empty()) {
                return Err(format!(
                    "has nothing between {{{name}}} and the part before it: nobody could tell where one ends"
                ));
            }
            parts.push((name.to_owned(), behind.to_owned()));
        }
        if prefix.contains('}') || parts.iter().any(|(_, behind)| behind.contains('}')) {
            return Err("has a closing brace without an opening one".to_owned());
        }
        Ok(Self { prefix, parts })
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The names of the parts, but that of the ending.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let names = self.parts.iter().map(|(name, _)| name.as_str());
        names.filter(|name| *name != ENDING)
    }

    /// The key with this ending and these values of the parts.
    ///
    /// # Errors
    /// With the sentence that names the first part that has no value, or one that cannot be read
    /// back from the key.
    pub fn write(
        &self,
        ending: &str,
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        let mut key = self.prefix.clone();
        let mut values = Vec::with_capacity(self.parts.len());
        for (name, behind) in &self.parts {
            if name == ENDING {
                key.push_str(ending);
            } else {
                let value = value(name);
                let value = value.ok_or_else(|| format!("nothing gives the part {{{name}}}"))?;
                key.push_str(&value);
                values.push((name, value));
            }
            key.push_str(behind);
        }
        let read = self.read(&key).unwrap_or_default();
        let mut wrong = values.iter().enumerate();
        match wrong.find(|(at, (_, value))| read.get(*at) != Some(&value.as_str())) {
            None => Ok(key),
            Some((_, (name, value))) => Err(format!(
                "{value:?} cannot be the part {{{name}}}: it is empty, has a /, or the text that ends it"
            )),
        }
    }

    /// The values of the parts, in the order of [`KeyPattern::parts`]; `None` if the key does not
    /// fit.
    pub fn read<'k>(&self, key: &'k str) -> Option<Vec<&'k str>> {
        let mut rest = key.strip_prefix(self.prefix.as_str())?;
        let mut values = Vec::with_capacity(self.parts.len());
        for (at, (name, behind)) in self.parts.iter().enumerate() {
            if name == ENDING {
                return is_value(rest).then_some(values);
            }
            // Names have dots too: the ending is behind the last one.
            let is_last = self
                .parts
                .get(at + 1)
                .is_some_and(|(next, _)| next == ENDING);
            let end = if is_last {
                rest.rfind(behind.as_str())?
            } else {
                rest.find(behind.as_str())?
            };
            let (value, behind_it) = rest.split_at(end);
            if !is_value(value) {
                return None;
            }
            values.push(value);
            rest = &behind_it[behind.len()..];
        }
        None
    }
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_gives_its_parts_or_does_not_fit() {
        let pattern = "images/date={date}/vehicle={vehicle}/{name}.{ext}";
        let pattern = KeyPattern::parse(pattern).unwrap();
        assert_eq!(pattern.prefix(), "images/date=");
        assert_eq!(
            pattern.parts().collect::<Vec<_>>(),
            ["date", "vehicle", "name"]
        );
        let read = |key| pattern.read(key);
        assert_eq!(
            read("images/date=2026-11-29/vehicle=é 7/a+b.c.jpg"),
            Some(vec!["2026-11-29", "é 7", "a+b.c"])
        );
        for key in [
            "images/date=2026-11-29/a.jpg",
            "images/date=/vehicle=7/a.jpg",
            "images/date=1/vehicle=7/a",
            "images/date=1/vehicle=7/b/a.jpg",
            "images/date=1/vehicle=7/.jpg",
            "images/date=1/vehicle=7/a.",
            "pictures/date=1/vehicle=7/a.jpg",
            "",
        ] {
            assert_eq!(read(key), None, "{key}");
        }
    }

    #[test]
    fn a_key_is_written_from_parts_that_can_be_read_back() {
        let pattern = KeyPattern::parse("images/{date}-{vehicle}/{name}.{ext}").unwrap();
        let write = |date: &str, vehicle: Option<&str>, name: &str| {
            pattern.write("jpg", |part| match part {
                "date" => Some(date.to_owned()),
                "vehicle" => vehicle.map(str::to_owned),
                _ => Some(name.to_owned()),
            })
        };
        let key = write("20261129", Some("v-7"), "a.b");
        assert_eq!(key.as_deref(), Ok("images/20261129-v-7/a.b.jpg"));
        for (wrong, says) in [
            (
                write("20261129", None, "a"),
                "nothing gives the part {vehicle}",
            ),
            (
                write("2026-11-29", Some("v"), "a"),
                "\"2026-11-29\" cannot be the part {date}",
            ),
            (write("2026", Some("a/b"), "a"), "cannot be the part"),
            (write("2026", Some(""), "a"), "cannot be the part"),
        ] {
            let message = wrong.unwrap_err();
            assert!(message.contains(says), "{message}");
        }
    }

    proptest! {
        #[test]
        fn parts_come_back_as_they_were_put_in(
            class in "[^/]{1,8}", name in "[^/]{1,12}", ext in "[a-z]{1,4}",
        ) {
            let pattern = KeyPattern::parse("i/{class}/{name}.{ext}").unwrap();
            let key = format!("i/{class}/{name}.{ext}");
            prop_assert_eq!(pattern.read(&key), Some(vec![class.as_str(), name.as_str()]));
        }

        #[test]
        fn no_text_panics(pattern in "[a{}./]{0,12}(\\.\\{ext\\})?", key in ".{0,20}") {
            if let Ok(pattern) = KeyPattern::parse(&pattern) {
                pattern.read(&key);
            }
        }
    }
}
