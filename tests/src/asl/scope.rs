//! Walks a definition: the states of the machine and of each Map's children.

use serde_json::Value;

/// A state and where it stands.
#[derive(Debug, Clone)]
pub struct State<'a> {
    /// `ExportSegments/ExportSegment`: the state's name after those of the Maps around it.
    pub place: String,
    /// The state's own name.
    pub name: &'a str,
    /// What is said of it.
    pub json: &'a Value,
}

impl<'a> State<'a> {
    /// Its type.
    pub fn kind(&self) -> &'a str {
        self.json["Type"].as_str().unwrap_or("")
    }

    /// The children's states, if it is a Map.
    pub fn children(&self) -> Option<Scope<'a>> {
        let json = self.json.get("ItemProcessor")?;
        Some(Scope {
            place: self.place.clone(),
            json,
        })
    }
}

/// States that lead to each other only: the machine's own, or a Map's children's.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// The place of the Map; empty for the machine itself.
    pub place: String,
    /// `StartAt` and `States`.
    pub json: &'a Value,
}

impl<'a> Scope<'a> {
    /// The machine's own.
    pub const fn of_machine(machine: &'a Value) -> Self {
        Self {
            place: String::new(),
            json: machine,
        }
    }

    /// Where it begins.
    pub fn start(&self) -> &'a str {
        self.json["StartAt"].as_str().unwrap_or("")
    }

    /// Its states, in their order.
    pub fn states(&self) -> Vec<State<'a>> {
        let states = self.json["States"].as_object();
        let states = states.into_iter().flatten();
        states
            .map(|(name, json)| State {
                place: self.place_of(name),
                name,
                json,
            })
            .collect()
    }

    /// The state of this name.
    pub fn state(&self, name: &str) -> Option<State<'a>> {
        self.states().into_iter().find(|state| state.name == name)
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.place)
        }
    }
}

/// Every scope, the machine's own first.
pub fn scopes(machine: &Value) -> Vec<Scope<'_>> {
    let mut all = vec![Scope::of_machine(machine)];
    let mut next = 0;
    while let Some(scope) = all.get(next).cloned() {
        let children = scope.states();
        all.extend(children.iter().filter_map(State::children));
        next += 1;
    }
    all
}

/// Every state, those of Maps' children included.
pub fn states(machine: &Value) -> Vec<State<'_>> {
    let scopes = scopes(machine);
    scopes.iter().flat_map(Scope::states).collect()
}

/// The names of the states that may follow, each with the field that says so.
pub fn followers<'a>(state: &State<'a>) -> Vec<(String, &'a str)> {
    let json = state.json;
    let mut all = Vec::new();
    for field in ["Next", "Default"] {
        if let Some(name) = json.get(field).and_then(Value::as_str) {
            all.push((field.to_owned(), name));
        }
    }
    for branches in ["Choices", "Catch"] {
        let branch = json.get(branches).and_then(Value::as_array);
        for (index, branch) in branch.into_iter().flatten().enumerate() {
            let name = branch.get("Next").and_then(Value::as_str).unwrap_or("");
            all.push((format!("{branches}[{index}].Next"), name));
        }
    }
    all
}
