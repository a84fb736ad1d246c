//! Batches of a page's lines: together they are the page, and none is far larger than is told.

use dynamodb_json::{Lines, Mark, PathId};
use std::collections::BTreeMap;

/// What a batch has at most, unless it is one line.
const BYTES: usize = 256 * 1024;

/// A page of some 2 MB: with attributes that are not in every item, one item longer than a batch, and
/// names that occur twice or are too many to be learned.
fn page() -> Lines {
    let mut lines = Lines::new();
    for number in 0..6_000_usize {
        let rare = if number.is_multiple_of(7) {
            format!(r#","rare":{{"M":{{"deep":{{"S":"{number}"}}}}}}"#)
        } else {
            String::new()
        };
        let twice = if number % 100 == 3 {
            r#","a":{"N":"1"},"a":{"N":"2"},"a":{"N":"3"}"#.repeat(40)
        } else {
            String::new()
        };
        let long = "é".repeat(if number == 2_500 { BYTES } else { number % 90 });
        let line = format!(
            r#"{{"Item":{{"a":{{"N":"{number}"}},"text":{{"S":"{long}"}}{rare}{twice},"x{number}":{{"BOOL":true}},"y{number}":{{"NULL":true}}}}}}"#
        );
        lines
            .push_line(line.as_bytes())
            .expect("the line is an item");
    }
    lines
}

#[test]
fn batches_are_all_lines_in_order() {
    let lines = page();
    let batches: Vec<_> = lines.batches().collect();
    assert!(batches.len() > 5, "{}", batches.len());
    let texts: Vec<_> = batches.iter().map(dynamodb_json::Batch::text).collect();
    assert!(texts.concat() == lines.text());
    let single = batches.iter().flat_map(dynamodb_json::Batch::lines);
    assert!(single.eq(lines.lines()));
    for batch in &batches {
        assert_eq!(batch.lines().count(), batch.len());
        let fits = batch.text().len() <= BYTES || batch.len() == 1;
        assert!(
            fits,
            "{} lines of {} bytes",
            batch.len(),
            batch.text().len()
        );
    }
}

#[test]
fn the_values_of_batches_are_those_of_their_own_lines() {
    let lines = page();
    let mut joined: BTreeMap<PathId, Vec<Mark>> = BTreeMap::new();
    for batch in lines.batches() {
        let own = batch.text().as_bytes().as_ptr_range();
        for (path, marks) in batch.values() {
            assert!(!marks.is_empty());
            for mark in *marks {
                let raw = mark.raw(batch.page()).as_bytes().as_ptr_range();
                assert!(own.start <= raw.start && raw.end <= own.end);
            }
            joined.entry(*path).or_default().extend_from_slice(marks);
        }
    }
    let whole: BTreeMap<_, _> = lines
        .values()
        .map(|(path, marks)| (path, marks.to_vec()))
        .collect();
    assert!(whole.contains_key(&PathId::UNLEARNED), "not all is learned");
    assert!(joined == whole);
}

#[test]
fn no_lines_are_no_batch() {
    assert!(Lines::new().batches().next().is_none());
}
