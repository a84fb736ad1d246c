//! The port to the notices about runs.

use contract::ServiceError;
use std::future::Future;

/// A message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One line of at most [`Notice::SUBJECT`] ASCII characters.
    pub subject: String,
    /// The text.
    pub body: String,
}

impl Notice {
    /// The longest subject, in characters. Source: Amazon SNS API Reference, `Publish`.
    pub const SUBJECT: usize = 100;

    /// A message; its subject is made fit to be sent.
    pub fn new(subject: &str, body: String) -> Self {
        let printable = |c: char| if c.is_ascii_graphic() { c } else { ' ' };
        let subject: String = subject.chars().map(printable).collect();
        let words: Vec<&str> = subject.split_whitespace().collect();
        let mut subject = words.join(" ");
        if subject.len() > Self::SUBJECT {
            subject.truncate(Self::SUBJECT - 3);
            subject.push_str("...");
        }
        Self { subject, body }
    }
}

/// Sends messages to the topic's subscribers.
pub trait SendNotices: Send + Sync {
    /// Sends a message.
    fn send(&self, notice: &Notice) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_short_line_of_ascii() {
        let made = |subject: &str| Notice::new(subject, String::new()).subject;
        assert_eq!(made("a\n b\u{e9}c"), "a b c");
        assert_eq!(made(&"x".repeat(101)), format!("{}...", "x".repeat(97)));
        assert_eq!(made(&"x".repeat(100)).len(), 100);
    }
}
