//! Evaluates policies as IAM does within an account: an explicit Deny wins, then any Allow, else
//! nothing. Source: "Policy evaluation logic", AWS Identity and Access Management User Guide.

use serde_json::Value;
use std::collections::BTreeMap;

/// What somebody wants to do.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// As `s3:GetObject`.
    pub action: String,
    /// The ARN that it is done to.
    pub resource: String,
    /// Condition keys and their values; a key that is absent is absent from the request.
    pub context: BTreeMap<&'static str, String>,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is done.
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

/// Decides a request by all statements about its principal.
pub fn decide<'s>(request: &Request, statements: impl IntoIterator<Item = &'s Value>) -> Decision {
    let mut decision = Decision::NotAllowed;
    for statement in statements.into_iter().filter(|it| matches(request, it)) {
        match statement["Effect"].as_str() {
            Some("Deny") => return Decision::Denied,
            Some("Allow") => decision = Decision::Allowed,
            other => panic!("{other:?} is no effect"),
        }
    }
    decision
}

fn matches(request: &Request, statement: &Value) -> bool {
    for unknown in ["NotAction", "NotPrincipal"] {
        assert!(statement.get(unknown).is_none(), "{unknown} is not known");
    }
    let action = request.action.to_lowercase();
    let actions = list(&statement["Action"]);
    let is_one_of = |field: &str| {
        let resources = list(&statement[field]);
        resources.iter().any(|it| like(it, &request.resource))
    };
    let is_about = match statement.get("NotResource") {
        Some(_) => !is_one_of("NotResource"),
        None => is_one_of("Resource"),
    };
    actions.iter().any(|it| like(&it.to_lowercase(), &action))
        && is_about
        && conditions(request, &statement["Condition"])
}

fn conditions(request: &Request, conditions: &Value) -> bool {
    let operators = conditions.as_object().into_iter().flatten();
    operators.into_iter().all(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.into_iter()
            .all(|(key, values)| condition(operator, request.context.get(key.as_str()), values))
    })
}

fn condition(operator: &str, actual: Option<&String>, values: &Value) -> bool {
    if let Some(operator) = operator.strip_suffix("IfExists") {
        return actual.is_none() || condition(operator, actual, values);
    }
    let values = list(values);
    let any = |test: &dyn Fn(&str, &str) -> bool| {
        actual.is_some_and(|actual| values.iter().any(|value| test(value, actual)))
    };
    match operator {
        "StringEquals" | "ArnEquals" if values.iter().all(|it| !it.contains('*')) => {
            any(&|value, actual| value == actual)
        }
        "StringLike" | "ArnLike" | "ArnEquals" => any(&like),
        // A negated operator holds for a key that is absent.
        "StringNotLike" | "ArnNotLike" => !any(&like),
        "Null" => any_null(&values, actual),
        "NumericGreaterThan" => any(&|value, actual| number(actual) > number(value)),
        "Bool" => any(&|value, actual| value.eq_ignore_ascii_case(actual)),
        other => panic!("the condition operator {other} is not known"),
    }
}

/// Whether a key is absent, where that is asked, or present.
fn any_null(values: &[String], actual: Option<&String>) -> bool {
    values
        .iter()
        .any(|value| (value == "true") == actual.is_none())
}

fn number(text: &str) -> f64 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Whether a pattern with `*` and `?` is the whole of a text.
pub fn like(pattern: &str, text: &str) -> bool {
    // ARNs and actions are ASCII.
    like_bytes(pattern.as_bytes(), text.as_bytes())
}

fn like_bytes(mut pattern: &[u8], mut text: &[u8]) -> bool {
    while let [first, rest @ ..] = pattern {
        match (first, text) {
            (b'*', _) => return (0..=text.len()).any(|at| like_bytes(rest, &text[at..])),
            (b'?', [_, others @ ..]) => text = others,
            (first, [letter, others @ ..]) if first == letter => text = others,
            _ => return false,
        }
        pattern = rest;
    }
    text.is_empty()
}

/// One text or a list of them.
pub fn list(json: &Value) -> Vec<String> {
    let text = |it: &Value| match it {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match json {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(context: &[(&'static str, &str)]) -> Request {
        Request {
            action: "s3:GetObject".to_owned(),
            resource: "arn:aws:s3:::lake/raw/a".to_owned(),
            context: context.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        }
    }

    #[test]
    fn a_deny_wins_and_nothing_is_allowed_by_itself() {
        let allow =
            json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::lake/*"});
        let deny = json!({"Effect": "Deny", "Action": ["s3:*"], "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
        assert_eq!(decide(&request(&[]), []), Decision::NotAllowed);
        assert_eq!(decide(&request(&[]), [&allow, &deny]), Decision::Allowed);
        let open = request(&[("aws:SecureTransport", "false")]);
        assert_eq!(decide(&open, [&allow, &deny]), Decision::Denied);
        let elsewhere =
            json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake"});
        assert_eq!(decide(&request(&[]), [&elsewhere]), Decision::NotAllowed);
    }

    #[test]
    fn conditions_hold_as_iam_says() {
        let holds = |condition: Value, context: &[(&'static str, &str)]| {
            let statement =
                json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
            decide(&request(context), [&statement]) == Decision::Allowed
        };
        let role = [("aws:PrincipalArn", "arn:aws:iam::1:role/a/b")];
        assert!(holds(
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/*"}}),
            &role
        ));
        assert!(!holds(
            json!({"ArnNotLike": {"aws:PrincipalArn": ["x", "arn:aws:iam::1:role/*"]}}),
            &role
        ));
        assert!(
            holds(json!({"ArnNotLike": {"aws:PrincipalArn": "x"}}), &[]),
            "absent"
        );
        assert!(
            !holds(json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}), &[]),
            "absent"
        );
        assert!(holds(
            json!({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
            &[]
        ));
        assert!(!holds(
            json!({"StringEquals": {"kms:ViaService": "s3"}}),
            &[("kms:ViaService", "ec2")]
        ));
        assert!(like("a?c*", "abcdef") && !like("a?c", "abcd"));
    }
}
