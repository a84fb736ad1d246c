//! `DataProcessing.InputFilter` of a transform job: which columns of a line of CSV the model is asked about.
//!
//! Of the `JSONPath` operators that SageMaker documents, those that CSV has a use for: `$`, and below it
//! indices and slices, as `$[1:]`, `$[0,3]` or `$[0,5:]`.

use std::ops::Range;

/// The member's name, as SageMaker knows it.
pub const MEMBER: &str = "DataProcessing.InputFilter";

/// The columns that are left of each line, in the order in which they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFilter {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Index(usize),
    /// The end is not within it; bounds beyond the line are those of the line.
    Slice(Range<usize>),
}

impl InputFilter {
    /// `None` for `$`, which leaves every line as it is.
    ///
    /// # Errors
    /// With the filter, if it is none for CSV.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text == "$" {
            return Ok(None);
        }
        let refused = || {
            format!(
                "sagemaker-local supports as {MEMBER} `$` and, of text/csv, indices and slices such as \
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

    /// What is left of a file.
    ///
    /// # Errors
    /// If a line is no CSV, lacks a column, or nothing is left of it.
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
                    return Err(format!("has {count} columns, none of index {index}"));
                }
                Part::Index(index) => columns.push(*index),
                Part::Slice(slice) => columns.extend(slice.start..slice.end.min(count)),
            }
        }
        if columns.is_empty() {
            return Err(format!("has {count} columns, none of which is left"));
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

    fn left(filter: &str, content: &str) -> Result<String, String> {
        let filter = InputFilter::parse(filter)?.expect("a filter");
        let left = filter.apply(content.as_bytes())?;
        Ok(String::from_utf8(left).unwrap())
    }

    #[test]
    fn indices_and_slices_leave_their_columns() {
        for (filter, wanted) in [
            ("$[1:]", "b,c,d\n2,,4\n"),
            ("$[2:]", "c,d\n,4\n"),
            ("$[:2]", "a,b\n1,2\n"),
            ("$[1:3]", "b,c\n2,\n"),
            ("$[1:99]", "b,c,d\n2,,4\n"),
            ("$[3]", "d\n4\n"),
            ("$[3,0]", "d,a\n4,1\n"),
            ("$[0, 2:]", "a,c,d\n1,,4\n"),
        ] {
            assert_eq!(left(filter, "a,b,c,d\n1,2,,4").unwrap(), wanted, "{filter}");
        }
        assert_eq!(InputFilter::parse("$"), Ok(None));
    }

    #[test]
    fn quoted_fields_stay_whole_and_an_empty_file_stays_empty() {
        assert_eq!(left("$[1:]", "0,\"a,b\",c\n").unwrap(), "\"a,b\",c\n");
        assert_eq!(left("$[1:]", "").unwrap(), "");
    }

    #[test]
    fn what_is_no_filter_of_csv_is_refused() {
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
    fn a_line_without_the_column_is_told_with_its_number() {
        let error = left("$[0,2]", "1,2,3\n4,5\n").unwrap_err();
        assert!(
            error.contains("line 2 has 2 columns, none of index 2"),
            "{error}"
        );
        let error = left("$[1:]", "1,2\n3\n").unwrap_err();
        assert!(
            error.contains("line 2 has 1 columns, none of which is left"),
            "{error}"
        );
    }
}
