//! Checks how changed items are scored: of the one stream that is named, from its beginning, in halves
//! if a batch fails, and with what is given up in the queue; into the one table that is named.

use super::access;
use super::intrinsics::{ACCOUNT, REGION};
use super::policy::list;
use super::stack::{Stack, number};
use crate::Finding;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What scores changes.
pub const FUNCTION: &str = "millrace-ScoreChangesFunction";
const ROLE: &str = "ScoreChangesRole";

/// Seconds that a stream keeps a record, less two hours.
const MOST_SECONDS: f64 = 79_200.0;

/// Everything that is wrong with the scores, if the stack has any.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    let stream = stack.parameter("ScoreStreamArn");
    let mappings = stack.of_type("AWS::Lambda::EventSourceMapping");
    let mappings: Vec<_> = mappings
        .filter(|(_, mapping)| mapping["FunctionName"] == FUNCTION)
        .collect();
    if mappings.len() != usize::from(!stream.is_empty()) {
        let problem = format!("{} mappings call it for {stream:?}", mappings.len());
        found.push(Finding::new(FUNCTION, problem));
    }
    for (name, mapping) in mappings {
        mapped(name, mapping, stack, &mut found);
        reaches(stack, &mut found);
    }
    found
}

fn mapped(name: &str, mapping: &Value, stack: &Stack, found: &mut Vec<Finding>) {
    let mut say = |problem: String| found.push(Finding::new(name, problem));
    let failed = &mapping["DestinationConfig"]["OnFailure"]["Destination"];
    for (what, is, must) in [
        (
            "EventSourceArn",
            &mapping["EventSourceArn"],
            json!(stack.parameter("ScoreStreamArn")),
        ),
        // With LATEST, what changes while it is made or updated is never delivered.
        (
            "StartingPosition",
            &mapping["StartingPosition"],
            json!("TRIM_HORIZON"),
        ),
        ("OnFailure", failed, json!(stack.exports["undelivered"])),
        (
            "BisectBatchOnFunctionError",
            &mapping["BisectBatchOnFunctionError"],
            json!(true),
        ),
    ] {
        if *is != must {
            say(format!("has the {what} {is}, not {must}"));
        }
    }
    for (what, least, most) in [
        ("BatchSize", 1.0, 1000.0),
        ("MaximumBatchingWindowInSeconds", 0.0, 60.0),
        // Neither for ever, nor gone at the first roll-out.
        ("MaximumRetryAttempts", 10.0, 1000.0),
        ("MaximumRecordAgeInSeconds", 3600.0, MOST_SECONDS),
    ] {
        let value = number(&mapping[what]);
        if !value.is_some_and(|value| (least..=most).contains(&value)) {
            say(format!("has the {what} {}", mapping[what]));
        }
    }
}

/// Its role reads the one stream, and writes the one table.
fn reaches(stack: &Stack, found: &mut Vec<Finding>) {
    let table = format!(
        "arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}",
        stack.parameter("ScoresTable")
    );
    let must = BTreeSet::from([stack.parameter("ScoreStreamArn").to_owned(), table]);
    let statements = access::of_role(&stack.resources[ROLE], &stack.resources);
    let of_dynamodb = statements.iter().filter(|statement| {
        let actions = list(&statement["Action"]);
        actions.iter().any(|it| it.starts_with("dynamodb:"))
    });
    let is: BTreeSet<_> = of_dynamodb
        .flat_map(|statement| list(&statement["Resource"]))
        .collect();
    if is != must {
        found.push(Finding::new(ROLE, format!("reaches {is:?}, not {must:?}")));
    }
}
