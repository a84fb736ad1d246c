//! What a file's columns are, in order. It must not know formats.

/// The columns of a file: the label, the weight if there is one, and the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The label's path.
    pub label: String,
    /// The weight's path, where rows have weights.
    pub weight: Option<String>,
    /// What each slot holds.
    pub slots: Vec<String>,
}

impl Layout {
    /// The names in the order of the columns, no two of them the same: the label, then the weight,
    /// then the slots.
    pub fn names(&self) -> Vec<String> {
        let all = std::iter::once(&self.label)
            .chain(&self.weight)
            .chain(&self.slots);
        let mut names: Vec<String> = Vec::with_capacity(self.slots.len() + 2);
        let mut taken = std::collections::HashSet::new();
        for name in all {
            let mut unique = name.clone();
            let mut times = 1;
            while !taken.insert(unique.clone()) {
                times += 1;
                unique = format!("{name} ({times})");
            }
            names.push(unique);
        }
        names
    }
}
