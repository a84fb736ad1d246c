//! `millrace init`, `validate` and `plan` of a table of SQL Server as a person runs them, and the row
//! that `predict --key` reads.

use crate::export::plan;
use crate::server::{Database, SECRET};
use aws::dynamodb::Tables;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use database::Drivers;
use end_to_end::program::{Ended, document};
use lake::MemoryStore;
use lake::records::SourcePlan;
use millrace::exit::Explain;
use millrace::predict::{PredictError, Table};
use serde_json::{Value, json};
use sqlserver_local::Cell;
use std::collections::BTreeMap;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

/// Customers, of whom an eighth has left: those who call often.
fn customers() -> Database {
    let columns = [
        ("Country", "nvarchar(2) NOT NULL"),
        ("Since", "date NOT NULL"),
        ("Id", "int NOT NULL"),
        ("Calls", "int"),
        ("Monthly", "decimal(9,2)"),
        ("churned", "nvarchar(9)"),
    ];
    let customer = |n: i64| -> Vec<Cell> {
        let left = n % 8 == 0;
        vec![
            ["AT", "DE", "CH"][usize::try_from(n % 3).unwrap()].into(),
            format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1).into(),
            n.into(),
            (if left { 6 + n % 5 } else { n % 5 }).into(),
            format!("{}.90", 9 + n % 40).into(),
            (if left { "left" } else { "stayed" }).into(),
        ]
    };
    let rows: Vec<_> = (0..2000).map(customer).collect();
    Database::with("Customers", &columns, &["Country", "Id"], &rows)
}

/// An account with the secret of the database and nothing else.
struct Account {
    url: String,
    folder: TempDir,
}

impl Account {
    async fn with(secret: String) -> Self {
        let app = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let Some(target) = headers.get("x-amz-target") else {
                let error = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
                             <Message>Stack with id millrace does not exist</Message></Error>\
                             </ErrorResponse>";
                return (StatusCode::BAD_REQUEST, error.to_owned());
            };
            let input: Value = serde_json::from_slice(&body).unwrap();
            let is_secret = target.to_str().unwrap().ends_with(".GetSecretValue");
            if is_secret && input["SecretId"] == SECRET {
                let answer = json!({"Name": SECRET, "SecretString": secret});
                return (StatusCode::OK, answer.to_string());
            }
            let refusal = json!({"__type": "AccessDeniedException", "message": "not you"});
            (StatusCode::BAD_REQUEST, refusal.to_string())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        Self {
            url,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn run(&self, line: &str) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_millrace-under-test"))
            .args(shlex::split(line).unwrap())
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .await;
        Ended::of(output.unwrap())
    }

    async fn refused(&self, line: &str, code: i32, words: &[&str]) {
        let ended = self.run(line).await;
        assert_eq!(
            (ended.code, &*ended.output),
            (code, ""),
            "{line}: {ended:?}"
        );
        for word in words {
            assert!(ended.error.contains(word), "{word}: {}", ended.error);
        }
        assert!(ended.error.lines().count() <= 7, "{}", ended.error);
    }
}

async fn of(database: &Database) -> Account {
    let config = sqlserver_local::Config::default();
    let account = Account::with(database.secret(&config.user, &config.password)).await;
    let authority = account.folder.path().join("ca.pem");
    std::fs::write(authority, database.server.authority()).unwrap();
    account
}

const INIT: &str = "init Customers --engine sql-server --secret shop/reader \
                    --certificate-authorities ca.pem --pipeline churn";

#[tokio::test]
async fn a_table_of_a_database_becomes_a_definition_that_can_be_planned() {
    let database = customers();
    let account = of(&database).await;
    let ended = account.run(INIT).await;
    assert_eq!(
        (ended.code, &*ended.output),
        (0, "churn.json\n"),
        "{ended:?}"
    );
    for words in [
        "table Customers: read 1,000 rows of about 2,000\n",
        "label `churned`: one of two values",
    ] {
        assert!(ended.error.contains(words), "{words}: {}", ended.error);
    }
    let ended = account.run("validate --offline churn.json").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let text = std::fs::read_to_string(account.folder.path().join("churn.json")).unwrap();
    let password = sqlserver_local::Config::default().password;
    assert!(!text.contains(&password), "no password is in {text}");
    assert!(text.contains("\"labelEncoding\": \"classes\""), "{text}");

    let ended = account.run("plan churn.json --json").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let plan = document("plan", &ended.output);
    assert_eq!(
        (&plan["route"], &plan["items"]),
        (&json!("Sql"), &json!(2000))
    );
    assert_eq!(plan["readUnits"], 0);
    assert!(plan["minutes"].is_number(), "{plan}");
    assert!(plan["dollars"].is_number(), "{plan}");
}

#[tokio::test]
async fn what_of_a_database_cannot_be_sampled_is_one_message() {
    let database = customers();
    let account = of(&database).await;
    let line = |table: &str, rest: &str| {
        format!("init {table} --engine sql-server --secret shop/reader {rest}")
    };
    let own = "--certificate-authorities ca.pem";
    let url = "init postgres://ada:hunter2@db/shop";
    account
        .refused(url, 2, &["--engine and --secret", "no password"])
        .await;
    account
        .refused("init Customers --engine postgres", 2, &["--secret"])
        .await;
    let other = "init Customers --engine postgres --secret other";
    account
        .refused(other, 4, &["GetSecretValue of other"])
        .await;
    let missing = line("Customers", "--certificate-authorities gone.pem");
    account
        .refused(&missing, 5, &["certificate authorities in gone.pem"])
        .await;
    account
        .refused(&line("Orders", own), 5, &["there is no dbo.Orders"])
        .await;
    account
        .refused(&line("Customers", ""), 1, &["certificate"])
        .await;
    database.add("Empty", &[("Id", "int NOT NULL")], &["Id"], &[]);
    account
        .refused(&line("Empty", own), 1, &["Empty holds no rows"])
        .await;
}

#[tokio::test]
async fn a_row_is_predicted_by_its_key() {
    let database = customers();
    let secrets = database.secrets();
    let store = MemoryStore::new();
    // A run may read a part of the table only.
    let source = database.source(&json!({"table": "Customers", "where": "Id < 1000"}));
    let planned = plan(&store, &Drivers::AT_ONCE, &secrets, source).await;
    let planned = planned.unwrap();
    let Some(SourcePlan::Sql(sql)) = planned.source else {
        panic!("{planned:?}");
    };
    let source = planned.definition.source.sql().unwrap().clone();
    let table = Table::Sql(Box::new((source, sql)));
    let tables = Tables::new(&aws::local("http://127.0.0.1:9").await);
    let item = async |pairs: &[(&str, &str)]| {
        let key: BTreeMap<_, _> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let item = table.item(&tables, &Drivers::AT_ONCE, &secrets, &key);
        item.await
    };
    // Of another part of the table, too.
    let line = item(&[("Id", "1600"), ("Country", "DE")]).await.unwrap();
    let found: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(found["Item"]["Id"], json!({"N": "1600"}));
    assert_eq!(found["Item"]["churned"], json!({"S": "left"}));

    let none = item(&[("Id", "1600"), ("Country", "AT")])
        .await
        .unwrap_err();
    let words = "table Customers has no item Country=AT Id=1600";
    assert_eq!(none.to_string(), words);
    for wrong in [
        &[("Id", "1600")][..],
        &[("Id", "1600"), ("Country", "DE"), ("Calls", "1")],
        &[("id", "1600"), ("Country", "DE")],
    ] {
        let error = item(wrong).await.unwrap_err();
        assert!(matches!(error, PredictError::OtherKey { .. }), "{error:?}");
        let words = "the key of Customers is --key Country=… --key Id=…";
        assert_eq!(error.to_string(), words);
        assert_eq!(error.kind().exit().code(), 2);
    }
    let injected = [("Id", "1"), ("Country", "x' OR '1'='1")];
    let error = item(&injected).await.unwrap_err();
    assert!(matches!(error, PredictError::NoItem { .. }), "{error:?}");
}
