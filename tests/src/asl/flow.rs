//! Infers the shape of each state's input from the start on, over every branch and loop: each path
//! must exist, each payload must match its step's input, each choice must handle every value.

use super::path::{self, Where};
use super::scope::{Scope, State, followers};
use super::shape::Shape;
use crate::Finding;
use crate::schema::Schemas;
use serde_json::Value;
use std::collections::BTreeMap;

pub fn findings(machine: &Value, schemas: &Schemas) -> Vec<Finding> {
    let mut flow = Flow {
        schemas,
        found: Vec::new(),
    };
    // An execution may be started with `{}`.
    let input = Shape::Object(BTreeMap::new());
    flow.scope(&Scope::of_machine(machine), input, Where::Machine);
    flow.found
}

struct Flow<'a> {
    schemas: &'a Schemas,
    found: Vec<Finding>,
}

impl<'a> Flow<'a> {
    fn say(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.found.push(Finding::new(place, problem));
    }

    fn scope(&mut self, scope: &Scope<'a>, input: Shape<'a>, place: Where) {
        let mut seen: Vec<(&str, Shape<'a>)> = Vec::new();
        let mut open = vec![(scope.start(), input)];
        while let Some((name, input)) = open.pop() {
            let Some(state) = scope.state(name) else {
                continue;
            };
            if seen.contains(&(name, input.clone())) {
                continue;
            }
            let output = self.state(&state, &input, place);
            let next = followers(&state).into_iter();
            open.extend(next.map(|(_, next)| (next, output.clone())));
            seen.push((name, input));
        }
    }

    /// The state's output.
    fn state(&mut self, state: &State<'a>, input: &Shape<'a>, place: Where) -> Shape<'a> {
        match state.kind() {
            "Task" => self.task(state, input, place),
            "Map" => {
                self.map(state, input);
                input.clone()
            }
            "Pass" => match (state.json.get("Result"), state.json.get("Parameters")) {
                (Some(result), _) => Shape::Constant(result),
                (None, Some(parameters)) => {
                    let at = format!("{}.Parameters", state.place);
                    self.evaluate(&at, parameters, input, place)
                }
                (None, None) => input.clone(),
            },
            "Choice" => {
                self.choice(state, input);
                input.clone()
            }
            "Wait" => {
                let at = format!("{}.SecondsPath", state.place);
                let seconds = self.follow(&at, &state.json["SecondsPath"], input, place);
                if !matches!(seconds.kind(), None | Some("integer")) {
                    self.say(at, "is no whole number");
                } else if !matches!(seconds, Shape::Valid(_)) {
                    // A number of the definition would ask as often for hours as in the first
                    // minute.
                    self.say(at, "is not what a step answered");
                }
                input.clone()
            }
            _ => input.clone(),
        }
    }

    fn task(&mut self, state: &State<'a>, input: &Shape<'a>, place: Where) -> Shape<'a> {
        let Some(verb) = super::verb(state.json) else {
            return self.notice(state, input, place);
        };
        let is_callback = super::is_callback(state.json);
        let place = match place {
            Where::Machine if is_callback => Where::Callback,
            place => place,
        };
        let at = format!("{}.Parameters.Payload", state.place);
        let payload = self.evaluate(&at, &state.json["Parameters"]["Payload"], input, place);
        let schema = |side: &str| self.schemas.get(&format!("{verb}.{side}"));
        let (Some(wanted), Some(output)) = (schema("input"), schema("output")) else {
            self.say(&state.place, format!("the contract has no step {verb:?}"));
            return Shape::Anything;
        };
        for (below, problem) in payload.misfits(wanted) {
            self.say(format!("{at}{below}"), problem);
        }
        // What comes back with a token is thrown away.
        if is_callback {
            return input.clone();
        }
        Shape::Valid(output)
    }

    /// A task that notifies people: its subject and its message are texts.
    fn notice(&mut self, state: &State<'a>, input: &Shape<'a>, place: Where) -> Shape<'a> {
        for part in ["Subject", "Message"] {
            let at = format!("{}.Parameters.{part}", state.place);
            let text = &state.json["Parameters"][format!("{part}.$")];
            let text = self.follow(&at, text, input, place);
            if text.kind() != Some("string") {
                self.say(at, "is no text");
            }
        }
        input.clone()
    }

    fn map(&mut self, state: &State<'a>, input: &Shape<'a>) {
        let at = format!("{}.ItemReader.Parameters.Key", state.place);
        let key = &state.json["ItemReader"]["Parameters"]["Key.$"];
        let key = self.follow(&at, key, input, Where::Machine);
        if !matches!(key.kind(), None | Some("string")) {
            self.say(at, "is no text");
        }
        let at = format!("{}.ItemSelector", state.place);
        let selector = &state.json["ItemSelector"];
        let item = self.evaluate(&at, selector, input, Where::ItemSelector);
        if let Some(children) = state.children() {
            self.scope(&children, item, Where::Child);
        }
    }

    fn choice(&mut self, state: &State<'a>, input: &Shape<'a>) {
        let mut chosen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let choices = state.json["Choices"].as_array();
        for (index, choice) in choices.into_iter().flatten().enumerate() {
            let at = format!("{}.Choices[{index}]", state.place);
            let variable = choice["Variable"].as_str().unwrap_or("");
            let Some(value) = choice["StringEquals"].as_str() else {
                self.say(at, "has no StringEquals");
                continue;
            };
            let values = chosen.entry(variable).or_default();
            if values.contains(&value) {
                self.say(&at, format!("{value:?} is matched already"));
            }
            values.push(value);
        }
        if chosen.len() > 1 {
            self.say(&state.place, "looks at more than one variable");
        }
        for (variable, chosen) in chosen {
            self.chosen(&state.place, variable, &chosen, input);
        }
    }

    /// Every value must be matched: what is not ends an execution as `States.NoChoiceMatched`.
    fn chosen(&mut self, place: &str, variable: &str, chosen: &[&str], input: &Shape<'a>) {
        let shape = match path::follow(variable, input, Where::Child) {
            Ok(shape) => shape,
            Err(problem) => return self.say(format!("{place}: {variable}"), problem),
        };
        let known = match &shape {
            Shape::Valid(node) => node.values(),
            Shape::Constant(value) => value.as_str().map(|text| vec![text]),
            _ => None,
        };
        let Some(known) = known else {
            return self.say(format!("{place}: {variable}"), "is no enum");
        };
        for value in chosen.iter().filter(|value| !known.contains(value)) {
            let problem = format!("{value:?} is none of {}", known.join(", "));
            self.say(format!("{place}: {variable}"), problem);
        }
        for value in known.iter().filter(|value| !chosen.contains(value)) {
            self.say(
                format!("{place}: {variable}"),
                format!("{value:?} leads nowhere"),
            );
        }
    }

    /// What a template of parameters becomes.
    fn evaluate(
        &mut self,
        at: &str,
        template: &'a Value,
        input: &Shape<'a>,
        place: Where,
    ) -> Shape<'a> {
        let Value::Object(fields) = template else {
            return Shape::Constant(template);
        };
        let mut object = BTreeMap::new();
        for (name, value) in fields {
            let shape = match name.strip_suffix(".$") {
                Some(name) => self.follow(&format!("{at}.{name}"), value, input, place),
                None => self.evaluate(&format!("{at}.{name}"), value, input, place),
            };
            let name = name.strip_suffix(".$").unwrap_or(name);
            object.insert(name.to_owned(), shape);
        }
        Shape::Object(object)
    }

    fn follow(&mut self, at: &str, path: &Value, input: &Shape<'a>, place: Where) -> Shape<'a> {
        let path = path.as_str().unwrap_or("");
        path::follow(path, input, place).unwrap_or_else(|problem| {
            self.say(at, format!("{path}: {problem}"));
            Shape::Anything
        })
    }
}
