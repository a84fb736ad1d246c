//! Records of CSV as raw lines. A record may hold line breaks, so it is read over several batches of
//! lines.
//!
//! A cell is text unless the definition says otherwise, an empty cell no attribute.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use definition::{CellType, CsvFiles};
use dynamodb_json::LineWriter;
use std::collections::BTreeSet;

/// Bytes of a record, at most. DynamoDB's items have 400 KB; what is longer has lost a quote.
const MOST: usize = 4 * 1024 * 1024;

/// Why a record is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// The line that it begins in, from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// Reads the records of one file.
#[derive(Debug)]
pub struct Records {
    settings: CsvFiles,
    reader: Reader,
    columns: Vec<String>,
    /// Whether the next record is the header.
    at_header: bool,
    /// The cells of the record that is being read, and the ends of those that have one.
    cells: Vec<u8>,
    ends: Vec<usize>,
    cells_read: usize,
    ends_read: usize,
    /// Lines before what is read next.
    lines: u64,
    /// The line that the record begins in.
    begins: u64,
}

impl Records {
    /// From the beginning of a file, or, with the columns of its header, from behind `lines` lines.
    pub fn new(settings: &CsvFiles, header: Option<Vec<String>>, lines: u64) -> Self {
        let mut builder = ReaderBuilder::new();
        // A definition that was checked has an ASCII character.
        builder.delimiter(u8::try_from(settings.delimiter).unwrap_or(b','));
        let at_header = header.is_none() && settings.columns.is_empty();
        Self {
            settings: settings.clone(),
            reader: builder.build(),
            columns: header.unwrap_or_else(|| settings.columns.clone()),
            at_header,
            cells: vec![0; 4096],
            ends: vec![0; 64],
            cells_read: 0,
            ends_read: 0,
            lines,
            begins: lines + 1,
        }
    }

    /// The names of the columns, once they are known.
    pub fn columns(&self) -> Option<&[String]> {
        (!self.at_header).then_some(&self.columns)
    }

    /// Lines before what is read next.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The line that the record begins in which was read last, from 1.
    pub const fn begins(&self) -> u64 {
        self.begins
    }

    /// Whether a record has begun that has not ended.
    pub const fn is_within(&self) -> bool {
        self.cells_read > 0 || self.ends_read > 0
    }

    /// Takes some of the file, and calls `item` with what writes each record that ends in it.
    ///
    /// # Errors
    /// If a record has other cells than the header, a cell is not of its type, or what `item` answers.
    pub fn read(
        &mut self,
        mut text: &[u8],
        mut item: impl FnMut(Record<'_>) -> Result<(), String>,
    ) -> Result<(), RecordError> {
        while !text.is_empty() {
            if !self.is_within() {
                // Line breaks between records, such as the second half of one that has two
                // characters.
                if let [byte @ (b'\n' | b'\r'), rest @ ..] = text {
                    self.lines += u64::from(*byte == b'\n');
                    text = rest;
                    continue;
                }
                self.begins = self.lines + 1;
            }
            if self.step(&mut text)? {
                self.record(&mut item)?;
            }
        }
        Ok(())
    }

    /// Ends the file, whose last record may lack its line break.
    ///
    /// # Errors
    /// As [`Records::read`]; if a quote is not closed; or if there is no header.
    pub fn finish(
        &mut self,
        item: impl FnMut(Record<'_>) -> Result<(), String>,
    ) -> Result<(), RecordError> {
        let within = self.is_within();
        if within {
            // Within quotes, a line break ends nothing.
            self.read(b"\n", item)?;
        }
        if self.is_within() {
            return Err(self.refuse("a quote is opened and not closed"));
        }
        if self.at_header {
            return Err(self.refuse("there is no header: name the columns in source.files.csv.columns, or remove the file"));
        }
        Ok(())
    }

    /// Lets the parser take a step; whether a record has ended.
    fn step(&mut self, text: &mut &[u8]) -> Result<bool, RecordError> {
        let (result, taken, cells, ends) = self.reader.read_record(
            text,
            &mut self.cells[self.cells_read..],
            &mut self.ends[self.ends_read..],
        );
        self.lines += memchr::memchr_iter(b'\n', &text[..taken]).count() as u64;
        *text = &text[taken..];
        self.cells_read += cells;
        self.ends_read += ends;
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => Ok(false),
            ReadRecordResult::Record => Ok(true),
            ReadRecordResult::OutputFull => {
                if self.cells.len() >= MOST {
                    return Err(self.refuse("is longer than any item: a quote may not be closed"));
                }
                self.cells.resize(self.cells.len() * 2, 0);
                Ok(false)
            }
            ReadRecordResult::OutputEndsFull => {
                self.ends.resize(self.ends.len() * 2, 0);
                Ok(false)
            }
        }
    }

    fn record(
        &mut self,
        item: &mut impl FnMut(Record<'_>) -> Result<(), String>,
    ) -> Result<(), RecordError> {
        let cells = str::from_utf8(&self.cells[..self.cells_read])
            .map_err(|error| self.refuse(&format!("is no UTF-8: {error}")))?;
        let record = Record {
            columns: &self.columns,
            settings: &self.settings,
            cells,
            ends: &self.ends[..self.ends_read],
        };
        if self.at_header {
            self.columns = header(&record).map_err(|message| self.refuse(&message))?;
            self.at_header = false;
        } else {
            let (found, expected) = (self.ends_read, self.columns.len());
            if found != expected {
                return Err(self.refuse(&format!(
                    "has {found} cells, and there are {expected} columns"
                )));
            }
            item(record).map_err(|message| self.refuse(&message))?;
        }
        self.cells_read = 0;
        self.ends_read = 0;
        Ok(())
    }

    fn refuse(&self, message: &str) -> RecordError {
        RecordError {
            line: self.begins,
            message: message.to_owned(),
        }
    }
}

/// The names in a header.
fn header(record: &Record<'_>) -> Result<Vec<String>, String> {
    let mut seen = BTreeSet::new();
    for (at, name) in record.texts().enumerate() {
        if name.is_empty() {
            return Err(format!("the header has no name for column {}", at + 1));
        }
        if !seen.insert(name) {
            return Err(format!(
                "the header has {} twice",
                contract::short_name(name)
            ));
        }
    }
    for name in record.settings.types.keys() {
        if !seen.contains(name.as_str()) {
            return Err(format!(
                "the header has no {}, which source.files.csv.types names; there are {}",
                contract::short_name(name),
                contract::some_names(seen.iter().copied().collect::<Vec<_>>().into_iter(), 10)
            ));
        }
    }
    Ok(record.texts().map(str::to_owned).collect())
}

/// The cells of a record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    columns: &'r [String],
    settings: &'r CsvFiles,
    cells: &'r str,
    ends: &'r [usize],
}

impl<'r> Record<'r> {
    fn texts(&self) -> impl Iterator<Item = &'r str> {
        let (cells, mut start) = (self.cells, 0);
        self.ends.iter().map(move |&end| {
            let text = &cells[start..end];
            start = end;
            text
        })
    }

    /// Appends the record's item, as a raw line with its line break.
    ///
    /// # Errors
    /// If a cell is not of its column's type.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), String> {
        let mut writer = LineWriter::new(out);
        writer.begin_item();
        for (name, text) in self.columns.iter().zip(self.texts()) {
            if text.is_empty() {
                continue;
            }
            writer.name(name);
            match self.settings.types.get(name) {
                None | Some(CellType::Text) => writer.string(text),
                Some(CellType::Number) if is_number(text) => writer.number(text),
                Some(CellType::Boolean) if text.eq_ignore_ascii_case("true") => {
                    writer.boolean(true);
                }
                Some(CellType::Boolean) if text.eq_ignore_ascii_case("false") => {
                    writer.boolean(false);
                }
                Some(kind) => {
                    let kind = match kind {
                        CellType::Number => "a number",
                        _ => "true or false",
                    };
                    return Err(format!(
                        "column {} is {}, not {kind}",
                        contract::short_name(name),
                        contract::short_name(text)
                    ));
                }
            }
        }
        writer.end_item();
        Ok(())
    }
}

/// Whether DynamoDB JSON can have the text as a number.
fn is_number(text: &str) -> bool {
    let mut item = Vec::with_capacity(text.len() + 24);
    let mut writer = LineWriter::new(&mut item);
    writer.begin_item();
    writer.name("n");
    writer.number(text);
    writer.end_item();
    dynamodb_json::parse_line(&item).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(settings: &Value, text: &str, batch: usize) -> Result<Vec<Value>, RecordError> {
        let settings: CsvFiles = contract::read::from_value(settings.clone()).unwrap();
        let mut records = Records::new(&settings, None, 0);
        let mut items = Vec::new();
        let mut take = |record: Record<'_>| {
            let mut out = Vec::new();
            record.write(&mut out)?;
            let line: Value = serde_json::from_slice(&out).unwrap();
            items.push(line["Item"].clone());
            Ok(())
        };
        for batch in text.as_bytes().chunks(batch) {
            records.read(batch, &mut take)?;
        }
        records.finish(&mut take)?;
        Ok(items)
    }

    #[test]
    fn quotes_line_breaks_and_types_are_read_in_any_batches() {
        let text =
            "id,n,ok,note\r\n1,1.50,TRUE,\"a, \"\"b\"\"\r\nc\"\r\n\r\n2,,false,\n3,-1e3,,\u{e9}";
        let settings = json!({"types": {"n": "number", "ok": "boolean", "note": "text"}});
        let expected = vec![
            json!({"id": {"S": "1"}, "n": {"N": "1.50"}, "ok": {"BOOL": true}, "note": {"S": "a, \"b\"\r\nc"}}),
            json!({"id": {"S": "2"}, "ok": {"BOOL": false}}),
            json!({"id": {"S": "3"}, "n": {"N": "-1e3"}, "note": {"S": "\u{e9}"}}),
        ];
        for batch in [1, 2, 7, 1000] {
            assert_eq!(read(&settings, text, batch).unwrap(), expected, "{batch}");
        }
        let settings = json!({"columns": ["a", "b"], "delimiter": "\t"});
        assert_eq!(
            read(&settings, "1\t2\n", 100).unwrap(),
            [json!({"a": {"S": "1"}, "b": {"S": "2"}})]
        );
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        let types = json!({"types": {"n": "number"}});
        for (settings, text, line, reason) in [
            (json!({}), "", 1, "no header"),
            (json!({}), "a,b\n1,2\n\"x\ny\",2\n1\n", 5, "1 cells"),
            (json!({}), "a,a\n", 1, "`a` twice"),
            (json!({}), "a,\n", 1, "column 2"),
            (json!({}), "a,b\n1,2\n1,\"open\nto the end\n", 3, "quote"),
            (types.clone(), "id\n1\n", 1, "no `n`"),
            (
                types.clone(),
                "id,n\r\n1,2\r\n1,x\r\n",
                3,
                "column `n` is `x`, not a number",
            ),
            (types, "id,n\n1, 2\n", 2, "not a number"),
        ] {
            for batch in [1, 5, 1000] {
                let error = read(&settings, text, batch).unwrap_err();
                assert_eq!(error.line, line, "{text:?}: {error:?}");
                assert!(error.message.contains(reason), "{text:?}: {error:?}");
            }
        }
    }
}
