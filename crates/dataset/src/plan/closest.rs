//! The closest existing attribute names, for error messages.

use profile::Profile;

/// Number of names in a message.
const SHOWN: usize = 8;

/// Characters of a name that are compared: a name may have tens of thousands, and a table two
/// thousand such names.
const COMPARED: usize = 64;

/// Names for which the closest are sought: a definition may name a thousand attributes that a table
/// does not have, and its first step has a part of a processor.
const SOUGHT: usize = 20;

/// Seeks the closest names, for as many faults as a person reads.
pub(crate) struct Closest<'p> {
    profile: &'p Profile,
    sought: usize,
}

impl<'p> Closest<'p> {
    pub(crate) const fn new(profile: &'p Profile) -> Self {
        Self { profile, sought: 0 }
    }

    /// The existing attributes, the names closest to `name` first; for later names their number.
    pub(crate) fn of(&mut self, name: &str) -> String {
        if self.sought == SOUGHT {
            return format!("{} attributes", self.profile.attributes().count());
        }
        self.sought += 1;
        closest(name, self.profile)
    }
}

/// The existing attributes, the names closest to `name` first.
pub(crate) fn closest(name: &str, profile: &Profile) -> String {
    let beginning = |text: &str| -> String { text.chars().take(COMPARED).collect() };
    let name = beginning(name);
    let mut paths: Vec<_> = profile
        .attributes()
        .map(|(path, _)| (strsim::jaro_winkler(&name, &beginning(path)), path))
        .collect();
    paths.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    if paths.is_empty() {
        return "no attributes".to_owned();
    }
    let mut names = contract::some_names(paths.into_iter().map(|(_, path)| path), SHOWN);
    if profile.paths_overflowed() > 0 {
        names.push_str(", and others beyond the 2000 that are kept apart");
    }
    names
}
