//! Who may do what in the lake, evaluated from the template's policies, as a Markdown table. `lake`
//! has the expected permissions.

use super::intrinsics::{self, ACCOUNT};
use super::policy::{self, Decision, Request};
use super::stack::{EVENTS, SCORES, SECRET, STREAM};
use super::trust;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The tiers of the lake.
pub const TIERS: [&str; 20] = [
    "config",
    "changes",
    "aws/lambda",
    "raw",
    "processed",
    "models",
    "reports",
    "champion",
    "latest",
    "current",
    "captured",
    "events",
    "events-failed",
    "scoring",
    "predictions",
    "judging",
    "queries",
    "index",
    "images",
    "events-index",
];
const ADMINISTRATOR: &str = "arn:aws:iam::123456789012:role/Admin";
/// The role that the templates evaluated here may name among the readers.
pub const READER: &str = "arn:aws:iam::123456789012:role/Reader";
/// The role that uploads images.
pub const UPLOADER: &str = "arn:aws:iam::123456789012:role/Truck";
/// The role that reads images and their index.
pub const IMAGE_READER: &str = "arn:aws:iam::123456789012:role/Viewer";
const STRANGER: &str = "arn:aws:iam::123456789012:role/Stranger";

/// What may be done to an object.
const ACTIONS: [(&str, &str); 3] = [
    ("R", "s3:GetObject"),
    ("W", "s3:PutObject"),
    ("D", "s3:DeleteObject"),
];

/// A request that only creates.
pub const CREATES: [(&str, &str); 1] = [("s3:if-none-match", "*")];

/// Somebody who makes requests.
#[derive(Debug, Clone)]
pub struct Principal {
    /// As the table calls them.
    pub name: String,
    arn: Option<String>,
    statements: Vec<Value>,
}

impl Principal {
    /// Whether it is one of the stack's own.
    pub fn is_role(&self) -> bool {
        self.name.starts_with('`')
    }
}

/// The lake and everybody who might want something of it.
pub struct Access {
    bucket: String,
    of_bucket: Vec<Value>,
    /// The roles of the stack, and people from outside.
    pub principals: Vec<Principal>,
}

impl Access {
    /// Reads a template, of a stack with one administrator and one reader.
    pub fn new(template: &Value) -> Self {
        let given = [
            ("LakeAdministrators", ADMINISTRATOR),
            ("LakeReaders", READER),
            SECRET,
            STREAM,
            EVENTS,
            SCORES[0],
            SCORES[1],
            ("LakeUploaders", UPLOADER),
            ("ImageReaders", IMAGE_READER),
        ];
        Self::of(&intrinsics::resources(template, &given))
    }

    /// Reads the resources of a stack.
    pub fn of(resources: &Map<String, Value>) -> Self {
        let everything = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
        let outside = |name: &str, arn: Option<&str>| Principal {
            name: name.to_owned(),
            arn: arn.map(str::to_owned),
            // The worst case: policies elsewhere allow all of S3.
            statements: vec![everything.clone()],
        };
        let mut principals = roles(resources);
        principals.extend([
            outside(
                "*one of `LakeAdministrators`, with `s3:*`*",
                Some(ADMINISTRATOR),
            ),
            outside("*one of `LakeReaders`, with `s3:*`*", Some(READER)),
            Principal {
                name: "*one of `LakeReaders`, with `QueryPolicy`*".to_owned(),
                arn: Some(READER.to_owned()),
                statements: statements(&resources["QueryPolicy"]["Properties"]["PolicyDocument"]),
            },
            outside("*one of `LakeUploaders`, with `s3:*`*", Some(UPLOADER)),
            outside("*one of `ImageReaders`, with `s3:*`*", Some(IMAGE_READER)),
            outside(
                "*any other role of the account, with `s3:*`*",
                Some(STRANGER),
            ),
            outside("*an AWS service for itself, if its policy allows it*", None),
        ]);
        Self {
            bucket: "arn:aws:s3:::millrace-lakebucket".to_owned(),
            of_bucket: statements(&resources["LakeBucketPolicy"]["Properties"]["PolicyDocument"]),
            principals,
        }
    }

    /// Decides what a principal wants of a key, or of the bucket if there is none.
    pub fn decide(&self, who: &Principal, action: &str, key: Option<&str>, tls: bool) -> Decision {
        self.decide_with(who, action, key, tls, &[])
    }

    /// The same, of a request that has these condition keys as well.
    pub fn decide_with(
        &self,
        who: &Principal,
        action: &str,
        key: Option<&str>,
        tls: bool,
        more: &[(&'static str, &str)],
    ) -> Decision {
        let resource = match key {
            Some(key) => format!("{}/{key}", self.bucket),
            None => self.bucket.clone(),
        };
        let mut context = BTreeMap::from([
            ("aws:SecureTransport", tls.to_string()),
            ("aws:PrincipalIsAWSService", who.arn.is_none().to_string()),
            ("kms:ViaService", "s3.eu-central-1.amazonaws.com".to_owned()),
        ]);
        if action == "s3:PutObject" {
            context.insert("s3:ObjectCreationOperation", "true".to_owned());
        }
        context.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        if let Some(arn) = &who.arn {
            context.insert("aws:PrincipalArn", arn.clone());
        }
        let request = Request {
            action: action.to_owned(),
            resource,
            context,
        };
        policy::decide(&request, self.of_bucket.iter().chain(&who.statements))
    }

    /// The principal of this name.
    pub fn principal(&self, name: &str) -> &Principal {
        let found = self.principals.iter().find(|it| it.name.contains(name));
        found.unwrap_or_else(|| panic!("{name} is nobody"))
    }

    /// What a principal may do to the objects of a tier, as `RW`.
    pub fn letters(&self, who: &Principal, tier: &str) -> String {
        let key = format!("{tier}/default/run=1/object");
        let may = |action| self.decide(who, action, Some(&key), true) == Decision::Allowed;
        let letters = ACTIONS.iter().filter(|(_, action)| may(action));
        letters.map(|(letter, _)| *letter).collect()
    }

    fn cell(&self, who: &Principal, tier: &str) -> String {
        let letters = self.letters(who, tier);
        let key = format!("{tier}/default/run=1/object");
        let creates = self.decide_with(who, "s3:PutObject", Some(&key), true, &CREATES);
        if !letters.contains('W') && creates == Decision::Allowed {
            format!("{letters}C")
        } else if letters.is_empty() {
            "–".to_owned()
        } else {
            letters
        }
    }

    /// The tables, in Markdown.
    pub fn table(&self) -> String {
        let mut text = String::from(HEAD);
        let mut row = |cells: &[String]| {
            writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes everything");
        };
        let titles = TIERS.iter().map(|tier| format!("`{tier}/`"));
        let first = ["Who", "Lists"].map(str::to_owned).into_iter();
        row(&first.chain(titles).collect::<Vec<_>>());
        row(&vec!["---".to_owned(); TIERS.len() + 2]);
        for who in &self.principals {
            let lists = |prefix: &str| {
                let prefix = [("s3:prefix", prefix)];
                let decision = self.decide_with(who, "s3:ListBucket", None, true, &prefix);
                decision == Decision::Allowed
            };
            let lists = match (lists(""), lists("images/a")) {
                (true, _) => "yes",
                (false, true) => "images",
                (false, false) => "–",
            };
            let mut cells = vec![who.name.clone(), lists.to_owned()];
            cells.extend(TIERS.map(|tier| self.cell(who, tier)));
            row(&cells);
        }
        text.push_str(BESIDE);
        let of_the_stack = |who: &&Principal| who.is_role() || who.name.contains("QueryPolicy");
        for who in self.principals.iter().filter(of_the_stack) {
            for statement in who.statements.iter().filter(|it| is_beside(it)) {
                let quoted = |all: Vec<String>| {
                    let all: Vec<_> = all.iter().map(|it| format!("`{it}`")).collect();
                    all.join(" ")
                };
                let condition = match &statement["Condition"] {
                    Value::Null => String::new(),
                    condition => format!("`{condition}`"),
                };
                let (actions, on) = (&statement["Action"], &statement["Resource"]);
                writeln!(
                    text,
                    "| {} | {} | {} | {condition} |",
                    who.name,
                    quoted(policy::list(actions)),
                    quoted(policy::list(on))
                        .replace(ACCOUNT, "ACCOUNT")
                        .replace("eu-central-1", "REGION"),
                )
                .expect("a string takes everything");
            }
        }
        text
    }
}

const HEAD: &str = "\
# Who may do what

Generated from `template.yaml` by `MILLRACE_WRITE=1 cargo test -p end-to-end --test infra`, which evaluates
its policies. A picture: the facts are in `tests/src/infra/lake.rs` and the checks beside it.
The stack is `millrace`, with the defaults and a relational database.

## In the lake
R reads an object, W writes one, C only creates one, D removes one, with TLS. Without TLS everything is denied.
Not shown: of a run's `raw/<pipeline>/run=<id>/`, `PlanDatasetRole` also writes `lines/`, the list of
its parts, `snapshot.json` and `whole-export.json`.
With `JobsReadImages`, `TrainingRole` also reads `images/` and the buckets of `ImageBucketArns`.

";

const BESIDE: &str = "
## Beside the lake
Left out: what every function and every container may do with the bucket's listing and key, and traces.

| Who | May | On | If |
| --- | --- | --- | --- |
";

fn is_beside(statement: &Value) -> bool {
    let actions = policy::list(&statement["Action"]);
    let common = ["s3:", "kms:", "xray:"];
    !actions
        .iter()
        .all(|action| common.iter().any(|prefix| action.starts_with(prefix)))
}

fn roles(resources: &Map<String, Value>) -> Vec<Principal> {
    let is_role = |it: &(&String, &Value)| it.1["Type"] == "AWS::IAM::Role";
    let roles = resources.iter().filter(is_role);
    roles
        .map(|(name, role)| Principal {
            name: format!("`{name}`"),
            arn: Some(trust::arn(name, &role["Properties"])),
            statements: of_role(role, resources),
        })
        .collect()
}

/// The statements of a role: its own, and those of the stack's managed policies that it has.
pub fn of_role(role: &Value, resources: &Map<String, Value>) -> Vec<Value> {
    let inline = role["Properties"]["Policies"]
        .as_array()
        .into_iter()
        .flatten();
    let inline = inline.flat_map(|policy| statements(&policy["PolicyDocument"]));
    let managed = policy::list(&role["Properties"]["ManagedPolicyArns"]).into_iter();
    let managed = managed.flat_map(|arn| {
        let name = arn.rsplit("/millrace-").next().unwrap_or_default();
        let policy = resources
            .get(name)
            .unwrap_or_else(|| panic!("{arn} is not the stack's"));
        statements(&policy["Properties"]["PolicyDocument"])
    });
    inline.chain(managed).collect()
}

/// The statements of a policy.
pub fn statements(document: &Value) -> Vec<Value> {
    document["Statement"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}
