//! Requests to `/invocations` and their answers: from the bytes of a request to the bytes of a
//! response, in CSV and JSON.

use csv::ByteRecord;
use serde::{Deserialize, Serialize};

use crate::Model;
use crate::channel::index;
use crate::hyperparameters::Layout;
use crate::model::Recommendation;

/// The number of recommended items unless the request says otherwise.
const DEFAULT_N: usize = 10;
/// The largest number of items that a request may ask for.
const MAX_N: usize = 1000;

/// The form of a request or of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `text/csv`
    Csv,
    /// `application/json`
    Json,
}

impl Form {
    /// The form that a media type names. Its parameters are ignored.
    pub fn of_media_type(text: &str) -> Option<Self> {
        let kind = text.split(';').next().unwrap_or_default().trim();
        [Self::Csv, Self::Json]
            .into_iter()
            .find(|form| kind.eq_ignore_ascii_case(form.media_type()))
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Json => "application/json",
        }
    }
}

/// The reason why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// A row of CSV has none of the expected forms.
    #[error("line {line}{}: {reason}", column.map(|c| format!(" column {c}")).unwrap_or_default())]
    Csv {
        /// The line, counted from 1.
        line: u64,
        /// The column of the request's row, counted from 0.
        column: Option<usize>,
        /// The problem.
        reason: String,
    },
    /// The body is not CSV at all.
    #[error("the body is not CSV: {0}")]
    NotCsv(#[from] csv::Error),
    /// The body is not JSON, or has none of the expected forms. The message has line and column.
    #[error("the body is not a valid request: {0}")]
    Json(#[from] serde_json::Error),
    /// The body lacks a member, has too many, or has a value out of range.
    #[error("{0}")]
    Request(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    instances: Option<Vec<Instance>>,
    user: Option<u32>,
    n: Option<usize>,
    exclude_seen: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instance {
    user: u32,
    item: u32,
}

/// Scores, in the order of the pairs.
#[derive(Serialize)]
struct Predictions {
    predictions: Vec<f32>,
}

/// The best items for a user.
#[derive(Serialize)]
struct Best {
    user: u32,
    items: Vec<Recommendation>,
}

/// The best items for several users.
#[derive(Serialize)]
struct Recommendations {
    recommendations: Vec<Best>,
}

/// The content of a request.
enum Question {
    /// Scores of pairs.
    Pairs(Vec<(u32, u32)>),
    /// The best items for one user.
    User {
        user: u32,
        n: usize,
        exclude_seen: bool,
    },
    /// The best items for each of several users.
    Users(Vec<u32>),
}

/// Answers the request in `body`.
pub fn answer(
    model: &Model,
    body: &[u8],
    given: Form,
    accepted: Form,
) -> Result<Vec<u8>, Rejection> {
    let question = match given {
        Form::Csv => from_csv(body, model.layout)?,
        Form::Json => from_json(body)?,
    };
    Ok(match question {
        Question::Pairs(pairs) => {
            let predictions: Vec<f32> = pairs
                .into_iter()
                .map(|(user, item)| model.score(user, item))
                .collect();
            match accepted {
                Form::Csv => predictions
                    .iter()
                    .flat_map(|it| format!("{it}\n").into_bytes())
                    .collect(),
                Form::Json => json(&Predictions { predictions }),
            }
        }
        Question::User {
            user,
            n,
            exclude_seen,
        } => {
            let best = Best {
                user,
                items: model.top(user, n, exclude_seen),
            };
            match accepted {
                Form::Csv => csv(&[best]),
                Form::Json => json(&best),
            }
        }
        Question::Users(users) => {
            let best = |user| Best {
                user,
                items: model.top(user, DEFAULT_N, true),
            };
            let recommendations: Vec<Best> = users.into_iter().map(best).collect();
            match accepted {
                Form::Csv => csv(&recommendations),
                Form::Json => json(&Recommendations { recommendations }),
            }
        }
    })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("structs of numbers are JSON")
}

/// `user,item,score`, best first.
fn csv(recommendations: &[Best]) -> Vec<u8> {
    let rows = recommendations.iter().flat_map(|best| {
        let row = |it: &Recommendation| format!("{},{},{}\n", best.user, it.item, it.score);
        best.items.iter().map(row)
    });
    rows.flat_map(String::into_bytes).collect()
}

fn from_json(body: &[u8]) -> Result<Question, Rejection> {
    let request: Request = serde_json::from_slice(body)?;
    match request {
        Request {
            instances: Some(instances),
            user: None,
            n: None,
            exclude_seen: None,
        } => Ok(Question::Pairs(
            instances.into_iter().map(|it| (it.user, it.item)).collect(),
        )),
        Request {
            instances: None,
            user: Some(user),
            n,
            exclude_seen,
        } => {
            let n = n.unwrap_or(DEFAULT_N);
            if n == 0 || n > MAX_N {
                return Err(Rejection::Request("n is out of range: give 1 to 1000"));
            }
            Ok(Question::User {
                user,
                n,
                exclude_seen: exclude_seen.unwrap_or(true),
            })
        }
        _ => Err(Rejection::Request(
            "give either \"instances\" for scores, or \"user\" with optional \"n\" and \"exclude_seen\"",
        )),
    }
}

/// Rows of one cell are users. Other rows are pairs: training rows without the label, or just
/// `user,item` where training rows have more columns before these.
fn from_csv(body: &[u8], layout: Layout) -> Result<Question, Rejection> {
    let needed = layout.user_column.max(layout.item_column);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(body);
    let mut record = ByteRecord::new();
    let (mut users, mut pairs) = (Vec::new(), Vec::new());
    while reader.read_byte_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize, role: &str| {
            let text = String::from_utf8_lossy(&record[column]);
            index(text.trim()).map_err(|expected| {
                let shown: String = text.chars().take(40).collect();
                let reason = format!("{role} {shown:?} is not a {expected}");
                Rejection::Csv {
                    line,
                    column: Some(column),
                    reason,
                }
            })
        };
        match record.len() {
            1 => users.push(cell(0, "user")?),
            // The layout counts the label's column, which a request does not have.
            width if width >= needed => {
                let user = cell(layout.user_column - 1, "user")?;
                pairs.push((user, cell(layout.item_column - 1, "item")?));
            }
            2 => pairs.push((cell(0, "user")?, cell(1, "item")?)),
            width => {
                let reason = format!(
                    "{width} cells: give user; or user,item; or a training row without its label, \
                     at least {needed} cells"
                );
                return Err(Rejection::Csv {
                    line,
                    column: None,
                    reason,
                });
            }
        }
        if !users.is_empty() && !pairs.is_empty() {
            let reason = "users and user-item pairs mixed: give rows of one kind".to_owned();
            return Err(Rejection::Csv {
                line,
                column: None,
                reason,
            });
        }
    }
    match (users.is_empty(), pairs.is_empty()) {
        (true, true) => Err(Rejection::Request(
            "the body has no rows: give at least one",
        )),
        (false, _) => Ok(Question::Users(users)),
        _ => Ok(Question::Pairs(pairs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::small;

    fn ask(body: &str, given: Form, accepted: Form) -> String {
        String::from_utf8(answer(&small(), body.as_bytes(), given, accepted).unwrap()).unwrap()
    }

    fn refused(body: &str, given: Form) -> String {
        answer(&small(), body.as_bytes(), given, given)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn pairs_are_scored_in_every_form() {
        assert_eq!(ask("3,4\n0,7\n", Form::Csv, Form::Csv), "4.5\n4\n");
        assert_eq!(
            ask("3,4,0.5,9\n0,7,x,9", Form::Csv, Form::Csv),
            "4.5\n4\n",
            "more columns"
        );
        assert_eq!(
            ask("3,4\n", Form::Csv, Form::Json),
            r#"{"predictions":[4.5]}"#
        );
        let pair = r#"{"instances":[{"user":3,"item":4},{"user":0,"item":7}]}"#;
        assert_eq!(
            ask(pair, Form::Json, Form::Json),
            r#"{"predictions":[4.5,4.0]}"#
        );
        assert_eq!(ask(pair, Form::Json, Form::Csv), "4.5\n4\n");
        assert_eq!(
            ask(r#"{"instances":[]}"#, Form::Json, Form::Json),
            r#"{"predictions":[]}"#
        );
    }

    #[test]
    fn columns_are_those_of_the_training_rows_without_the_label() {
        let layout = Layout {
            user_column: 4,
            item_column: 2,
        };
        let pairs = |body: &str| match from_csv(body.as_bytes(), layout) {
            Ok(Question::Pairs(pairs)) => pairs,
            _ => panic!("no pairs"),
        };
        assert_eq!(pairs("x,4,y,3\n"), [(3, 4)]);
        assert_eq!(pairs("x,4,y,3,z\n"), [(3, 4)]);
        assert_eq!(pairs("3,4\n"), [(3, 4)], "just the pair");
        let Err(error) = from_csv(b"3,4,5\n", layout) else {
            panic!("taken")
        };
        assert!(error.to_string().starts_with("line 1: 3 cells"), "{error}");
        let swapped = Layout {
            user_column: 2,
            item_column: 1,
        };
        let Ok(Question::Pairs(pairs)) = from_csv(b"4,3\n", swapped) else {
            panic!("no pairs")
        };
        assert_eq!(pairs, [(3, 4)]);
    }

    #[test]
    fn the_best_items_are_answered_in_every_form() {
        let user = r#"{"user":3,"n":1}"#;
        assert_eq!(
            ask(user, Form::Json, Form::Json),
            r#"{"user":3,"items":[{"item":4,"score":4.5}]}"#
        );
        assert_eq!(ask(user, Form::Json, Form::Csv), "3,4,4.5\n");
        let seen = ask(
            r#"{"user":3,"n":1,"exclude_seen":false}"#,
            Form::Json,
            Form::Csv,
        );
        assert_eq!(seen, "3,7,5\n");
        assert_eq!(
            ask("3\n0\n", Form::Csv, Form::Csv),
            "3,4,4.5\n3,2,3.75\n0,7,4\n0,2,3.25\n0,4,3\n"
        );
        let both = ask("3\n0\n", Form::Csv, Form::Json);
        assert!(
            both.starts_with(r#"{"recommendations":[{"user":3,"items":[{"item":4"#),
            "{both}"
        );
    }

    #[test]
    fn bad_bodies_are_refused_with_line_and_column() {
        for (body, place) in [
            ("3,4\n3,x\n", "line 2 column 1: item \"x\""),
            ("-3,4\n", "line 1 column 0: user \"-3\""),
            ("3,4\n3\n", "line 2: users and user-item pairs mixed"),
            ("", "no rows"),
        ] {
            assert!(
                refused(body, Form::Csv).contains(place),
                "{}",
                refused(body, Form::Csv)
            );
        }
        for (body, place) in [
            ("{", "line 1 column 1"),
            ("{\"user\":\n\"a\"}", "line 2 column 3"),
            (r#"{"users":3}"#, "unknown field `users`"),
            (r#"{"user":-1}"#, "line 1 column 10"),
            (r#"{"user":3,"n":0}"#, "n is out of range"),
            (r#"{"instances":[{"user":1}]}"#, "missing field `item`"),
            (r#"{"instances":[],"user":1}"#, "either"),
            ("{}", "either"),
        ] {
            assert!(
                refused(body, Form::Json).contains(place),
                "{}",
                refused(body, Form::Json)
            );
        }
    }

    #[test]
    fn media_types_may_have_parameters() {
        assert_eq!(
            Form::of_media_type("text/csv; charset=utf-8"),
            Some(Form::Csv)
        );
        assert_eq!(Form::of_media_type("Application/JSON"), Some(Form::Json));
        assert_eq!(Form::of_media_type("text/plain"), None);
    }
}
