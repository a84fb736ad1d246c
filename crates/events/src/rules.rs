//! What an event must have, and which events are wanted: looked up in the written line.

use crate::{Outcome, Reason};
use contract::{ErrorName, Named};
use dataset::PreparedCondition;
use definition::Condition;
use dynamodb_json::{Path, PathError, Text, Value, parse_value};
use std::ops::Range;

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A required attribute's path, or a condition's, is none.
    #[error("{setting} leads to no attribute")]
    Path {
        /// Which of the settings, such as `required[0]`.
        setting: String,
        /// What is wrong with the path.
        #[source]
        source: PathError,
    },
    /// A condition's value does not fit its comparison.
    #[error("{setting}: {reason}")]
    Condition {
        /// Which of the settings, such as `where[0]`.
        setting: String,
        /// What would fit.
        reason: &'static str,
    },
}

impl Named for RulesError {
    fn name(&self) -> ErrorName {
        ErrorName::InvalidDefinition
    }
}

/// Required attributes and conditions, prepared for many events.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The attributes of the event that rules ask for, each once.
    attributes: Vec<String>,
    /// Where their values stand in the line that is being written.
    places: Vec<Option<Range<usize>>>,
    required: Vec<Sought>,
    conditions: Vec<(Sought, PreparedCondition)>,
}

/// A path, and which of the attributes it begins with.
#[derive(Debug)]
struct Sought {
    attribute: usize,
    path: Path,
}

impl Rules {
    pub(crate) fn new(required: &[String], conditions: &[Condition]) -> Result<Self, RulesError> {
        let mut rules = Self {
            attributes: Vec::new(),
            places: Vec::new(),
            required: Vec::new(),
            conditions: Vec::new(),
        };
        for (index, path) in required.iter().enumerate() {
            let sought = rules.sought(path, || format!("required[{index}]"))?;
            rules.required.push(sought);
        }
        for (index, condition) in conditions.iter().enumerate() {
            let setting = || format!("where[{index}]");
            let sought = rules.sought(&condition.path, setting)?;
            let prepared = PreparedCondition::new(condition);
            let prepared = prepared.map_err(|reason| RulesError::Condition {
                setting: setting(),
                reason,
            })?;
            rules.conditions.push((sought, prepared));
        }
        rules.places = vec![None; rules.attributes.len()];
        Ok(rules)
    }

    fn sought(&mut self, path: &str, setting: impl Fn() -> String) -> Result<Sought, RulesError> {
        let path = Path::parse(path).map_err(|source| RulesError::Path {
            setting: setting(),
            source,
        })?;
        let first = path.first();
        let known = self.attributes.iter().position(|name| name == first);
        let attribute = known.unwrap_or_else(|| {
            self.attributes.push(first.to_owned());
            self.attributes.len() - 1
        });
        Ok(Sought { attribute, path })
    }

    /// Forgets the last event.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.places.fill(None);
    }

    /// Remembers where the value of one of the event's own attributes stands in the line, if a rule
    /// asks for it.
    #[inline]
    pub(crate) fn note(&mut self, name: &Text<'_>, place: Range<usize>) {
        let sought = self.attributes.iter().position(|known| *name == **known);
        if let Some(sought) = sought {
            self.places[sought] = Some(place);
        }
    }

    /// Applies the rules to the event whose line was written.
    #[inline]
    pub(crate) fn outcome(&self, line: &[u8]) -> Result<Outcome, Reason> {
        for sought in &self.required {
            let value = self.value(sought, line);
            if value.is_none_or(|value| matches!(value, Value::Null)) {
                return Err(Reason::Missing {
                    path: sought.path.to_string(),
                });
            }
        }
        let mut conditions = self.conditions.iter();
        let wanted = conditions.all(|(sought, one)| one.holds(self.value(sought, line).as_ref()));
        Ok(if wanted {
            Outcome::Kept
        } else {
            Outcome::Dropped
        })
    }

    fn value<'l>(&self, sought: &Sought, line: &'l [u8]) -> Option<Value<'l>> {
        let place = self.places[sought.attribute].clone()?;
        let value = parse_value(&line[place]).expect("the line was written as DynamoDB JSON");
        sought.path.within(value)
    }
}
