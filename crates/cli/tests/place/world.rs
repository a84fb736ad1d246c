//! The account of AWS that the program is run against, and the program.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use local_servers::s3::S3;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
pub const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:millrace-retrain";
pub const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:millrace-retrain";

/// An answer of a service.
type Answer = (StatusCode, String);

/// An account: its stacks with their outputs, its executions, and what S3 answers to everything.
#[derive(Debug, Default)]
pub struct Account {
    pub stacks: BTreeMap<String, Vec<(&'static str, String)>>,
    /// The parameters of every stack.
    pub parameters: BTreeMap<&'static str, String>,
    /// The texts of the secrets.
    pub secrets: BTreeMap<&'static str, String>,
    pub executions: Vec<Value>,
    /// The endpoints of SageMaker, with their tags.
    pub endpoints: BTreeMap<String, Value>,
    /// The account's quotas, and what Service Quotas answers instead.
    pub quotas: BTreeMap<String, f64>,
    pub quotas_refusal: Option<(StatusCode, &'static str)>,
    /// The history of every execution.
    pub history: Vec<Value>,
    /// The log groups, with their events.
    pub logs: BTreeMap<String, Vec<Value>>,
    /// What every service answers instead.
    pub refusal: Option<(StatusCode, &'static str)>,
    pub s3: Option<(StatusCode, &'static str)>,
    /// What S3 answers to writing.
    pub s3_put: Option<(StatusCode, &'static str)>,
    /// The operations that were asked, with their input.
    pub asked: Vec<(String, Value)>,
}

impl Account {
    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(body).into_owned();
        if let Some(target) = headers.get("x-amz-target") {
            let operation = target.to_str().unwrap().rsplit('.').next().unwrap();
            let input: Value = serde_json::from_str(&text).unwrap();
            self.asked.push((operation.to_owned(), input.clone()));
            if let Some((status, code)) = self.refusal {
                return (status, json!({"__type": code, "message": "no"}).to_string());
            }
            return self.states(operation, &input);
        }
        if text.contains("Action=DescribeStacks") {
            if let Some((status, code)) = self.refusal {
                return (status, query_error(code, "no"));
            }
            return self.describe_stack(&text);
        }
        if text.contains("Action=GetCallerIdentity") {
            return self.caller();
        }
        assert!(uri.path().starts_with("/lake"), "{uri}");
        let to_all = self.s3.unwrap_or((StatusCode::NOT_FOUND, "NoSuchKey"));
        let (status, code) = match self.s3_put {
            Some(to_put) if method == Method::PUT => to_put,
            _ => to_all,
        };
        if status == StatusCode::OK {
            return (status, String::new());
        }
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        (status, body)
    }

    /// As the service: the first page is empty, and the next one has what matches.
    fn log_events(&self, input: &Value) -> Answer {
        let group = input["logGroupName"].as_str().unwrap();
        let Some(events) = self.logs.get(group) else {
            let refusal = json!({"__type": "ResourceNotFoundException", "message": "no group"});
            return (StatusCode::BAD_REQUEST, refusal.to_string());
        };
        if input["nextToken"].is_null() {
            return (
                StatusCode::OK,
                json!({"events": [], "nextToken": "1"}).to_string(),
            );
        }
        let pattern = input["filterPattern"].as_str().unwrap();
        let text = pattern
            .strip_prefix('"')
            .unwrap()
            .strip_suffix('"')
            .unwrap();
        let (from, to) = (input["startTime"].as_i64(), input["endTime"].as_i64());
        let matches = |event: &&Value| {
            let at = event["timestamp"].as_i64();
            event["message"].as_str().unwrap().contains(text) && from <= at && at <= to
        };
        let events: Vec<_> = events.iter().filter(matches).collect();
        (StatusCode::OK, json!({"events": events}).to_string())
    }

    fn caller(&self) -> Answer {
        if let Some((status, code)) = self.refusal {
            return (status, query_error(code, "no"));
        }
        let text = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
                    <Arn>arn:aws:iam::123456789012:user/ada</Arn><UserId>ada</UserId>\
                    <Account>123456789012</Account></GetCallerIdentityResult>\
                    </GetCallerIdentityResponse>";
        (StatusCode::OK, text.to_owned())
    }

    fn describe_stack(&self, form: &str) -> Answer {
        let name = form
            .split('&')
            .find_map(|pair| pair.strip_prefix("StackName="));
        let name = name.unwrap();
        let Some(outputs) = self.stacks.get(name) else {
            let message = format!("Stack with id {name} does not exist");
            return (
                StatusCode::BAD_REQUEST,
                query_error("ValidationError", &message),
            );
        };
        let outputs: Vec<_> = outputs
            .iter()
            .map(|(key, value)| {
                format!(
                    "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
                )
            })
            .collect();
        let outputs = outputs.concat();
        let parameters = self.parameters.iter().map(|(key, value)| {
            format!(
                "<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
            )
        });
        let parameters: String = parameters.collect();
        let text = format!(
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
             <StackName>{name}</StackName><CreationTime>2026-11-20T17:30:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>\
             <Parameters>{parameters}</Parameters>\
             </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        );
        (StatusCode::OK, text)
    }

    fn states(&self, operation: &str, input: &Value) -> Answer {
        let found = |arn: &Value| self.executions.iter().find(|it| it["executionArn"] == *arn);
        let answer = match operation {
            "ListExecutions" => json!({"executions": self.executions}),
            "DescribeExecution" => {
                let Some(execution) = found(&input["executionArn"]) else {
                    let refusal = json!({"__type": "ExecutionDoesNotExist", "message": "no"});
                    return (StatusCode::BAD_REQUEST, refusal.to_string());
                };
                execution.clone()
            }
            "StartExecution" => {
                let name = input["name"].as_str().unwrap();
                json!({"executionArn": format!("{EXECUTION}:{name}"), "startDate": 1_795_858_256.5})
            }
            "StopExecution" => json!({"stopDate": 1_795_858_300}),
            "RedriveExecution" => json!({"redriveDate": 1_795_858_300}),
            "GetExecutionHistory" => json!({"events": self.history}),
            "FilterLogEvents" => return self.log_events(input),
            "ListServiceQuotas" | "ListAWSDefaultServiceQuotas" => {
                if let Some((status, code)) = self.quotas_refusal {
                    return (status, json!({"__type": code, "message": "no"}).to_string());
                }
                let quota = |(name, value): (&String, &f64)| json!({"QuotaName": name, "QuotaCode": "L-7", "Value": value});
                json!({"Quotas": self.quotas.iter().map(quota).collect::<Vec<_>>()})
            }
            "DescribeEndpoint" => {
                let name = input["EndpointName"].as_str().unwrap();
                if !self.endpoints.contains_key(name) {
                    let message = "Could not find endpoint";
                    let refusal = json!({"__type": "ValidationException", "message": message});
                    return (StatusCode::BAD_REQUEST, refusal.to_string());
                }
                json!({
                    "EndpointName": name, "EndpointArn": format!("arn:endpoint/{name}"),
                    "EndpointStatus": "InService", "EndpointConfigName": "c",
                    "CreationTime": 1_795_858_256.5, "LastModifiedTime": 1_795_858_256.5,
                })
            }
            "DescribeModelPackageGroup" => {
                let message = "ModelPackageGroup does not exist.";
                let refusal = json!({"__type": "ValidationException", "message": message});
                return (StatusCode::BAD_REQUEST, refusal.to_string());
            }
            "GetSecretValue" => {
                let name = input["SecretId"].as_str().unwrap();
                let Some(text) = self.secrets.get(name) else {
                    let message = "Secrets Manager can't find the specified secret.";
                    let refusal =
                        json!({"__type": "ResourceNotFoundException", "message": message});
                    return (StatusCode::BAD_REQUEST, refusal.to_string());
                };
                json!({"Name": name, "SecretString": text})
            }
            // There is none.
            "DescribeAlarms" => json!({"MetricAlarms": [], "CompositeAlarms": []}),
            "ListTags" => {
                let arn = input["ResourceArn"].as_str().unwrap();
                json!({"Tags": self.endpoints[arn.strip_prefix("arn:endpoint/").unwrap()]})
            }
            other => panic!("{other} is not expected"),
        };
        (StatusCode::OK, answer.to_string())
    }
}

fn query_error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
         </Error></ErrorResponse>"
    )
}

pub struct World {
    account: Arc<Mutex<Account>>,
    pub url: String,
    pub folder: TempDir,
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub output: String,
    pub error: String,
}

impl World {
    /// An account with a stack `millrace`.
    pub async fn new() -> Self {
        let mut account = Account::default();
        account
            .stacks
            .insert("millrace".to_owned(), outputs(VERSION));
        account.parameters = [
            ("MapConcurrency", "40"),
            ("RawExpiryDays", "180"),
            ("LogRetentionDays", "30"),
            ("ImagesColdDays", "0"),
            ("ImagesColdClass", "GLACIER_IR"),
            ("ImagesExpiryDays", "0"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
        let account = Arc::new(Mutex::new(account));
        let seen = account.clone();
        let app = Router::new().fallback(
            async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let mut account = seen.lock().unwrap();
                account.answer(&method, &uri, &headers, &body)
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        Self {
            account,
            url,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    pub async fn run(&self, line: &str) -> Ended {
        self.run_with(line, &[]).await
    }

    /// Runs the program with the account's lake on this server.
    pub async fn run_at(&self, s3: &S3, line: &str) -> Ended {
        let mut variables = local_servers::environment().to_vec();
        variables.push(("AWS_ENDPOINT_URL_S3", s3.url()));
        self.run_with(line, &variables).await
    }

    /// Runs the program with valid credentials, and these variables beside.
    pub async fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Ended {
        Ended::of(self.command(line, variables).output().await.unwrap())
    }

    /// The program with valid credentials, and these variables beside.
    pub fn command(&self, line: &str, variables: &[(&str, &str)]) -> Command {
        let mut all = vec![
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_MAX_ATTEMPTS", "1"),
        ];
        all.extend(variables);
        command(self.folder.path(), line, &all)
    }
}

impl Ended {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            output: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub async fn run(folder: &Path, line: &str, variables: &[(&str, &str)]) -> Ended {
    let output = command(folder, line, variables).output().await;
    Ended::of(output.unwrap())
}

fn command(folder: &Path, line: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
    command
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        // Nothing of this machine's configuration, nor its instance's.
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied());
    command
}

pub fn outputs(version: &str) -> Vec<(&'static str, String)> {
    vec![
        ("MillraceVersion", version.to_owned()),
        ("LakeBucket", "lake".to_owned()),
        ("StateMachineArn", MACHINE.to_owned()),
        ("StateMachineAliasArn", format!("{MACHINE}:live")),
    ]
}

pub fn execution(name: &str, pipeline: &str, status: &str) -> Value {
    let mut execution = json!({
        "executionArn": format!("{EXECUTION}:{name}"), "stateMachineArn": MACHINE, "name": name,
        "status": status, "startDate": 1_795_858_256.5,
        "input": json!({"pipeline": pipeline}).to_string(),
    });
    if status != "RUNNING" {
        execution["stopDate"] = json!(1_795_858_300.5);
    }
    if status == "FAILED" {
        execution["error"] = json!("AttributeMissing");
        execution["cause"] = json!(json!({"errorMessage": "no label `Rating`"}).to_string());
    }
    execution
}
