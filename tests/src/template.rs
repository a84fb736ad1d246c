//! The SAM template as JSON, and checks of it against the state machine and the crates.

use crate::Finding;
use crate::asl::{self, substitutions};
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const FUNCTION: &str = "AWS::Serverless::Function";

/// A crate that is deployed as a function.
#[derive(Debug, Clone)]
pub struct Lambda {
    /// The crate's name.
    pub name: String,
    /// The environment variables that its `main` cannot do without.
    pub environment: BTreeSet<String>,
    /// Longest that one of its requests waits for an answer.
    pub longest_request: Duration,
}

/// Reads a template: `!Ref X` becomes `{"Ref": "X"}`, `!Sub` and the others `{"Fn::Sub": …}`.
pub fn read(text: &str) -> Value {
    convert(serde_yaml_ng::from_str(text).expect("the template is YAML"))
}

fn convert(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Sequence(elements) => elements.into_iter().map(convert).collect(),
        Yaml::Mapping(fields) => {
            let text = |key: Yaml| key.as_str().expect("the keys are text").to_owned();
            let fields = fields
                .into_iter()
                .map(|(key, value)| (text(key), convert(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: convert(tagged.value) })
        }
        scalar => serde_json::to_value(scalar).expect("YAML's scalars are JSON's"),
    }
}

/// The names that the template puts in place of the definition's `${…}`.
pub fn definition_substitutions(template: &Value) -> BTreeSet<String> {
    let all = substitution_values(template).into_keys();
    all.collect()
}

fn substitution_values(template: &Value) -> BTreeMap<String, Value> {
    let values = state_machine(template)["DefinitionSubstitutions"].as_object();
    let values = values.into_iter().flatten();
    values
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn state_machine(template: &Value) -> &Value {
    let resources = template["Resources"].as_object();
    let mut machines = resources
        .into_iter()
        .flatten()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::StateMachine");
    machines
        .next()
        .map_or(&Value::Null, |(_, machine)| &machine["Properties"])
}

/// Everything that is wrong between the template, the state machine and the crates.
pub fn findings(template: &Value, machine: &Value, lambdas: &[Lambda]) -> Vec<Finding> {
    let mut found = substitutions::findings(machine, &definition_substitutions(template));
    let functions: BTreeSet<_> = lambdas
        .iter()
        .map(|lambda| resource_name(&lambda.name))
        .collect();
    for lambda in lambdas {
        function(template, machine, lambda, &mut found);
    }
    for (name, resource) in template["Resources"].as_object().into_iter().flatten() {
        if resource["Type"] == FUNCTION && !functions.contains(name) {
            found.push(Finding::new(name, "is no crate's function"));
        }
        permissions(name, resource, &mut found);
    }
    found
}

fn function(template: &Value, machine: &Value, lambda: &Lambda, found: &mut Vec<Finding>) {
    let name = resource_name(&lambda.name);
    let resource = &template["Resources"][&name];
    if resource["Type"] != FUNCTION {
        found.push(Finding::new(
            &name,
            format!("there is no function for {}", lambda.name),
        ));
        return;
    }
    let mut say = |problem: String| found.push(Finding::new(&name, problem));
    let metadata = &resource["Metadata"];
    if metadata["BuildMethod"] != "rust-cargolambda" {
        say("BuildMethod is not rust-cargolambda".to_owned());
    }
    if metadata["BuildProperties"]["Binary"] != lambda.name.as_str() {
        say(format!("BuildProperties.Binary is not {:?}", lambda.name));
    }
    let properties = &resource["Properties"];
    if properties["CodeUri"] != format!("../crates/{}", lambda.name) {
        say(format!("CodeUri is not ../crates/{}", lambda.name));
    }
    let own = &properties["Environment"]["Variables"];
    let global = &template["Globals"]["Function"]["Environment"]["Variables"];
    for variable in &lambda.environment {
        // Lambda itself says the region.
        let is_set = variable == "AWS_REGION"
            || own.get(variable).is_some()
            || global.get(variable).is_some();
        if !is_set {
            say(format!("its main needs {variable}, which is not set"));
        }
    }
    let seconds = &properties["Timeout"];
    let seconds = seconds
        .as_u64()
        .or(template["Globals"]["Function"]["Timeout"].as_u64());
    let request = lambda.longest_request + lambda_shell::RESERVE;
    if seconds.unwrap_or_default() < request.as_secs() {
        say(format!(
            "its Timeout ends before a request of {} s is answered",
            request.as_secs()
        ));
    }
    let role = properties["Role"]["Fn::GetAtt"].as_str();
    let own = name.replace("Function", "Role.Arn");
    if role != Some(own.as_str()) {
        say(format!("its role is not {own}, of its own"));
    }
    if called_by_events(template, &name) {
        called_by_no_state(machine, lambda, &mut say);
    } else {
        called_by_states(template, machine, lambda, seconds, &mut say);
    }
}

/// Resources by which an AWS service calls a function with its events. Rules are none of them: what
/// they call, states call too.
const EVENT_SOURCES: [&str; 2] = [
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lambda::EventSourceMapping",
];

/// The resources by which AWS services call a function, by its resource's name. No state calls such
/// a function.
pub fn event_sources<'t>(
    template: &'t Value,
    function: &'t str,
) -> impl Iterator<Item = (&'t String, &'t Value)> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    resources.filter(move |(_, resource)| {
        EVENT_SOURCES.contains(&resource["Type"].as_str().unwrap_or_default())
            && mentions(&resource["Properties"], function)
    })
}

/// Whether an AWS service calls a function with its events, and so no state.
pub fn called_by_events(template: &Value, function: &str) -> bool {
    event_sources(template, function).next().is_some()
}

/// Whether a value refers to a resource: `!Ref X`, `!GetAtt X.Arn` or `!Sub …${X.Arn}…`.
fn mentions(value: &Value, resource: &str) -> bool {
    match value {
        Value::String(text) => {
            let name = text.strip_suffix(".Arn").unwrap_or(text);
            name == resource
                || text.contains(&format!("${{{resource}}}"))
                || text.contains(&format!("${{{resource}.Arn}}"))
        }
        Value::Array(elements) => elements.iter().any(|it| mentions(it, resource)),
        Value::Object(fields) => fields.values().any(|it| mentions(it, resource)),
        _ => false,
    }
}

fn called_by_no_state(machine: &Value, lambda: &Lambda, say: &mut impl FnMut(String)) {
    let states = asl::states(machine);
    let mut called = states
        .iter()
        .filter(|state| asl::verb(state.json).as_ref() == Some(&lambda.name));
    if let Some(state) = called.next() {
        say(format!("events call it, and the state {} too", state.place));
    }
}

fn called_by_states(
    template: &Value,
    machine: &Value,
    lambda: &Lambda,
    seconds: Option<u64>,
    say: &mut impl FnMut(String),
) {
    let name = resource_name(&lambda.name);
    let states = asl::states(machine);
    let mut called = states
        .iter()
        .filter(|state| asl::verb(state.json).as_ref() == Some(&lambda.name))
        .peekable();
    if called.peek().is_none() {
        say("no state calls it, and no events".to_owned());
    }
    // A task that waits for a token lasts longer than the function that hands it out, too.
    for task in called {
        let limit = task.json["TimeoutSeconds"].as_u64().unwrap_or_default();
        if limit < seconds.unwrap_or_default() + asl::TASK_MARGIN {
            say(format!(
                "its Timeout leaves {} less than {} s",
                task.place,
                asl::TASK_MARGIN
            ));
        }
    }
    let arn = substitution_values(template).remove(&format!("{name}Arn"));
    // What is there under a condition is named under the same one.
    let condition = &template["Resources"][&name]["Condition"];
    let conditional = |value: &Value| match value["Fn::If"].as_array() {
        Some(branches) if branches.first() == Some(condition) => branches.get(1).cloned(),
        _ => Some(value.clone()),
    };
    let arn = arn.as_ref().and_then(conditional);
    if arn != Some(json!({ "Fn::GetAtt": format!("{name}.Arn") })) {
        say(format!("${{{name}Arn}} does not become its ARN"));
    }
    let invocable = statements(&template["Resources"]["RetrainRole"])
        .into_iter()
        .filter(|statement| texts(&statement["Action"]).contains(&"lambda:InvokeFunction"))
        .flat_map(|statement| statement["Resource"].as_array().into_iter().flatten());
    let arn = json!({ "Fn::GetAtt": format!("{name}.Arn") });
    if !invocable
        .into_iter()
        .any(|function| conditional(function).as_ref() == Some(&arn))
    {
        say("the state machine may not invoke it".to_owned());
    }
}

/// Actions that have no resource to name, so that `*` is all there is. Source: Service
/// Authorization Reference.
pub const WITHOUT_RESOURCE: [&str; 34] = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "athena:ListDataCatalogs",
    "athena:ListEngineVersions",
    "athena:ListWorkGroups",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "dynamodb:ListExports",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListModelPackages",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// No role may do everything of a service, and only what has no resource is allowed on `*`.
fn permissions(name: &str, resource: &Value, found: &mut Vec<Finding>) {
    let is_identity = ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy", FUNCTION];
    if !is_identity.contains(&resource["Type"].as_str().unwrap_or_default()) {
        return;
    }
    let properties = &resource["Properties"];
    let own = statements(&properties["Policies"]).into_iter();
    for statement in own.chain(statements(&properties["PolicyDocument"])) {
        if statement["Effect"] != "Allow" {
            continue;
        }
        let on_all = texts(&statement["Resource"]).contains(&"*");
        for action in texts(&statement["Action"]) {
            if action.contains('*') {
                found.push(Finding::new(name, format!("may do all of {action}")));
            }
            if on_all && !WITHOUT_RESOURCE.contains(&action) {
                found.push(Finding::new(name, format!("may do {action} on everything")));
            }
            if action == "iam:PassRole"
                && statement["Condition"]["StringEquals"]["iam:PassedToService"].is_null()
            {
                found.push(Finding::new(name, "may pass a role to any service"));
            }
        }
    }
}

fn statements(json: &Value) -> Vec<&Value> {
    match json {
        Value::Object(fields) => match fields.get("Statement") {
            Some(Value::Array(all)) => all.iter().flat_map(alternatives).collect(),
            _ => fields.values().flat_map(statements).collect(),
        },
        Value::Array(elements) => elements.iter().flat_map(statements).collect(),
        _ => Vec::new(),
    }
}

/// A statement that stands under a condition is one too.
fn alternatives(statement: &Value) -> Vec<&Value> {
    match statement["Fn::If"].as_array() {
        Some(branches) => branches
            .iter()
            .filter(|it| it.get("Effect").is_some())
            .collect(),
        None => vec![statement],
    }
}

fn texts(json: &Value) -> Vec<&str> {
    match json {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `plan-export` as `PlanExportRole`.
pub fn role_name(name: &str) -> String {
    resource_name(name).replace("Function", "Role")
}

/// `plan-export` as `PlanExportFunction`.
pub fn resource_name(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('-') {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    format!("{camel}Function")
}
