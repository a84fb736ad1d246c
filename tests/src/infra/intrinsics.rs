//! A template with its parameters, conditions and references resolved, as CloudFormation would for
//! a stack `millrace` of account 123456789012 in eu-central-1.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The account of the stack.
pub const ACCOUNT: &str = "123456789012";
/// The region of the stack.
pub const REGION: &str = "eu-central-1";

/// The resources that a template makes with these parameters, each with concrete properties.
///
/// # Panics
/// If the template uses a function that this does not know.
pub fn resources(template: &Value, parameters: &[(&str, &str)]) -> Map<String, Value> {
    importing(template, parameters, &BTreeMap::new())
}

/// As [`resources`], of a template that imports what another stack exports under these names, each
/// after the other stack's name and a hyphen.
///
/// # Panics
/// If the template uses a function that this does not know, or imports what is not exported.
pub fn importing(
    template: &Value,
    parameters: &[(&str, &str)],
    exports: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let mut stack = Stack::new(template, parameters);
    stack.imports.clone_from(exports);
    let all = template["Resources"].as_object().into_iter().flatten();
    all.filter(|(_, resource)| {
        resource["Condition"]
            .as_str()
            .is_none_or(|name| stack.holds(name))
    })
    .map(|(name, resource)| (name.clone(), stack.resolve(resource).unwrap_or_default()))
    .collect()
}

/// The conditions of a template, each with whether it holds with these parameters.
pub fn conditions(template: &Value, parameters: &[(&str, &str)]) -> BTreeMap<String, bool> {
    let stack = Stack::new(template, parameters);
    let all = template["Conditions"].as_object().into_iter().flatten();
    all.map(|(name, _)| (name.clone(), stack.holds(name)))
        .collect()
}

/// The values of the outputs that a template exports, by the ends of their names: what follows the
/// stack's name and a hyphen.
pub fn exports(template: &Value, parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
    let stack = Stack::new(template, parameters);
    let outputs = template["Outputs"].as_object().into_iter().flatten();
    let exported = outputs.filter_map(|(_, output)| {
        let name = text(&stack.value(output.get("Export")?.get("Name")?));
        let end = name.strip_prefix("millrace-")?.to_owned();
        Some((end, text(&stack.value(&output["Value"]))))
    });
    exported.collect()
}

struct Stack<'t> {
    template: &'t Value,
    parameters: BTreeMap<String, Value>,
    imports: BTreeMap<String, String>,
}

impl<'t> Stack<'t> {
    fn new(template: &'t Value, given: &[(&str, &str)]) -> Self {
        let mut parameters = BTreeMap::new();
        for (name, parameter) in template["Parameters"].as_object().into_iter().flatten() {
            parameters.insert(name.clone(), parameter["Default"].clone());
        }
        for (name, value) in given {
            parameters.insert((*name).to_owned(), json!(value));
        }
        Self {
            template,
            parameters,
            imports: BTreeMap::new(),
        }
    }

    fn holds(&self, condition: &str) -> bool {
        self.truth(&self.template["Conditions"][condition])
    }

    fn truth(&self, expression: &Value) -> bool {
        let (function, argument) = only(expression);
        let parts = || argument.as_array().into_iter().flatten();
        match function {
            "Condition" | "Fn::Condition" => self.holds(argument.as_str().unwrap_or_default()),
            "Fn::Equals" => text(&self.value(&argument[0])) == text(&self.value(&argument[1])),
            "Fn::Not" => !self.truth(&argument[0]),
            "Fn::And" => parts().all(|part| self.truth(part)),
            "Fn::Or" => parts().any(|part| self.truth(part)),
            other => panic!("{other} is no function of conditions that is known here"),
        }
    }

    fn value(&self, json: &Value) -> Value {
        self.resolve(json).unwrap_or_default()
    }

    /// None for `AWS::NoValue`.
    fn resolve(&self, json: &Value) -> Option<Value> {
        Some(match json {
            Value::Array(elements) => elements.iter().filter_map(|it| self.resolve(it)).collect(),
            Value::Object(fields) if fields.len() == 1 => {
                let (name, argument) = only(json);
                match name {
                    "Ref" => return self.reference(argument.as_str().unwrap_or_default()),
                    _ if name.starts_with("Fn::") => return self.call(name, argument),
                    _ => self.fields(fields),
                }
            }
            Value::Object(fields) => self.fields(fields),
            scalar => scalar.clone(),
        })
    }

    fn fields(&self, fields: &Map<String, Value>) -> Value {
        let resolved = fields
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?)));
        Value::Object(resolved.collect())
    }

    fn call(&self, function: &str, argument: &Value) -> Option<Value> {
        Some(match function {
            "Fn::If" => {
                let condition = argument[0].as_str().unwrap_or_default();
                let branch = if self.holds(condition) { 1 } else { 2 };
                return self.resolve(&argument[branch]);
            }
            "Fn::GetAtt" => json!(self.attribute(argument)),
            "Fn::Sub" => json!(self.substitute(argument)),
            "Fn::ImportValue" => {
                let name = text(&self.value(argument));
                let end = name.strip_prefix("millrace-").unwrap_or(&name);
                let found = self.imports.get(end);
                json!(found.unwrap_or_else(|| panic!("{name} is exported by no stack")))
            }
            "Fn::Join" => {
                let parts = self.value(&argument[1]);
                let parts: Vec<_> = parts.as_array().into_iter().flatten().map(text).collect();
                json!(parts.join(argument[0].as_str().unwrap_or_default()))
            }
            "Fn::Split" => {
                let whole = text(&self.value(&argument[1]));
                let separator = argument[0].as_str().unwrap_or_default();
                whole.split(separator).map(Value::from).collect()
            }
            other => panic!("{other} is no function that is known here"),
        })
    }

    fn reference(&self, name: &str) -> Option<Value> {
        Some(json!(match name {
            "AWS::NoValue" => return None,
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::StackName" => "millrace".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            _ => match self.parameters.get(name) {
                Some(value) => text(value),
                None => self.physical(name),
            },
        }))
    }

    fn attribute(&self, argument: &Value) -> String {
        let path = match argument {
            Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join("."),
            path => text(path),
        };
        let (name, attribute) = path.split_once('.').unwrap_or((&path, ""));
        match attribute {
            "Arn" => self.arn(name),
            other => format!("{name}.{other}"),
        }
    }

    fn substitute(&self, argument: &Value) -> String {
        let (pattern, own) = match argument {
            Value::Array(parts) => (text(&parts[0]), parts[1].clone()),
            pattern => (text(pattern), Value::Null),
        };
        let mut done = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').expect("a closing brace");
            done.push_str(before);
            // Text that is left to others to replace.
            if let Some(literal) = name.strip_prefix('!') {
                done = done + "${" + literal + "}";
                rest = behind;
                continue;
            }
            done.push_str(&match own.get(name) {
                Some(value) => text(&self.value(value)),
                None if name.contains('.') => self.attribute(&json!(name)),
                None => text(&self.reference(name).unwrap_or_default()),
            });
            rest = behind;
        }
        done + rest
    }

    fn kind(&self, name: &str) -> &str {
        self.template["Resources"][name]["Type"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} is neither parameter nor resource"))
    }

    /// What `Ref` gives.
    fn physical(&self, name: &str) -> String {
        let properties = &self.template["Resources"][name]["Properties"];
        match self.kind(name) {
            "AWS::Glue::Database" => text(&self.value(&properties["DatabaseInput"]["Name"])),
            "AWS::Athena::WorkGroup" => text(&self.value(&properties["Name"])),
            "AWS::KinesisFirehose::DeliveryStream" => {
                text(&self.value(&properties["DeliveryStreamName"]))
            }
            "AWS::S3::Bucket" => format!("millrace-{}", name.to_lowercase()),
            "AWS::SNS::Topic"
            | "AWS::IAM::ManagedPolicy"
            | "AWS::Serverless::StateMachine"
            | "AWS::StepFunctions::StateMachine" => self.arn(name),
            _ => format!("millrace-{name}"),
        }
    }

    fn arn(&self, name: &str) -> String {
        let here =
            |service: &str, rest: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}");
        let property = |property: &str| {
            text(&self.value(&self.template["Resources"][name]["Properties"][property]))
        };
        match self.kind(name) {
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{}", self.physical(name)),
            "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" => {
                let kind = match self.kind(name) {
                    "AWS::IAM::Role" => "role",
                    _ => "policy",
                };
                let path = Some(property("Path")).filter(|it| !it.is_empty());
                let path = path.unwrap_or_else(|| "/".to_owned());
                format!("arn:aws:iam::{ACCOUNT}:{kind}{path}millrace-{name}")
            }
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                here("lambda", &format!("function:millrace-{name}"))
            }
            "AWS::Serverless::StateMachine" => {
                here("states", &format!("stateMachine:{}", property("Name")))
            }
            "AWS::StepFunctions::StateMachine" => here(
                "states",
                &format!("stateMachine:{}", property("StateMachineName")),
            ),
            "AWS::Logs::LogGroup" => {
                here("logs", &format!("log-group:{}:*", property("LogGroupName")))
            }
            "AWS::KinesisFirehose::DeliveryStream" => {
                let stream = property("DeliveryStreamName");
                here("firehose", &format!("deliverystream/{stream}"))
            }
            "AWS::KMS::Key" => here("kms", "key/lake"),
            "AWS::SNS::Topic" => here("sns", &format!("millrace-{name}")),
            "AWS::SQS::Queue" => here("sqs", &format!("millrace-{name}")),
            "AWS::Events::Rule" => here("events", &format!("rule/millrace-{name}")),
            "AWS::Scheduler::ScheduleGroup" => {
                here("scheduler", &format!("schedule-group/{}", property("Name")))
            }
            other => panic!("the ARN of {other} is not known here"),
        }
    }
}

fn only(json: &Value) -> (&str, &Value) {
    let fields = json.as_object().expect("a function");
    let (name, argument) = fields.iter().next().expect("a function");
    (name, argument)
}

fn text(json: &Value) -> String {
    match json {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_conditions_and_lists_become_what_they_stand_for() {
        let template = json!({
            "Parameters": {"Days": {"Default": 0}, "Readers": {"Default": ""}},
            "Conditions": {
                "Expires": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Days"}, 0]}]},
                "Both": {"Fn::And": [{"Fn::Condition": "Expires"}, {"Fn::Equals": ["a", "a"]}]},
            },
            "Resources": {
                "Lake": {"Type": "AWS::S3::Bucket", "Properties": {
                    "Days": {"Fn::If": ["Expires", {"Ref": "Days"}, {"Ref": "AWS::NoValue"}]},
                    "Arn": {"Fn::Sub": "${Lake.Arn}/raw/*"},
                    "Place": {"Fn::Sub": "${Lake}/${!run}/"},
                    "Who": {"Fn::Split": [",", {"Fn::Join": [",", ["a", {"Ref": "Readers"}]]}]},
                }},
                "Gone": {"Type": "AWS::S3::Bucket", "Condition": "Both"},
            },
        });
        let default = resources(&template, &[("Readers", "b,c")]);
        assert!(!default.contains_key("Gone"));
        let expected = json!({
            "Arn": "arn:aws:s3:::millrace-lake/raw/*",
            "Place": "millrace-lake/${run}/",
            "Who": ["a", "b", "c"],
        });
        assert_eq!(default["Lake"]["Properties"], expected);
        let other = resources(&template, &[("Days", "7")]);
        assert_eq!(other["Lake"]["Properties"]["Days"], "7");
        assert!(other.contains_key("Gone"));
    }
}
