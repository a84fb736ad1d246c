//! A log line of a function: the JSON that it writes, as text for people and as fields.

use aws::logs::LogLine;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A log line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// The service's id of it.
    #[serde(skip)]
    pub id: String,
    /// When it was written, RFC 3339.
    pub time: String,
    /// The function that wrote it.
    pub function: String,
    /// Its level, such as `INFO`; absent if it is Lambda's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Its message, or the whole line if that is no JSON.
    pub message: String,
    /// The id of the function's invocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Its other fields.
    pub fields: Map<String, Value>,
}

impl Line {
    /// Reads a line.
    pub fn of(function: &str, line: &LogLine) -> Self {
        let by_service = crate::runs::rfc3339(line.at);
        let Ok(Value::Object(mut fields)) = serde_json::from_str(&line.text) else {
            return Self {
                id: line.id.clone(),
                time: by_service,
                function: function.to_owned(),
                level: None,
                message: line.text.trim_end().to_owned(),
                request: None,
                fields: Map::new(),
            };
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        // A function's own time is more exact; of Lambda's lines it is `time`.
        let time = take("timestamp").or_else(|| take("time"));
        let level = take("level");
        let message = take("message").or_else(|| take("type"));
        take("target");
        let span = fields.remove("span").unwrap_or_default();
        let record = fields.get("record");
        let request = span.get("request_id");
        let request = request.or_else(|| record.and_then(|record| record.get("requestId")));
        Self {
            id: line.id.clone(),
            time: time.unwrap_or(by_service),
            function: function.to_owned(),
            level,
            message: message.unwrap_or_default(),
            request: request.and_then(Value::as_str).map(str::to_owned),
            fields,
        }
    }

    /// Whether the function has answered with it.
    pub fn is_end(&self) -> bool {
        self.fields.contains_key("millis")
    }

    /// `09:50:57.123  export-segment  INFO  wrote a part  items=20 bytes=400`.
    pub fn text(&self, width: usize) -> String {
        let time = self.time.get(11..23).unwrap_or(&self.time);
        let level = self.level.as_deref().unwrap_or("-");
        let mut text = format!(
            "{time}  {:<width$}  {level:<5}  {}",
            self.function,
            contract::one_line(&self.message)
        );
        for (name, value) in &self.fields {
            // Writing to memory cannot fail.
            let _ = match value {
                Value::String(value) if !value.contains([' ', '"', '\n']) => {
                    write!(text, "  {name}={value}")
                }
                value => write!(text, "  {name}={value}"),
            };
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::{Duration, SystemTime};

    fn line(text: &str) -> Line {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_858_256_042);
        let (id, text) = ("1".to_owned(), text.to_owned());
        Line::of("export-segment", &LogLine { id, at, text })
    }

    #[test]
    fn a_line_of_a_function_has_its_fields() {
        let text = json!({
            "timestamp": "2026-11-28T09:30:57.123456Z", "level": "INFO", "message": "wrote\na part",
            "items": 20, "key": "raw/a", "reason": "it is full", "target": "export_segment",
            "span": {"name": "invocation", "request_id": "q", "run": "r", "pipeline": "p"},
        });
        let line = line(&text.to_string());
        assert_eq!(line.request.as_deref(), Some("q"));
        assert_eq!(
            line.text(16),
            "09:30:57.123  export-segment    INFO   wrote a part  items=20  key=raw/a  \
             reason=\"it is full\"\n"
        );
    }

    #[test]
    fn lambdas_own_lines_and_plain_text_are_kept() {
        let text = json!({
            "time": "2026-11-28T09:45:57.000Z", "type": "platform.report",
            "record": {"requestId": "q", "status": "timeout"},
        });
        let report = line(&text.to_string());
        assert_eq!(report.request.as_deref(), Some("q"));
        let shown = report.text(0);
        assert!(
            shown.starts_with("09:45:57.000  export-segment  -      platform.report"),
            "{shown}"
        );
        assert!(shown.contains("\"status\":\"timeout\""), "{shown}");
        let plain = line("thread panicked\n").text(0);
        assert_eq!(
            plain,
            "09:30:56.042  export-segment  -      thread panicked\n"
        );
    }
}
