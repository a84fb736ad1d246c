//! Names of Millrace's pipelines, made of tables' names.

use contract::Names as Rules;
use std::collections::{BTreeMap, BTreeSet};

/// The names that are given.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    secrets: BTreeMap<String, String>,
}

impl Names {
    /// The name for a table: of `a-z`, `0-9` and single hyphens, numbered if it is taken.
    pub(crate) fn of(&mut self, table: &str) -> String {
        let base = fold(table, Rules::MAX_PIPELINE);
        let mut name = base.clone();
        let mut number = 2_usize;
        while !self.taken.insert(name.clone()) {
            let suffix = format!("-{number}");
            name = fold(&base, Rules::MAX_PIPELINE - suffix.len()) + &suffix;
            number += 1;
        }
        name
    }

    /// The name of the secret with the login of a database: one for all pipelines that read it.
    pub(crate) fn secret_of(&mut self, database: &str, pipeline: &str, last: &str) -> String {
        let name = || format!("millrace/{pipeline}/{last}");
        let known = self.secrets.entry(database.to_owned());
        known.or_insert_with(name).clone()
    }
}

fn fold(text: &str, most: usize) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(most);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "export" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_each_is_another() {
        let mut names = Names::default();
        for (table, name) in [
            ("keys", "keys"),
            ("Keys", "keys-2"),
            ("my__Table.v2-", "my-table-v2"),
            ("---", "export"),
            ("ÄÖ", "export-2"),
        ] {
            assert_eq!(names.of(table), name);
            Rules::check_pipeline(name).unwrap();
        }
        let long = "a-".repeat(100);
        for _ in 0..12 {
            Rules::check_pipeline(&names.of(&long)).unwrap();
        }
    }
}
