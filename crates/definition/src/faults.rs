//! Faults of a definition: every check adds what it finds, so that one answer names them all.

use std::fmt;

/// A field of the definition that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{path}`: {message}")]
pub struct FieldError {
    /// The field, as `dataset.columns[2].encoding`; `.` is the definition itself.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// The fault of a field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// Every fault that was found, in the order of the checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// Adds the fault of a field.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.push(FieldError::new(path, message));
    }

    /// Adds a fault, unless the same one is there.
    pub fn push(&mut self, fault: FieldError) {
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// Removes the faults of the fields that `other` has faults of.
    pub(crate) fn retain_others(&mut self, other: &Self) {
        self.0
            .retain(|fault| other.0.iter().all(|other| other.path != fault.path));
    }

    /// The faults.
    pub fn as_slice(&self) -> &[FieldError] {
        &self.0
    }

    /// Succeeds if there is no fault.
    ///
    /// # Errors
    /// The faults, of which there is at least one.
    pub fn none_or(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl Extend<FieldError> for Faults {
    fn extend<T: IntoIterator<Item = FieldError>>(&mut self, faults: T) {
        for fault in faults {
            self.push(fault);
        }
    }
}

impl IntoIterator for Faults {
    type Item = FieldError;
    type IntoIter = std::vec::IntoIter<FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<FieldError> for Faults {
    fn from(fault: FieldError) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [_, _, ..] = self.as_slice() {
            write!(f, "{} faults: ", self.0.len())?;
        }
        for (at, fault) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
impl Faults {
    /// What a check finds first.
    pub(crate) fn first_of(check: impl FnOnce(&mut Self)) -> Result<(), FieldError> {
        let mut faults = Self::default();
        check(&mut faults);
        faults.none_or().map_err(Self::first)
    }

    /// The first fault.
    pub(crate) fn first(mut self) -> FieldError {
        self.0.remove(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Faults;

    #[test]
    fn all_faults_are_named_and_each_once() {
        let mut faults = Faults::default();
        assert_eq!(faults.clone().none_or(), Ok(()));
        faults.add("a", "is wrong");
        assert_eq!(faults.to_string(), "field `a`: is wrong");
        faults.add("b[1]", "is wrong as well");
        faults.add("a", "is wrong");
        let text = "2 faults: field `a`: is wrong; field `b[1]`: is wrong as well";
        assert_eq!(faults.none_or().unwrap_err().to_string(), text);
    }
}
