//! Random batches: each record is answered once, in order, and the answer is never too long.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::Transform;
use serde_json::{Value, json};
use transform_records::{MAX_ANSWER, Totals, answer};

/// An event whose line is up to 6.5 times as long.
fn event(random: &mut fastrand::Rng) -> String {
    let count = random.usize(1..20_000);
    let element = ["1", "{}", "true", "\"long enough\"", "null"][random.usize(..5)];
    format!(
        "{{\"a\":[{}{element}]}}",
        format!("{element},").repeat(count)
    )
}

#[test]
fn each_record_is_answered_once_and_the_answer_fits() {
    let mut full = 0;
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut asked = Vec::new();
        for number in 0..random.usize(1..150) {
            let id = match random.u8(..4) {
                0 => format!("\"{number}\"\u{1}\\é"),
                _ => format!("{number:056}"),
            };
            let data = match random.u8(..10) {
                0 => "no event".to_owned(),
                _ => event(&mut random),
            };
            asked.push(json!({"recordId": id, "data": STANDARD.encode(data)}));
        }
        let invocation = json!({ "records": asked }).to_string();
        let mut transform = Transform::new(&[], &[]).unwrap();
        let (answered, totals) = answer(&mut transform, invocation.as_bytes()).unwrap();
        let text = answered.get();
        assert!(
            text.len() <= MAX_ANSWER + 20,
            "{} of seed {seed}",
            text.len()
        );
        let answered: Value = serde_json::from_str(text).unwrap();
        let answered = answered["records"].as_array().unwrap();
        let ids = |all: &[Value]| {
            all.iter()
                .map(|it| it["recordId"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(answered), ids(&asked), "seed {seed}");
        let count = |result: &str| answered.iter().filter(|it| it["result"] == result).count();
        let expected = Totals {
            kept: count("Ok") as u64,
            dropped: 0,
            failed: count("ProcessingFailed") as u64,
        };
        assert_eq!(totals, expected, "seed {seed}");
        // None that would have fitted was left out.
        let no_events = asked
            .iter()
            .filter(|it| it["data"] == STANDARD.encode("no event"));
        if count("ProcessingFailed") > no_events.count() {
            full += 1;
            assert!(
                text.len() > MAX_ANSWER - 1_000_000,
                "{} of seed {seed}",
                text.len()
            );
        }
    }
    assert!(
        full > 3,
        "{full} batches are too large to be answered whole"
    );
}
