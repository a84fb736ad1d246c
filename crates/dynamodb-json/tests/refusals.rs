//! What is no DynamoDB JSON is refused, at the byte where it stops being that; nothing panics.

mod oracle;
mod support;

use dynamodb_json::{Found, ItemError, MAX_DEPTH, parse_item, parse_line, parse_maps};
use proptest::prelude::*;
use support::{attributes, line, read};

fn refusal(line: &str) -> String {
    parse_line(line.as_bytes())
        .expect_err("no item")
        .to_string()
}

#[test]
fn a_refusal_names_the_byte_and_what_was_expected() {
    for (line, message) in [
        (
            "",
            "byte 0: expected `{\"Item\":`, found the end of the line",
        ),
        (
            "{\"item\":{}}",
            "byte 7: expected `Item` as the only member of the line, found ':'",
        ),
        (
            "{\"Item\":{},\"x\":1}",
            "byte 10: expected `}` at the end of the line, found ','",
        ),
        (
            "{\"Item\":{}} x",
            "byte 12: expected the end of the line, found 'x'",
        ),
        (
            "{\"Item\":[]}",
            "byte 8: expected `{` of an attribute map, found '['",
        ),
        (
            "{\"Item\":{\"a\":1}}",
            "byte 13: expected `{` of a typed value, found '1'",
        ),
        (
            "{\"Item\":{\"a\":{\"X\":1}}}",
            "byte 14: expected a type tag (S, N, B, BOOL, NULL, M, L, SS, NS or BS), found '\"'",
        ),
        (
            "{\"Item\":{\"a\":{}}}",
            "byte 14: expected a type tag, found '}'",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":1}}}",
            "byte 18: expected a string, found '1'",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":\"\",\"N\":\"1\"}}}",
            "byte 20: expected `}` of a typed value, found ','",
        ),
        (
            "{\"Item\":{\"a\":{\"N\":\"1x\"}}}",
            "byte 20: expected a decimal number, found 'x'",
        ),
        (
            "{\"Item\":{\"a\":{\"N\":\"\"}}}",
            "byte 19: expected a decimal number, found '\"'",
        ),
        (
            "{\"Item\":{\"a\":{\"N\":\"1e\"}}}",
            "byte 21: expected a decimal number, found '\"'",
        ),
        (
            "{\"Item\":{\"a\":{\"N\":\"NaN\"}}}",
            "byte 19: expected a decimal number, found 'N'",
        ),
        (
            "{\"Item\":{\"a\":{\"NULL\":false}}}",
            "byte 21: expected `true`, found 'f'",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":\"x\ny\"}}}",
            "byte 20: expected an escape in place of a control character, found '\\n'",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":\"\\x\"}}}",
            "byte 20: expected one of `\"\\/bfnrtu` behind `\\`, found 'x'",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":\"\\ud800\"}}}",
            "byte 19: expected `\\uXXXX`, surrogates in pairs, found '\\\\'",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":\"\\udc00\\ud800\"}}}",
            "byte 19: expected `\\uXXXX`, surrogates in pairs, found '\\\\'",
        ),
        (
            "{\"Item\":{\"a\":{\"L\":[{\"NULL\":true},]}}}",
            "byte 33: expected `{` of a typed value, found ']'",
        ),
        (
            "{\"Item\":{\"a\":{\"NS\":[\"1\",\"é\"]}}}",
            "byte 25: expected a decimal number, found 'é'",
        ),
        (
            "{\"Item\":{,}}",
            "byte 9: expected an attribute's name, found ','",
        ),
    ] {
        assert_eq!(refusal(line), message, "{line}");
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    let error = parse_item(b"{\"a\":{\"S\":\"\xff\"}}").unwrap_err();
    assert_eq!(error, ItemError::Utf8 { offset: 11 });
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        format!(
            "{{\"a\":{}{{\"NULL\":true}}{}}}",
            "{\"L\":[".repeat(levels),
            "]}".repeat(levels)
        )
    };
    assert!(parse_item(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
    let too_deep = parse_item(nested(MAX_DEPTH).as_bytes()).unwrap_err();
    assert!(matches!(too_deep, ItemError::TooDeep { .. }), "{too_deep}");
    let hostile = "{\"a\":{\"M\":".repeat(1_000_000);
    assert!(matches!(
        parse_item(hostile.as_bytes()),
        Err(ItemError::TooDeep { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_line(&bytes).is_err());
        if let Ok(map) = parse_item(&bytes) {
            read(&map);
        }
    }

    #[test]
    fn a_line_is_accepted_exactly_if_the_oracle_accepts_it(
        item in attributes(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3, prop::sample::select(b"\"\\{}[]:,.eu0+-SNMLBtf \n\x01\xc3".as_slice())), 1..3),
    ) {
        let mut line = line(&item);
        for (at, edit, byte) in edits {
            let at = at.index(line.len());
            match edit {
                0 => line[at] = byte,
                1 => line.insert(at, byte),
                _ => drop(line.remove(at)),
            }
        }
        let parsed = parse_line(&line);
        prop_assert_eq!(parsed.is_ok(), oracle::is_item(&line), "{:?}: {:?}", String::from_utf8_lossy(&line), parsed.err());
        if let Ok(map) = parsed {
            let oracle: serde_json::Value = serde_json::from_slice(&line).unwrap();
            prop_assert!(map.attributes().count() >= oracle["Item"].as_object().unwrap().len());
        }
    }
}

proptest! {
    #[test]
    fn any_truncation_is_refused_at_its_end_or_before(item in attributes()) {
        let line = line(&item);
        for end in 0..line.len() - 1 {
            let error = parse_line(&line[..end]).unwrap_err();
            prop_assert!(error.offset() <= end);
            if let ItemError::Syntax { offset, found: Found::End, .. } = error {
                prop_assert_eq!(offset, end);
            }
        }
    }
}

fn maps_refusal(line: &str) -> String {
    parse_maps(line.as_bytes())
        .expect_err("no maps")
        .to_string()
}

#[test]
fn a_line_of_maps_has_nothing_else() {
    for (line, message) in [
        (
            "",
            "byte 0: expected `{` of a line, found the end of the line",
        ),
        (
            "{\"a\":null}",
            "byte 5: expected `{` of an attribute map, found 'n'",
        ),
        (
            "{\"a\":{\"S\":\"x\"}}",
            "byte 10: expected `{` of a typed value, found '\"'",
        ),
        ("{\"a\":{},}", "byte 8: expected a member's name, found '}'"),
        (
            "{\"a\":{} \"b\":{}}",
            "byte 8: expected `,` or `}` of a line, found '\"'",
        ),
        (
            "{\"a\":{}} {}",
            "byte 9: expected the end of the line, found '{'",
        ),
    ] {
        assert_eq!(maps_refusal(line), message, "{line}");
    }
    assert!(parse_maps(b"{ }\n").expect("no maps").is_empty());
}

proptest! {
    #[test]
    fn a_line_of_maps_has_the_maps_that_it_was_made_of(
        one in attributes(),
        two in attributes(),
        cut in any::<prop::sample::Index>(),
    ) {
        let [one, two] = [one, two].map(|item| {
            let line = line(&item);
            parse_line(&line).expect("an item").raw().to_vec()
        });
        let text = [b"{\"K\\u0065ys\": ", &one[..], b" ,\"b\":", &two[..], b"}\n"].concat();
        let maps = parse_maps(&text).expect("two maps");
        let found: Vec<_> = maps.iter().map(|(name, map)| (name.decode(), map.raw())).collect();
        prop_assert_eq!(found, [("Keys".into(), &one[..]), ("b".into(), &two[..])]);
        let error = parse_maps(&text[..cut.index(text.len() - 1)]).expect_err("cut short");
        prop_assert!(error.is_cut_short() || matches!(error, ItemError::Utf8 { .. }), "{}", error);
    }
}
