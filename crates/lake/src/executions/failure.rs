//! The cause of a failure as one line.

use serde_json::Value;

/// The cause as one line. Of the JSON in which a function reports its failure, only the message is
/// kept.
pub fn message_of(cause: &str) -> String {
    let message = serde_json::from_str::<Value>(cause)
        .ok()
        .and_then(|failure| {
            let message = failure
                .get("errorMessage")
                .or_else(|| failure.get("message"))?;
            message.as_str().map(str::to_owned)
        });
    let message = message.unwrap_or_else(|| cause.to_owned());
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_message_of_a_functions_failure_is_kept() {
        let cause =
            r#"{"errorType":"TableMissing","errorMessage":"there is no table \"x\":\n create it"}"#;
        assert_eq!(message_of(cause), "there is no table \"x\": create it");
        assert_eq!(message_of("plain\ntext"), "plain text");
        assert_eq!(message_of(r#"{"other":1}"#), r#"{"other":1}"#);
        assert_eq!(message_of(""), "");
    }
}
