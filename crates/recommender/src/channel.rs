//! Reads a channel: every CSV file below its folder, row by row, into interactions. Rows have the
//! form of SageMaker's built-in algorithms: no header, label first, numbers only.

use std::fs::File;
use std::path::Path;

use csv::ByteRecord;

use crate::Error;
use crate::hyperparameters::Layout;
use container::Tree;

/// Labelled pairs of user and item, in 12 bytes per row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interactions {
    /// The users' indices.
    pub users: Vec<u32>,
    /// The items' indices.
    pub items: Vec<u32>,
    /// The labels.
    pub labels: Vec<f32>,
}

impl Interactions {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Adds a row.
    pub fn push(&mut self, user: u32, item: u32, label: f32) {
        self.users.push(user);
        self.items.push(item);
        self.labels.push(label);
    }

    /// User, item and label of each row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, u32, f32)> + '_ {
        (0..self.len()).map(|row| (self.users[row], self.items[row], self.labels[row]))
    }
}

/// The content of a channel, with counts of what was left out.
#[derive(Debug, Default)]
pub struct Channel {
    /// The usable rows.
    pub interactions: Interactions,
    /// Files read.
    pub files: usize,
    /// Rows read, used or not.
    pub rows: u64,
    /// Rows left out because their label cell is empty.
    pub unlabelled: u64,
    /// Rows left out because their user or item is the reserved index.
    pub reserved: u64,
}

/// Reads a channel's files in the order of their paths. Rows whose user or item is `reserved` are
/// left out: this index means any unseen user or item, so nothing can be learnt from it.
pub fn read(
    tree: &Tree,
    name: &'static str,
    layout: Layout,
    reserved: Option<u32>,
) -> Result<Channel, Error> {
    let files = container::files(tree, name, "CSV", name != container::job::TRAIN)?;
    let mut channel = Channel {
        files: files.len(),
        ..Channel::default()
    };
    let mut columns = None;
    for file in &files {
        read_file(file, layout, reserved, &mut columns, &mut channel)?;
    }
    if channel.interactions.is_empty() {
        let Channel {
            rows,
            unlabelled,
            reserved,
            ..
        } = channel;
        return Err(Error::NoRows {
            channel: name,
            rows,
            unlabelled,
            reserved,
        });
    }
    Ok(channel)
}

/// Reads one file. `columns` is the number of columns of the channel's first row.
fn read_file(
    path: &Path,
    layout: Layout,
    reserved: Option<u32>,
    columns: &mut Option<usize>,
    channel: &mut Channel,
) -> Result<(), Error> {
    let file = File::open(path).map_err(|source| container::Error::Io {
        action: "opening",
        path: path.to_owned(),
        source,
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|source| Error::Csv {
            path: path.to_owned(),
            source,
        })?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let bad = |column, reason| Error::BadRow {
            path: path.to_owned(),
            line,
            column,
            reason,
        };
        let width = *columns.get_or_insert(record.len());
        if record.len() != width {
            let reason = format!(
                "{} columns, but the channel's first row has {width}: give every row the same number",
                record.len()
            );
            return Err(bad(None, reason));
        }
        channel.rows += 1;
        let user = cell(&record, layout.user_column, "user", index)
            .map_err(|e| bad(Some(layout.user_column), e))?;
        let item = cell(&record, layout.item_column, "item", index)
            .map_err(|e| bad(Some(layout.item_column), e))?;
        if record[0].trim_ascii().is_empty() {
            channel.unlabelled += 1;
            continue;
        }
        let label = cell(&record, 0, "label", number).map_err(|e| bad(Some(0), e))?;
        if reserved.is_some_and(|reserved| user == reserved || item == reserved) {
            channel.reserved += 1;
        } else {
            channel.interactions.push(user, item, label);
        }
    }
    Ok(())
}

/// Parses one cell of a row. The error says what is wrong with it.
fn cell<T>(
    record: &ByteRecord,
    column: usize,
    role: &str,
    parse: fn(&str) -> Result<T, &'static str>,
) -> Result<T, String> {
    let bytes = record.get(column).ok_or_else(|| {
        format!(
            "no {role}, the row has {} columns: set the {role}'s column",
            record.len()
        )
    })?;
    let text = String::from_utf8_lossy(bytes);
    parse(text.trim()).map_err(|expected| {
        let shown: String = text.chars().take(40).collect();
        format!(
            "{role} {shown:?} is not a {expected}; SageMaker's CSV has no header and only numbers"
        )
    })
}

/// Parses a non-negative whole number. Some writers print it as `12.0`.
pub(crate) fn index(text: &str) -> Result<u32, &'static str> {
    const EXPECTED: &str = "whole number from 0 to 4294967295";
    let whole = text.strip_suffix(".0").unwrap_or(text);
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    whole.parse().map_err(|_| EXPECTED)
}

/// Parses a finite number.
fn number(text: &str) -> Result<f32, &'static str> {
    const EXPECTED: &str = "finite number";
    text.parse()
        .ok()
        .filter(|value: &f32| value.is_finite())
        .ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        user_column: 1,
        item_column: 2,
    };

    fn read_files(files: &[(&str, &str)], layout: Layout) -> Result<Channel, Error> {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        for (name, text) in files {
            let path = tree.channel("train").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read(&tree, "train", layout, Some(0))
    }

    #[test]
    fn files_are_read_down_to_three_folders() {
        let channel = read_files(
            &[
                ("b.csv", "2,3,4\n"),
                ("a", "1.5,1,2\n"),
                ("x/y/z/c", "3,5,6\n"),
            ],
            LAYOUT,
        )
        .unwrap();
        let expected = [(1, 2, 1.5), (3, 4, 2.0), (5, 6, 3.0)];
        assert_eq!(channel.interactions.iter().collect::<Vec<_>>(), expected);
        let error = read_files(&[("w/x/y/z/c", "3,5,6\n")], LAYOUT).unwrap_err();
        let is_too_deep = matches!(error, Error::Container(container::Error::TooDeep { .. }));
        assert!(is_too_deep, "{error}");
    }

    #[test]
    fn other_columns_and_spaces_are_ignored() {
        let layout = Layout {
            user_column: 3,
            item_column: 1,
        };
        let channel = read_files(&[("a", "5, 7,x,8.0\r\n\r\n")], layout).unwrap();
        assert_eq!(
            channel.interactions.iter().collect::<Vec<_>>(),
            [(8, 7, 5.0)]
        );
    }

    #[test]
    fn rows_without_a_label_or_with_the_reserved_index_are_counted() {
        let channel = read_files(&[("a", ",1,1\n3,0,1\n3,1,0\n3,1,1\n")], LAYOUT).unwrap();
        assert_eq!(
            (channel.rows, channel.unlabelled, channel.reserved),
            (4, 1, 2)
        );
        assert_eq!(channel.interactions.len(), 1);
        let error = read_files(&[("a", ",1,1\n")], LAYOUT).unwrap_err();
        assert!(error.to_string().contains("1 without a label"), "{error}");
    }

    #[test]
    fn a_bad_cell_is_refused_with_file_line_and_column() {
        for (text, place) in [
            (
                "label,user,item\n",
                "a line 1 column 1: user \"user\" is not a",
            ),
            ("3,1,1\n3,-1,1\n", "a line 2 column 1: user \"-1\""),
            ("3,1,1\n3,1,1.5\n", "a line 2 column 2: item \"1.5\""),
            ("3,1,1\n3,1,\n", "a line 2 column 2: item \"\""),
            ("3,4294967296,1\n", "a line 1 column 1"),
            ("nan,1,1\n", "a line 1 column 0: label \"nan\""),
            ("3,1,1\n3,1\n", "a line 2: 2 columns"),
            ("3,1\n", "a line 1 column 2: no item"),
        ] {
            let message = read_files(&[("a", text)], LAYOUT).unwrap_err().to_string();
            assert!(message.contains(place), "{message}");
        }
    }

    #[test]
    fn a_channel_without_files_is_refused() {
        let message = read_files(&[], LAYOUT).unwrap_err().to_string();
        assert!(
            message.starts_with("channel train has no file below"),
            "{message}"
        );
    }
}
