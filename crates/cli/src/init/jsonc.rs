//! Writes JSON with comments: objects one field a line, lists one element a line.

use crate::text::wrap;
use serde_json::Value;
use std::fmt::Write as _;

/// Columns of a comment.
const WIDTH: usize = 100;

/// An object whose fields have comments.
#[derive(Debug, Default)]
pub struct Object {
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    comment: String,
    name: &'static str,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Inline(Value),
    Object(Object),
    List(Vec<(Value, String)>),
}

impl Object {
    /// Adds a field whose value takes one line. An empty comment is none.
    pub fn value(&mut self, name: &'static str, value: impl Into<Value>, comment: &str) {
        self.add(name, Node::Inline(value.into()), comment);
    }

    /// Adds an object.
    pub fn object(&mut self, name: &'static str, object: Self, comment: &str) {
        self.add(name, Node::Object(object), comment);
    }

    /// Adds a list, each element with a comment behind it.
    pub fn list(&mut self, name: &'static str, elements: Vec<(Value, String)>, comment: &str) {
        self.add(name, Node::List(elements), comment);
    }

    fn add(&mut self, name: &'static str, node: Node, comment: &str) {
        let comment = comment.to_owned();
        self.fields.push(Field {
            comment,
            name,
            node,
        });
    }

    /// The text of a file, with a comment at its top.
    pub fn text(&self, comment: &str) -> String {
        let mut text = String::from("{\n");
        comment_above(&mut text, 1, comment);
        self.write(&mut text, 0);
        text.push('\n');
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth + 1);
        for (at, field) in self.fields.iter().enumerate() {
            comment_above(text, depth + 1, &field.comment);
            // Writing to memory cannot fail.
            let _ = write!(text, "{indent}\"{}\": ", field.name);
            match &field.node {
                Node::Inline(value) => text.push_str(&inline(value)),
                Node::Object(object) => {
                    text.push_str("{\n");
                    object.write(text, depth + 1);
                }
                Node::List(elements) => write_list(text, elements, &indent),
            }
            text.push_str(separator(at, self.fields.len()));
            text.push('\n');
        }
        text.push_str(&"  ".repeat(depth));
        text.push('}');
    }
}

const fn separator(at: usize, count: usize) -> &'static str {
    if at + 1 < count { "," } else { "" }
}

/// Each element with its comment behind it, or above it if the line would be too long.
fn write_list(text: &mut String, elements: &[(Value, String)], indent: &str) {
    text.push_str("[\n");
    for (at, (value, comment)) in elements.iter().enumerate() {
        let element = format!(
            "{indent}  {}{}",
            inline(value),
            separator(at, elements.len())
        );
        let behind = format!("{element} // {}", one_line(comment));
        if comment.is_empty() {
            text.push_str(&element);
        } else if behind.chars().count() <= WIDTH {
            text.push_str(&behind);
        } else {
            comment_above(text, indent.len() / 2 + 1, comment);
            text.push_str(&element);
        }
        text.push('\n');
    }
    text.push_str(indent);
    text.push(']');
}

fn comment_above(text: &mut String, depth: usize, comment: &str) {
    if comment.is_empty() {
        return;
    }
    let indent = "  ".repeat(depth);
    for line in wrap(&one_line(comment), WIDTH - indent.len() - 3) {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "{indent}// {line}");
    }
}

/// The text without line breaks, which would end a comment: names of attributes may have any.
fn one_line(comment: &str) -> String {
    let is_break = |letter: char| letter.is_control() || "\u{2028}\u{2029}".contains(letter);
    comment.replace(is_break, " ")
}

/// A value on one line, with spaces.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), inline(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(inline).collect();
            format!("[{}]", elements.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::Document;
    use serde_json::json;

    #[test]
    fn the_text_is_read_back_whatever_names_hold() {
        let mut inner = Object::default();
        inner.value("by", json!(["a\"b", "c"]), "");
        let list = vec![
            (
                json!({"path": "x\ny"}),
                "`x\ny` has\u{2028}breaks */ // \"".to_owned(),
            ),
            (json!("z"), String::new()),
        ];
        let mut object = Object::default();
        object.object("split", inner, &"words ".repeat(40));
        object.list("columns", list, "x\ny");
        let text = object.text("Two\nlines.");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        let read = Document::new("a.json".to_owned(), &text).value().unwrap();
        let expected = json!({"split": {"by": ["a\"b", "c"]}, "columns": [{"path": "x\ny"}, "z"]});
        assert_eq!(read, expected);
    }
}
