//! Makes one line of a failure's cause. It must not know the errors' names.

use serde_json::Value;

/// The cause in one line: of the JSON that a function's failure is told in, the message.
pub fn message_of(cause: &str) -> String {
    let message = serde_json::from_str::<Value>(cause).ok().and_then(|told| {
        let message = told.get("errorMessage").or_else(|| told.get("message"))?;
        message.as_str().map(str::to_owned)
    });
    let message = message.unwrap_or_else(|| cause.to_owned());
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_failure_is_told_by_its_message() {
        let cause =
            r#"{"errorType":"TableMissing","errorMessage":"there is no table \"x\":\n create it"}"#;
        assert_eq!(message_of(cause), "there is no table \"x\": create it");
        assert_eq!(message_of("plain\ntext"), "plain text");
        assert_eq!(message_of(r#"{"other":1}"#), r#"{"other":1}"#);
        assert_eq!(message_of(""), "");
    }
}
