//! The values of the template's parameters: given ones, those of the stack, and answers.

use super::DeployError;
use aws::cloudformation::ParameterValue;
use serde_json::Value;
use std::collections::BTreeMap;

const ADMINISTRATORS: &str = "LakeAdministrators";
const TABLE: &str = "TableName";
const EMAIL: &str = "AlarmEmail";
/// Parameters that name another source than a table.
const OTHER_SOURCES: [&str; 3] = ["SourceSecretArn", "ImageBucketArns", "FilesBucket"];

/// Something that only a person knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The parameter that the answer is the value of.
    pub parameter: String,
    /// The question.
    pub text: String,
    /// The answer that is taken if there is no other; may be empty.
    pub proposal: Option<String>,
}

/// What decides the parameters.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The release's template.
    pub template: &'a Value,
    /// The values of the stack, if there is one.
    pub earlier: Option<&'a BTreeMap<String, String>>,
    /// The values of the command line.
    pub given: &'a BTreeMap<String, String>,
    /// The ARN of the credentials.
    pub caller: &'a str,
}

impl Settings<'_> {
    /// Checks the names of the given values.
    ///
    /// # Errors
    /// If the template has no parameter of such a name.
    pub fn check(&self) -> Result<(), DeployError> {
        let known = |name: &&String| self.parameter(name).is_some();
        match self.given.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let all = self.template["Parameters"]
                    .as_object()
                    .into_iter()
                    .flatten();
                let distance = |other: &str| strsim::damerau_levenshtein(name, other);
                let closest = all
                    .map(|(other, _)| other)
                    .min_by_key(|other| distance(other));
                Err(DeployError::NoParameter {
                    name: name.clone(),
                    closest: closest.cloned().unwrap_or_default(),
                })
            }
        }
    }

    /// What has to be asked, in the order of asking.
    pub fn questions(&self) -> Vec<Question> {
        let all = self.template["Parameters"]
            .as_object()
            .into_iter()
            .flatten();
        let open = all.filter(|(name, _)| {
            let earlier = self
                .earlier
                .is_some_and(|earlier| earlier.contains_key(*name));
            !earlier && !self.given.contains_key(*name)
        });
        open.filter_map(|(name, parameter)| self.question(name, parameter))
            .collect()
    }

    fn question(&self, name: &str, parameter: &Value) -> Option<Question> {
        let is_new = self.earlier.is_none();
        let (text, proposal) = match name {
            ADMINISTRATORS => (
                "who may read and write the lake (ARNs of roles or users, with commas between)",
                administrators(self.caller),
            ),
            TABLE if is_new && !self.has_other_source() => {
                ("the DynamoDB table that pipelines read", None)
            }
            EMAIL if is_new => (
                "the address for notices of failed runs; empty for none",
                Some(String::new()),
            ),
            _ if parameter.get("Default").is_none() => {
                (parameter["Description"].as_str().unwrap_or(name), None)
            }
            _ => return None,
        };
        Some(Question {
            parameter: name.to_owned(),
            text: text.to_owned(),
            proposal,
        })
    }

    fn has_other_source(&self) -> bool {
        OTHER_SOURCES
            .iter()
            .any(|name| self.given.contains_key(*name))
    }

    /// All values to send, with the answers to the questions. A parameter that neither has a value
    /// here nor in the stack is left out: it has the template's default.
    pub fn values(&self, answers: &BTreeMap<String, String>) -> Vec<(String, ParameterValue)> {
        let all = self.template["Parameters"]
            .as_object()
            .into_iter()
            .flatten();
        let value = |name: &str| {
            if let Some(value) = self.given.get(name).or_else(|| answers.get(name)) {
                return Some(ParameterValue::Given(value.clone()));
            }
            // The architecture of the release's functions, also where the stack's were others.
            if name == "Architecture" {
                return None;
            }
            let earlier = self.earlier?.contains_key(name);
            earlier.then_some(ParameterValue::Earlier)
        };
        all.filter_map(|(name, _)| Some((name.clone(), value(name)?)))
            .collect()
    }

    fn parameter(&self, name: &str) -> Option<&Value> {
        self.template["Parameters"].get(name)
    }
}

/// The caller as the lake's policy names it, if its ARN says who it is beyond a session.
fn administrators(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, service) = (parts.next()?, parts.next()?);
    let account = parts.nth(1)?;
    let resource = parts.next()?;
    match (service, resource.split_once('/')) {
        ("iam", None) if resource == "root" => Some(arn.to_owned()),
        ("iam", Some(("user", _))) => Some(arn.to_owned()),
        ("sts", Some(("assumed-role", role))) => {
            let role = role.split('/').next()?;
            let of = |path: &str| format!("arn:{partition}:iam::{account}:role/{path}{role}");
            // The path of a role is not in the ARN of its session; its name is the account's only.
            Some(format!("{},{}", of(""), of("*/")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CALLER: &str = "arn:aws:sts::123456789012:assumed-role/Admin/eva";

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn template() -> Value {
        template_of(include_str!("../../../../infra/template.yaml"))
    }

    fn template_of(text: &str) -> Value {
        crate::template::to_json(text).unwrap()
    }

    fn asked(
        template: &Value,
        earlier: Option<&BTreeMap<String, String>>,
        given: &[(&str, &str)],
    ) -> Vec<(String, Option<String>)> {
        let given = map(given);
        let settings = Settings {
            template,
            earlier,
            given: &given,
            caller: CALLER,
        };
        settings.check().unwrap();
        let questions = settings.questions().into_iter();
        questions
            .map(|question| (question.parameter, question.proposal))
            .collect()
    }

    #[test]
    fn a_new_stack_asks_three_questions() {
        let template = template();
        let role = "arn:aws:iam::123456789012:role/Admin,arn:aws:iam::123456789012:role/*/Admin";
        assert_eq!(
            asked(&template, None, &[]),
            [
                (ADMINISTRATORS.to_owned(), Some(role.to_owned())),
                (TABLE.to_owned(), None),
                (EMAIL.to_owned(), Some(String::new())),
            ]
        );
        assert_eq!(
            asked(&template, None, &[(TABLE, "t"), (EMAIL, "")]).len(),
            1
        );
        let database = [("SourceSecretArn", "arn:aws:secretsmanager:…"), (EMAIL, "")];
        assert_eq!(asked(&template, None, &database).len(), 1);
    }

    #[test]
    fn a_stack_keeps_its_values_and_is_asked_only_what_is_new() {
        let mut template = template();
        let earlier = map(&[
            (ADMINISTRATORS, "arn"),
            ("Architecture", "arm64"),
            ("Gone", "1"),
        ]);
        assert_eq!(asked(&template, Some(&earlier), &[]), []);
        template["Parameters"]["Added"] = json!({"Type": "String", "Description": "what is new"});
        let questions = asked(&template, Some(&earlier), &[]);
        assert_eq!(questions, [("Added".to_owned(), None)]);

        let given = map(&[("RawExpiryDays", "30")]);
        let settings = Settings {
            template: &template,
            earlier: Some(&earlier),
            given: &given,
            caller: CALLER,
        };
        let values = settings.values(&map(&[("Added", "a")]));
        let given = |value: &str| ParameterValue::Given(value.to_owned());
        assert_eq!(
            values,
            [
                (ADMINISTRATORS.to_owned(), ParameterValue::Earlier),
                ("RawExpiryDays".to_owned(), given("30")),
                ("Added".to_owned(), given("a")),
            ]
        );
    }

    #[test]
    fn a_misspelt_parameter_names_the_closest() {
        let template = template();
        let given = map(&[("TabelName", "t")]);
        let settings = Settings {
            template: &template,
            earlier: None,
            given: &given,
            caller: CALLER,
        };
        let error = settings.check().unwrap_err().to_string();
        assert!(
            error.contains("`TabelName`") && error.contains("`TableName`"),
            "{error}"
        );
    }

    #[test]
    fn the_caller_is_named_as_the_lakes_policy_has_it() {
        for (arn, expected) in [
            (
                "arn:aws:iam::123456789012:user/team/eva",
                Some("arn:aws:iam::123456789012:user/team/eva"),
            ),
            (
                "arn:aws:iam::123456789012:root",
                Some("arn:aws:iam::123456789012:root"),
            ),
            (
                "arn:aws-cn:sts::123456789012:assumed-role/A/b",
                Some("arn:aws-cn:iam::123456789012:role/A,arn:aws-cn:iam::123456789012:role/*/A"),
            ),
            ("arn:aws:sts::123456789012:federated-user/eva", None),
            ("eva", None),
        ] {
            assert_eq!(administrators(arn).as_deref(), expected, "{arn}");
        }
    }

    #[test]
    fn what_is_proposed_passes_the_templates_pattern() {
        let template = template();
        let pattern = template["Parameters"][ADMINISTRATORS]["AllowedPattern"]
            .as_str()
            .unwrap();
        let schema = json!({"type": "string", "pattern": format!("^({pattern})$")});
        let proposed = administrators(CALLER).unwrap();
        assert!(
            jsonschema::is_valid(&schema, &json!(proposed)),
            "{proposed}"
        );
    }
}
