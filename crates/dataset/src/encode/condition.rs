//! Whether an item satisfies a condition.

use definition::{Comparison, Condition, Literal, Operand};
use dynamodb_json::Value;
use profile::Decimal;
use std::cmp::Ordering;

/// A condition, prepared for many items.
#[derive(Debug, Clone)]
pub struct PreparedCondition {
    op: Comparison,
    operands: Vec<PreparedLiteral>,
}

/// A literal; numbers are compared by value.
#[derive(Debug, Clone)]
enum PreparedLiteral {
    Boolean(bool),
    Number { text: String, value: f64 },
    Text(String),
}

impl PreparedCondition {
    /// Prepares a condition.
    ///
    /// # Errors
    /// The condition's value does not fit its comparison; the message says what would.
    pub fn new(condition: &Condition) -> Result<Self, &'static str> {
        use Comparison::{Absent, Equal, Exists, In, NotEqual};
        let operands: Vec<_> = match (condition.op, &condition.value) {
            (Exists | Absent, None) => Vec::new(),
            (Exists | Absent, Some(_)) => return Err("`exists` and `absent` take no value"),
            (In, Some(Operand::Many(literals))) if !literals.is_empty() => {
                literals.iter().map(PreparedLiteral::new).collect()
            }
            (In, _) => return Err("`in` takes a list of values"),
            (_, Some(Operand::One(literal))) => vec![PreparedLiteral::new(literal)],
            _ => return Err("it takes one value: text, a number or a boolean"),
        };
        if !matches!(condition.op, Equal | NotEqual | In)
            && operands
                .iter()
                .any(|known| matches!(known, PreparedLiteral::Boolean(_)))
        {
            return Err("booleans are equal or not, and none is below the other");
        }
        Ok(Self {
            op: condition.op,
            operands,
        })
    }

    /// Whether the attribute's value satisfies the condition.
    pub fn holds(&self, value: Option<&Value<'_>>) -> bool {
        let value = value.filter(|value| !matches!(value, Value::Null));
        let mut orders = self
            .operands
            .iter()
            .map(|known| value.and_then(|value| known.order(value)));
        match self.op {
            Comparison::Exists => value.is_some(),
            Comparison::Absent => value.is_none(),
            Comparison::Equal | Comparison::In => {
                orders.any(|order| order == Some(Ordering::Equal))
            }
            Comparison::NotEqual => orders.all(|order| order != Some(Ordering::Equal)),
            Comparison::Less => orders.all(|order| order == Some(Ordering::Less)),
            Comparison::LessOrEqual => orders.all(|order| order.is_some_and(Ordering::is_le)),
            Comparison::Greater => orders.all(|order| order == Some(Ordering::Greater)),
            Comparison::GreaterOrEqual => orders.all(|order| order.is_some_and(Ordering::is_ge)),
        }
    }
}

impl PreparedLiteral {
    fn new(literal: &Literal) -> Self {
        match literal {
            Literal::Boolean(value) => Self::Boolean(*value),
            Literal::Number(number) => {
                let raw = number.to_string();
                let decimal = Decimal::read(&raw);
                Self::Number {
                    text: decimal.text().to_owned(),
                    value: decimal.value,
                }
            }
            Literal::Text(text) => Self::Text(text.clone()),
        }
    }

    /// Compares the item's value with this one, if they are of one type.
    fn order(&self, found: &Value<'_>) -> Option<Ordering> {
        match (self, found) {
            (Self::Boolean(known), Value::Bool(found)) => Some(found.cmp(known)),
            (Self::Text(known), Value::S(found)) => Some((*found.decode()).cmp(known)),
            (Self::Number { text, value }, Value::N(raw)) => {
                let found = Decimal::read(raw);
                if *found.text() == **text {
                    return Some(Ordering::Equal);
                }
                // Numbers that are equal in float64 are distinguished by their text: neither equals
                // the other.
                found
                    .value
                    .partial_cmp(value)
                    .filter(|order| *order != Ordering::Equal)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(op: &str, value: serde_json::Value, item: &str) -> bool {
        let condition = match value {
            serde_json::Value::Null => json!({ "path": "a", "op": op }),
            value => json!({ "path": "a", "op": op, "value": value }),
        };
        let condition: Condition = serde_json::from_value(condition).unwrap();
        let item = dynamodb_json::parse_item(item.as_bytes()).unwrap();
        PreparedCondition::new(&condition)
            .unwrap()
            .holds(item.get("a").as_ref())
    }

    #[test]
    fn values_of_one_type_are_compared_by_what_they_say() {
        let number = r#"{"a":{"N":"2.50"}}"#;
        for (op, value, expected) in [
            ("equal", json!(2.5), true),
            ("equal", json!("2.5"), false),
            ("notEqual", json!(2.5), false),
            ("notEqual", json!("2.5"), true),
            ("less", json!(3), true),
            ("less", json!(2.5), false),
            ("lessOrEqual", json!(2.5), true),
            ("greater", json!(-1), true),
            ("greaterOrEqual", json!(2.6), false),
            ("in", json!([1, 2.5]), true),
            ("in", json!([1, "2.5"]), false),
            ("exists", json!(null), true),
            ("absent", json!(null), false),
        ] {
            assert_eq!(holds(op, value.clone(), number), expected, "{op} {value}");
        }
        let text = r#"{"a":{"S":"2024-05-01"}}"#;
        assert!(holds("greaterOrEqual", json!("2024-01-01"), text));
        assert!(!holds("less", json!("2024-01-01"), text));
        assert!(!holds("greater", json!(1), text));
        assert!(holds("equal", json!(true), r#"{"a":{"BOOL":true}}"#));
    }

    #[test]
    fn what_is_missing_or_null_equals_nothing() {
        for item in ["{}", r#"{"a":{"NULL":true}}"#] {
            for (op, value, expected) in [
                ("absent", json!(null), true),
                ("exists", json!(null), false),
                ("notEqual", json!("x"), true),
                ("equal", json!("x"), false),
                ("less", json!(1), false),
                ("in", json!(["x"]), false),
            ] {
                assert_eq!(holds(op, value, item), expected, "{op} {item}");
            }
        }
    }

    #[test]
    fn a_value_that_does_not_go_with_its_comparison_is_refused() {
        for (op, value) in [
            ("in", json!("x")),
            ("in", json!([])),
            ("less", json!(true)),
            ("less", json!([1])),
            ("exists", json!("x")),
        ] {
            let condition = json!({ "path": "a", "op": op, "value": value });
            let condition: Condition = serde_json::from_value(condition).unwrap();
            assert!(PreparedCondition::new(&condition).is_err(), "{op}");
        }
        let condition: Condition =
            serde_json::from_value(json!({ "path": "a", "op": "equal" })).unwrap();
        assert!(PreparedCondition::new(&condition).is_err());
    }
}
