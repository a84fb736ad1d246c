//! Paths are read, written and refused.

use dynamodb_json::{Path, Step};
use proptest::prelude::*;
use std::fmt::Write as _;

#[test]
fn names_and_positions_are_told_apart() {
    let path = Path::parse(r"context.device\.id[0][12].x").unwrap();
    assert_eq!(path.first(), "context");
    assert_eq!(
        path.rest(),
        [
            Step::Name("device.id".to_owned()),
            Step::Index(0),
            Step::Index(12),
            Step::Name("x".to_owned()),
        ]
    );
    assert!(path.enters_list());
}

#[test]
fn what_is_no_path_is_refused_in_one_line() {
    for (text, reason) in [
        ("", "a name is empty"),
        ("a.", "a name is empty"),
        (".a", "a name is empty"),
        ("a..b", "a name is empty"),
        ("[0]", "a name is empty"),
        ("a[", "`[` without `]`"),
        ("a]", "`]` without `[`"),
        ("a[]", "between `[` and `]` stands a position, from 0"),
        ("a[-1]", "between `[` and `]` stands a position, from 0"),
        ("a[99999999999999999999]", "the position is too large"),
        ("a[0]b", "behind `]` follows `.`, `[` or nothing"),
        (r"a\b", r"`\` stands only before `.`, `[`, `]` or `\`"),
    ] {
        let error = Path::parse(text).unwrap_err();
        assert_eq!(error.reason, reason, "{text}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn a_path_is_within_itself_and_its_maps() {
    let path = |text| Path::parse(text).unwrap();
    assert!(path("a.b").is_within(&path("a")));
    assert!(path("a").is_within(&path("a")));
    assert!(!path("a").is_within(&path("a.b")));
    assert!(!path("ab").is_within(&path("a")));
    assert!(!path(r"a\.b").is_within(&path("a")));
}

proptest! {
    #[test]
    fn a_written_path_reads_back(
        first in ".{1,6}",
        rest in proptest::collection::vec(prop_oneof!["[a.\\[\\]\\\\é]{1,4}".prop_map(Ok), (0usize..200).prop_map(Err)], 0..5),
    ) {
        let mut text = Path::attribute(&first).to_string();
        for step in &rest {
            match step {
                Ok(name) => Path::push_name(&mut text, name),
                Err(index) => write!(text, "[{index}]").expect("writing to a string does not fail"),
            }
        }
        let path = Path::parse(&text).unwrap();
        prop_assert_eq!(path.first(), first);
        prop_assert_eq!(path.rest().len(), rest.len());
        prop_assert_eq!(path.to_string(), text);
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        if let Ok(path) = Path::parse(&text) {
            prop_assert_eq!(Path::parse(&path.to_string()).unwrap(), path);
        }
    }
}
