//! The hash of all values of a table's items, by which two readings of the table are compared.

use crate::state;
use dynamodb_json::{ItemError, Map, parse_line};
use lake::records::Checksum;

/// The sum of the hashes of items' values. It is the same for the same items, whatever the order of
/// the items, of their attributes and of the members of sets, and however numbers are written.
#[derive(Debug, Default)]
pub struct Values {
    sum: Checksum,
    canonical: Vec<u8>,
}

impl Values {
    /// No items, after those of which this is the sum.
    pub fn after(sum: Checksum) -> Self {
        Self {
            sum,
            canonical: Vec::new(),
        }
    }

    /// Adds an item.
    pub fn add(&mut self, item: Map<'_>) {
        self.sum += Checksum(state::of(item, &mut self.canonical));
    }

    /// Adds the item of a raw line.
    ///
    /// # Errors
    /// If the line is no item.
    pub fn add_line(&mut self, line: &[u8]) -> Result<(), ItemError> {
        self.add(parse_line(line)?);
        Ok(())
    }

    /// The sum.
    pub const fn sum(&self) -> Checksum {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(lines: &[&str]) -> Checksum {
        let mut values = Values::default();
        for line in lines {
            values.add_line(line.as_bytes()).unwrap();
        }
        values.sum()
    }

    #[test]
    fn the_same_items_have_the_same_sum() {
        let one = r#"{"Item":{"id":{"S":"a"},"n":{"N":"1.0"},"s":{"SS":["x","y"]}}}"#;
        let same = r#"{"Item":{"s":{"SS":["y","x"]},"n":{"N":"1"},"id":{"S":"a"}}}"#;
        let two = r#"{"Item":{"id":{"S":"b"}}}"#;
        assert_eq!(sum(&[one, two]), sum(&[two, same]));
        let mut values = Values::after(sum(&[one]));
        values.add_line(two.as_bytes()).unwrap();
        assert_eq!(values.sum(), sum(&[one, two]));
        let other = r#"{"Item":{"s":{"SS":["y"]},"n":{"N":"1"},"id":{"S":"a"}}}"#;
        for different in [&[one][..], &[one, one], &[other, two], &[]] {
            assert_ne!(sum(&[one, two]), sum(different));
        }
    }
}
