//! Filters, sort order and pages of the `List…` operations.

use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, check, optional};
use serde_json::{Value, json};

const RULES: &[Rule] = &[
    optional("MaxResults", Kind::Integer { min: 1, max: 100 }),
    optional(
        "NameContains",
        Kind::Text {
            min: 0,
            max: 63,
            pattern: r"[a-zA-Z0-9\-]*",
        },
    ),
    optional("SortBy", Kind::OneOf(&["Name", "CreationTime", "Status"])),
    optional("SortOrder", Kind::OneOf(&["Ascending", "Descending"])),
    optional(
        "NextToken",
        Kind::Text {
            min: 0,
            max: 8192,
            pattern: "[0-9]*",
        },
    ),
];
const PAGE: usize = 10;

/// An entry of a list, before filters apply.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub created: f64,
    pub modified: f64,
    /// Empty if the resource has no status.
    pub status: String,
    /// The entry as the answer shows it.
    pub summary: Value,
}

/// One page of the list: the entries under `member`, and `NextToken` if more follow.
pub fn page(
    request: &Value,
    member: &str,
    default_order: &str,
    mut rows: Vec<Row>,
) -> Result<Value, Refusal> {
    check(request, RULES)?;
    let given = |field: &str| request[field].as_str();
    let after = |field: &str, time: f64| request[field].as_f64().is_none_or(|bound| time > bound);
    let before = |field: &str, time: f64| request[field].as_f64().is_none_or(|bound| time < bound);
    rows.retain(|row| {
        given("NameContains").is_none_or(|part| row.name.contains(part))
            && given("StatusEquals").is_none_or(|status| row.status == status)
            && after("CreationTimeAfter", row.created)
            && before("CreationTimeBefore", row.created)
            && after("LastModifiedTimeAfter", row.modified)
            && before("LastModifiedTimeBefore", row.modified)
    });
    match given("SortBy").unwrap_or("CreationTime") {
        "Name" => rows.sort_by(|one, other| one.name.cmp(&other.name)),
        "Status" => rows.sort_by(|one, other| one.status.cmp(&other.status)),
        _ => rows.sort_by(|one, other| one.created.total_cmp(&other.created)),
    }
    if given("SortOrder").unwrap_or(default_order) == "Descending" {
        rows.reverse();
    }
    let size = request["MaxResults"]
        .as_u64()
        .and_then(|size| usize::try_from(size).ok());
    let start = given("NextToken")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let end = rows.len().min(start + size.unwrap_or(PAGE));
    let page: Vec<_> = rows
        .drain(start.min(end)..end)
        .map(|row| row.summary)
        .collect();
    let mut answer = json!({member: page});
    if rows.len() > start {
        answer["NextToken"] = json!(end.to_string());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |number: u32| Row {
            name: format!("job-{number:02}"),
            created: f64::from(number),
            modified: f64::from(number),
            status: if number.is_multiple_of(2) {
                "Completed"
            } else {
                "Failed"
            }
            .into(),
            summary: json!(number),
        };
        (0..25).map(row).collect()
    }

    #[test]
    fn next_token_leads_to_the_end() {
        let mut seen = Vec::new();
        let mut request = json!({"MaxResults": 10, "SortOrder": "Ascending"});
        loop {
            let answer = page(&request, "Jobs", "Descending", rows()).unwrap();
            seen.extend(
                answer["Jobs"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(Value::as_u64),
            );
            if answer["NextToken"].is_null() {
                break;
            }
            request["NextToken"] = answer["NextToken"].clone();
        }
        assert_eq!(seen, (0..25).collect::<Vec<_>>());
    }

    #[test]
    fn rows_are_filtered_and_ordered() {
        let request = json!({"StatusEquals": "Failed", "CreationTimeAfter": 20, "SortBy": "Name"});
        let answer = page(&request, "Jobs", "Descending", rows()).unwrap();
        assert_eq!(answer, json!({"Jobs": [23, 21]}));
        let request = json!({"NameContains": "-07"});
        assert_eq!(
            page(&request, "Jobs", "Ascending", rows()).unwrap(),
            json!({"Jobs": [7]})
        );
        assert!(page(&json!({"MaxResults": 0}), "Jobs", "Ascending", rows()).is_err());
    }
}
