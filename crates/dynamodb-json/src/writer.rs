//! Writes raw lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes raw lines, `{"Item":{…}}` and a line break each, to the end of a buffer.
///
/// Inside an item or a map every value is preceded by its [`name`](Self::name); commas are put
/// where they belong.
///
/// ```
/// let mut lines = Vec::new();
/// let mut line = dynamodb_json::LineWriter::new(&mut lines);
/// line.begin_item();
/// line.name("user_id");
/// line.string("u1");
/// line.name("rating");
/// line.number("4.5");
/// line.end_item();
/// assert_eq!(lines, b"{\"Item\":{\"user_id\":{\"S\":\"u1\"},\"rating\":{\"N\":\"4.5\"}}}\n");
/// ```
#[derive(Debug)]
pub struct LineWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> LineWriter<'a> {
    /// Writes to the end of `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Begins an item.
    pub fn begin_item(&mut self) {
        self.raw("{\"Item\":{");
    }

    /// Ends the item, and its line.
    pub fn end_item(&mut self) {
        self.raw("}}\n");
    }

    /// The name of the attribute whose value follows.
    pub fn name(&mut self, name: &str) {
        self.comma();
        self.quoted(name);
        self.raw(":");
    }

    /// Text.
    pub fn string(&mut self, text: &str) {
        self.comma();
        self.raw("{\"S\":");
        self.quoted(text);
        self.raw("}");
    }

    /// A number, as the text that DynamoDB gives for it.
    pub fn number(&mut self, number: &str) {
        self.comma();
        self.raw("{\"N\":");
        self.quoted(number);
        self.raw("}");
    }

    /// Binary, written as base64.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.comma();
        self.raw("{\"B\":");
        self.base64(bytes);
        self.raw("}");
    }

    /// A boolean.
    pub fn boolean(&mut self, value: bool) {
        self.comma();
        self.raw(if value {
            "{\"BOOL\":true}"
        } else {
            "{\"BOOL\":false}"
        });
    }

    /// An explicit null.
    pub fn null(&mut self) {
        self.comma();
        self.raw("{\"NULL\":true}");
    }

    /// Begins a nested map.
    pub fn begin_map(&mut self) {
        self.comma();
        self.raw("{\"M\":{");
    }

    /// Ends the nested map.
    pub fn end_map(&mut self) {
        self.raw("}}");
    }

    /// Begins a list.
    pub fn begin_list(&mut self) {
        self.comma();
        self.raw("{\"L\":[");
    }

    /// Ends the list.
    pub fn end_list(&mut self) {
        self.raw("]}");
    }

    /// A set of texts.
    pub fn string_set<T: AsRef<str>>(&mut self, members: impl IntoIterator<Item = T>) {
        self.set("{\"SS\":[", members, |line, member| {
            line.quoted(member.as_ref());
        });
    }

    /// A set of numbers, as the texts that DynamoDB gives for them.
    pub fn number_set<T: AsRef<str>>(&mut self, members: impl IntoIterator<Item = T>) {
        self.set("{\"NS\":[", members, |line, member| {
            line.quoted(member.as_ref());
        });
    }

    /// A set of binary values, written as base64.
    pub fn binary_set<T: AsRef<[u8]>>(&mut self, members: impl IntoIterator<Item = T>) {
        self.set("{\"BS\":[", members, |line, member| {
            line.base64(member.as_ref());
        });
    }

    fn set<T>(
        &mut self,
        begin: &str,
        members: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, &T),
    ) {
        self.comma();
        self.raw(begin);
        for member in members {
            self.comma();
            write(self, &member);
        }
        self.raw("]}");
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A comma, unless what follows is a container's first element or a name's value. What was
    /// written last tells: an element always ends in `}`, `]` or `"`.
    fn comma(&mut self) {
        if let Some(b'}' | b']' | b'"') = self.out.last() {
            self.out.push(b',');
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let mut written = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out.extend_from_slice(&bytes[written..at]);
            written = at + 1;
            match byte {
                b'"' => self.raw("\\\""),
                b'\\' => self.raw("\\\\"),
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                0x08 => self.raw("\\b"),
                0x0c => self.raw("\\f"),
                control => self.raw(&format!("\\u{control:04x}")),
            }
        }
        self.out.extend_from_slice(&bytes[written..]);
        self.out.push(b'"');
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        self.raw(&STANDARD.encode(bytes));
        self.out.push(b'"');
    }
}
