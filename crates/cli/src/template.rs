//! Converts a CloudFormation template from YAML to JSON. Short forms of intrinsic functions
//! (`!Ref`) become long forms (`{"Ref": …}`), as in CloudFormation.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template as JSON.
///
/// # Errors
/// One line that says what cannot be converted.
pub fn to_json(text: &str) -> Result<Value, String> {
    let yaml: Yaml = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
    convert(yaml)
}

fn convert(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => number_to_json(&number)?,
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(elements) => Value::Array(
            elements
                .into_iter()
                .map(convert)
                .collect::<Result<_, _>>()?,
        ),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_to_text(key)?, convert(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let value = convert(tagged.value)?;
            match (name, value) {
                // These two have no prefix.
                ("Ref" | "Condition", value) => json!({ name: value }),
                // `!GetAtt Resource.Attribute.Of.It`: the first point ends the resource's name.
                ("GetAtt", Value::String(path)) => {
                    let (resource, attribute) = path
                        .split_once('.')
                        .ok_or_else(|| format!("!GetAtt {path}: the attribute is missing"))?;
                    json!({ "Fn::GetAtt": [resource, attribute] })
                }
                (_, value) => json!({ format!("Fn::{name}"): value }),
            }
        }
    })
}

fn key_to_text(key: Yaml) -> Result<String, String> {
    match key {
        Yaml::String(text) => Ok(text),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(value) => Ok(value.to_string()),
        other => Err(format!("{other:?} cannot be a key")),
    }
}

fn number_to_json(number: &serde_yaml_ng::Number) -> Result<Value, String> {
    let whole = number
        .as_i64()
        .map(Value::from)
        .or_else(|| number.as_u64().map(Value::from));
    let value = whole.or_else(|| serde_json::Number::from_f64(number.as_f64()?).map(Value::Number));
    value.ok_or_else(|| format!("the number {number} has no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_forms() {
        let yaml = r#"
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Keep: {Type: Number, Default: 30}
Conditions:
  Alarm: !Equals [!Ref WithAlarm, "yes"]
  Both: !And [!Condition Alarm, !Not [!Equals [a, b]]]
Resources:
  Lake:
    Condition: Alarm
    Properties:
      Name: !Sub "${AWS::StackName}-lake"
      Arn: !GetAtt Lake.Arn
      Nested: !GetAtt Stack.Outputs.Name
      Listed: !GetAtt [Lake, Arn]
      Zone: !Select [0, !GetAZs ""]
      Maybe: !If [Alarm, !Ref Topic, !Ref "AWS::NoValue"]
      Text: !Sub
        - "${A}"
        - {A: !ImportValue there}
      Flag: true
      Ratio: 0.5
"#;
        let expected = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Parameters": {"Keep": {"Type": "Number", "Default": 30}},
            "Conditions": {
                "Alarm": {"Fn::Equals": [{"Ref": "WithAlarm"}, "yes"]},
                "Both": {"Fn::And": [
                    {"Condition": "Alarm"}, {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}
                ]},
            },
            "Resources": {"Lake": {
                "Condition": "Alarm",
                "Properties": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-lake"},
                    "Arn": {"Fn::GetAtt": ["Lake", "Arn"]},
                    "Nested": {"Fn::GetAtt": ["Stack", "Outputs.Name"]},
                    "Listed": {"Fn::GetAtt": ["Lake", "Arn"]},
                    "Zone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
                    "Maybe": {"Fn::If": ["Alarm", {"Ref": "Topic"}, {"Ref": "AWS::NoValue"}]},
                    "Text": {"Fn::Sub": ["${A}", {"A": {"Fn::ImportValue": "there"}}]},
                    "Flag": true,
                    "Ratio": 0.5,
                },
            }},
        });
        assert_eq!(to_json(yaml).unwrap(), expected);
    }

    #[test]
    fn malformed_templates_are_errors() {
        assert!(to_json("a: [").is_err());
        assert!(
            to_json("a: !GetAtt Lake")
                .unwrap_err()
                .contains("attribute is missing")
        );
        assert!(to_json("a: 1\na: 2").is_err(), "a key stands twice");
    }
}
