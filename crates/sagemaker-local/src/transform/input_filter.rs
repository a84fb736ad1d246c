//! `DataProcessing.InputFilter` of a transform job: selects the columns of CSV that the model gets.
//!
//! It supports the `JSONPath` operators that SageMaker documents and that apply to CSV: `$`, and
//! indices and slices such as `$[1:]`, `$[0,3]` or `$[0,5:]`.

use std::ops::Range;

/// The path of the member in a request.
pub const MEMBER: &str = "DataProcessing.InputFilter";

/// The selected columns of each line, in the filter's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFilter {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Index(usize),
    /// The end is exclusive. Bounds beyond the end of the line are cut.
    Slice(Range<usize>),
}

impl InputFilter {
    /// Parses a filter. `$`, which selects everything, gives `None`.
    ///
    /// # Errors
    /// If the filter does not apply to CSV. The message quotes it.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text == "$" {
            return Ok(None);
        }
        let refused = || {
            format!(
                "sagemaker-local supports `$` as {MEMBER} and, for text/csv, indices and slices such as \
                 `$[1:]`, `$[1:3]` and `$[0,3]`, not `{text}`"
            )
        };
        let inner = text
            .strip_prefix("$[")
            .and_then(|rest| rest.strip_suffix(']'))
            .ok_or_else(refused)?;
        let parts: Option<Vec<Part>> = inner
            .split(',')
            .map(|part| Part::parse(part.trim()))
            .collect();
        let parts = parts.ok_or_else(refused)?;
        Ok(Some(Self { parts }))
    }

    /// Selects the columns of a file.
    ///
    /// # Errors
    /// If a line is not CSV, lacks a column, or has none of the columns.
    pub fn apply(&self, content: &[u8]) -> Result<Vec<u8>, String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(content);
        let mut left = csv::Writer::from_writer(Vec::with_capacity(content.len()));
        for (number, line) in (1..).zip(reader.byte_records()) {
            let line = line.map_err(|error| format!("{MEMBER}: {error}"))?;
            let columns = self
                .columns(line.len())
                .map_err(|problem| format!("{MEMBER}: line {number} {problem}"))?;
            let fields = columns.into_iter().filter_map(|column| line.get(column));
            left.write_record(fields)
                .map_err(|error| format!("{MEMBER}: {error}"))?;
        }
        left.into_inner()
            .map_err(|error| format!("{MEMBER}: {error}"))
    }

    fn columns(&self, count: usize) -> Result<Vec<usize>, String> {
        let mut columns = Vec::new();
        for part in &self.parts {
            match part {
                Part::Index(index) if *index >= count => {
                    return Err(format!("has {count} columns, none with index {index}"));
                }
                Part::Index(index) => columns.push(*index),
                Part::Slice(slice) => columns.extend(slice.start..slice.end.min(count)),
            }
        }
        if columns.is_empty() {
            return Err(format!("has {count} columns, none of which is selected"));
        }
        Ok(columns)
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let bound = |text: &str, other: usize| {
            if text.is_empty() {
                Some(other)
            } else {
                text.parse().ok()
            }
        };
        match text.split_once(':') {
            None => text.parse().ok().map(Self::Index),
            Some((start, end)) => Some(Self::Slice(bound(start, 0)?..bound(end, usize::MAX)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(filter: &str, content: &str) -> Result<String, String> {
        let filter = InputFilter::parse(filter)?.expect("a filter");
        let left = filter.apply(content.as_bytes())?;
        Ok(String::from_utf8(left).unwrap())
    }

    #[test]
    fn indices_and_slices_select_their_columns() {
        for (filter, expected) in [
            ("$[1:]", "b,c,d\n2,,4\n"),
            ("$[2:]", "c,d\n,4\n"),
            ("$[:2]", "a,b\n1,2\n"),
            ("$[1:3]", "b,c\n2,\n"),
            ("$[1:99]", "b,c,d\n2,,4\n"),
            ("$[3]", "d\n4\n"),
            ("$[3,0]", "d,a\n4,1\n"),
            ("$[0, 2:]", "a,c,d\n1,,4\n"),
        ] {
            assert_eq!(
                filtered(filter, "a,b,c,d\n1,2,,4").unwrap(),
                expected,
                "{filter}"
            );
        }
        assert_eq!(InputFilter::parse("$"), Ok(None));
    }

    #[test]
    fn quoted_fields_stay_whole_and_an_empty_file_stays_empty() {
        assert_eq!(filtered("$[1:]", "0,\"a,b\",c\n").unwrap(), "\"a,b\",c\n");
        assert_eq!(filtered("$[1:]", "").unwrap(), "");
    }

    #[test]
    fn a_filter_that_does_not_apply_to_csv_is_refused() {
        for filter in [
            "",
            "$.features",
            "$['id']",
            "$[*]",
            "$[-1]",
            "$[1:2:3]",
            "$[]",
            "[1:]",
            "$[1,]",
        ] {
            let refusal = InputFilter::parse(filter).unwrap_err();
            assert!(refusal.contains(&format!("`{filter}`")), "{refusal}");
        }
    }

    #[test]
    fn a_line_without_the_column_is_reported_with_its_number() {
        let error = filtered("$[0,2]", "1,2,3\n4,5\n").unwrap_err();
        assert!(
            error.contains("line 2 has 2 columns, none with index 2"),
            "{error}"
        );
        let error = filtered("$[1:]", "1,2\n3\n").unwrap_err();
        assert!(
            error.contains("line 2 has 1 columns, none of which is selected"),
            "{error}"
        );
    }
}
