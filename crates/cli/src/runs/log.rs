//! The log of the function that a state calls.

/// The name of the function that a Task or Map state calls; `None` if it calls another service.
pub fn function(state: &str) -> Option<String> {
    Some(match state {
        "NotifyApprovers" => return None,
        "AwaitApproval" => "judge-model".to_owned(),
        "ExportSegments" => "export-segment".to_owned(),
        "MergeShards" => "merge-to-csv".to_owned(),
        // Every other state has the name of its function.
        _ => {
            let mut name = String::new();
            for (at, letter) in state.char_indices() {
                if letter.is_ascii_uppercase() && at > 0 {
                    name.push('-');
                }
                name.push(letter.to_ascii_lowercase());
            }
            name
        }
    })
}

/// The CloudWatch log group of the function that a state of a stack's state machine calls.
pub fn group(stack: &str, state: &str) -> Option<String> {
    let function = function(state)?;
    Some(format!("/aws/lambda/{stack}/{function}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};

    const MACHINE: &str = include_str!("../../../../statemachine/retrain.asl.json");
    const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");

    /// Each state that calls a function, with the function's name in the template.
    fn calls(states: &Map<String, Value>, found: &mut Vec<(String, String)>) {
        for (name, state) in states {
            if let Some(inner) = state["ItemProcessor"]["States"].as_object() {
                let before = found.len();
                calls(inner, found);
                // A Map is shown as a whole: its child's function is its own.
                let function = found[before].1.clone();
                found.push((name.clone(), function));
            }
            if let Some(function) = state["Parameters"]["FunctionName"].as_str() {
                found.push((name.clone(), function.to_owned()));
            }
        }
    }

    #[test]
    fn every_states_function_has_a_log_group_in_the_template() {
        let machine: Value = serde_json::from_str(MACHINE).unwrap();
        let mut found = Vec::new();
        calls(machine["States"].as_object().unwrap(), &mut found);
        assert!(found.len() > 10, "{found:?}");
        for (state, called) in found {
            let name = function(&state).unwrap();
            let resource: String = name
                .split('-')
                .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
                .collect::<Vec<_>>()
                .concat();
            assert_eq!(called, format!("${{{resource}FunctionArn}}"), "{state}");
            let group = group("${AWS::StackName}", &state).unwrap();
            assert!(
                TEMPLATE.contains(&format!("LogGroupName: !Sub {group}\n")),
                "{group}"
            );
        }
        assert_eq!(group("millrace", "NotifyApprovers"), None);
    }
}
