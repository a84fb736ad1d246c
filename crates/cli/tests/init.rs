//! `millrace init` as a person runs it, with a DynamoDB that answers as AWS does: what it proposes
//! for tables of many shapes is valid, and each mistake is one clear message and its exit code.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use millrace::validate::{self, Document};
use nix::pty::openpty;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

/// A table `tab` with the key `id`, or a refusal of every request.
struct World {
    url: String,
    folder: TempDir,
}

/// How the program ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    output: String,
    error: String,
}

impl World {
    async fn new(items: Vec<Value>) -> Self {
        Self::answering(move |operation, input| {
            if input["TableName"] != "tab" {
                return Err("ResourceNotFoundException");
            }
            Ok(match operation {
                "DescribeTable" => json!({"Table": {
                    "TableName": "tab", "ItemCount": items.len(), "TableSizeBytes": items.len() * 100,
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                }}),
                "Scan" => json!({
                    "Items": items, "Count": items.len(), "ScannedCount": items.len(),
                    "ConsumedCapacity": {"TableName": "tab", "CapacityUnits": 12.5},
                }),
                other => panic!("{other} is not expected"),
            })
        })
        .await
    }

    async fn answering(
        answer: impl Fn(&str, &Value) -> Result<Value, &'static str> + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        let app = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let target = headers["x-amz-target"].to_str().unwrap().to_owned();
            let operation = target.rsplit('.').next().unwrap();
            match answer(operation, &serde_json::from_slice(&body).unwrap()) {
                Ok(answer) => (StatusCode::OK, answer.to_string()),
                Err(code) => {
                    let refusal = json!({"__type": code, "message": "not you"});
                    (StatusCode::BAD_REQUEST, refusal.to_string())
                }
            }
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
        let Output {
            status,
            stdout,
            stderr,
        } = self
            .command(Command::new(env!("CARGO_BIN_EXE_millrace")), line)
            .output()
            .await
            .unwrap();
        Ended {
            code: status.code().unwrap(),
            output: String::from_utf8(stdout).unwrap(),
            error: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The program with these arguments, in this world.
    fn command(&self, mut program: Command, line: &str) -> Command {
        program
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_MAX_ATTEMPTS", "1");
        program
    }

    /// Runs the program on a terminal of its own, and types `keys` when it asks. Returns its exit
    /// code, and what is on the terminal.
    async fn typed(&self, line: &str, keys: &'static str) -> (Option<i32>, String) {
        let ends = openpty(None, None).unwrap();
        let side = || Stdio::from(ends.slave.try_clone().unwrap());
        // A terminal sends signals to those that it controls: setsid makes it so.
        let mut program = Command::new("/usr/bin/setsid");
        program.args(["--ctty", env!("CARGO_BIN_EXE_millrace")]);
        let mut program = self.command(program, line);
        program.stdin(side()).stdout(side()).stderr(side());
        let mut running = program.spawn().unwrap();
        // The terminal is at its end when nobody can write to it.
        drop((program, ends.slave));
        let mut terminal = File::from(ends.master);
        let shown = tokio::task::spawn_blocking(move || {
            let (mut shown, mut bytes) = (String::new(), [0; 4096]);
            let mut is_asked = false;
            while let Ok(length @ 1..) = terminal.read(&mut bytes) {
                shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
                if !is_asked && shown.contains("number or path: ") {
                    is_asked = true;
                    terminal.write_all(keys.as_bytes()).unwrap();
                }
            }
            shown
        });
        let ended = tokio::time::timeout(Duration::from_mins(1), running.wait()).await;
        if ended.is_err() {
            running.kill().await.unwrap();
        }
        let shown = shown.await.unwrap();
        let ended = ended.unwrap_or_else(|_| panic!("it does not end: {shown}"));
        (ended.unwrap().code(), shown)
    }

    /// The text that the command writes, and its value, which is a valid definition.
    async fn proposed(&self, line: &str) -> (String, Value) {
        let ended = self.run(line).await;
        assert_eq!(ended.code, 0, "{}", ended.error);
        let file = ended.output.trim();
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap();
        let checked = validate::check(Document::new(file.to_owned(), &text));
        assert!(
            checked.faults().is_empty(),
            "{:?}\n{text}",
            checked.faults()
        );
        let value = checked.document.value().unwrap();
        (text, value)
    }
}

#[track_caller]
fn refused(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!((ended.code, ended.output.as_str()), (code, ""), "{ended:?}");
    for word in words {
        assert!(
            ended.error.contains(word),
            "{word} is not in {}",
            ended.error
        );
    }
    assert!(ended.error.contains("error: "), "{}", ended.error);
    assert!(ended.error.len() < 1500, "{}", ended.error);
}

/// Customers, of whom an eighth has left: text classes, a constant, free text, an identifier.
fn customers(count: u32) -> Vec<Value> {
    let customer = |n: u32| {
        let churned = if n.is_multiple_of(8) {
            "left"
        } else {
            "stayed"
        };
        let plan = ["basic", "plus", "pro"][n as usize % 3];
        json!({
            "id": {"S": format!("customer-{n:05}-{}", n * 7919 % 9973)},
            "joined": {"S": format!("2026-{:02}-{:02}T08:00:00Z", n % 12 + 1, n % 28 + 1)},
            "email": {"S": format!("somebody.{n}@mail.example")},
            "plan": {"S": plan}, "country": {"S": "AT"},
            "tenure": {"N": (n % 60).to_string()},
            "calls": {"N": if n.is_multiple_of(8) { "9" } else { "2" }},
            "newsletter": {"BOOL": n.is_multiple_of(2)},
            "visits": {"SS": ["a", "b"]},
            "churned": {"S": churned},
        })
    };
    (0..count).map(customer).collect()
}

fn paths(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|it| it["path"].as_str().or(it.as_str()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_table_of_classes_becomes_a_definition_that_says_why() {
    let world = World::new(customers(400)).await;
    let (text, definition) = world.proposed("init tab").await;
    let dataset = &definition["dataset"];
    assert_eq!(dataset["label"], "churned");
    assert_eq!(dataset["labelEncoding"], "classes");
    assert_eq!(
        paths(&dataset["columns"]),
        ["calls", "newsletter", "plan", "tenure"]
    );
    assert_eq!(
        paths(&dataset["exclude"]),
        ["country", "email", "id", "joined", "visits"]
    );
    assert_eq!(dataset["split"]["time"]["path"], "joined");
    assert_eq!(dataset["gate"]["minimumRows"], 200);
    assert_eq!(dataset["gate"]["minimumClassShare"], 0.062);
    let training = &definition["training"];
    assert_eq!(training["algorithm"]["name"], "xgboost");
    assert_eq!(training["hyperparameters"]["objective"], "binary:logistic");
    assert_eq!(definition["promotion"]["metric"], "validation:auc");
    assert_eq!(definition["promotion"]["goal"], "maximize");
    for words in [
        "one of two values, the rarer in 12.5 %",
        "\"country\", // has the same value in every sampled item",
        "\"joined\", // orders the rows, in `split.time`",
        "\"visits\" // has values of type SS",
        "\"$schema\": \"https://",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }

    let again = world.run("init tab").await;
    refused(&again, 1, &["default.json exists", "try: --force"]);
    assert!(!again.error.contains("read units"), "{}", again.error);
    let forced = world.run("init tab --force --algorithm none").await;
    assert_eq!(forced.code, 0, "{}", forced.error);
    for words in [
        "read 400 items, all of them: 12.5 read units, $0.000002",
        "next: ",
    ] {
        assert!(forced.error.contains(words), "{}", forced.error);
    }
    let (_, only) = world
        .proposed("init tab -o only.json --algorithm none")
        .await;
    assert_eq!(only["dataset"]["label"], "churned");
    assert!(
        only["training"].is_null() && only["promotion"].is_null(),
        "{only}"
    );
}

#[tokio::test]
async fn a_label_that_is_not_clear_is_asked_for() {
    let mut items = customers(100);
    for item in &mut items {
        item["rating"] = item["calls"].clone();
    }
    let world = World::new(items).await;
    let ended = world.run("init tab").await;
    let words = [
        "which attribute is to be predicted is not clear",
        "best first:\n  `churned`  has two values, and its name is one that labels have\n  `rating`  ",
        "try: --label PATH",
    ];
    refused(&ended, 2, &words);
    assert!(!world.folder.path().join("default.json").exists());
    let (_, definition) = world.proposed("init tab --label rating").await;
    let hyperparameters = &definition["training"]["hyperparameters"];
    // Two numbers, which are not 0 and 1.
    assert_eq!(hyperparameters["objective"], "binary:logistic");
    assert_eq!(definition["dataset"]["labelEncoding"], "classes");
    let misspelt = world.run("init tab --label ratting --force").await;
    refused(
        &misspelt,
        5,
        &["`ratting` occurs in none of 100 items", "`rating`"],
    );
    let constant = world.run("init tab --label country --force").await;
    refused(&constant, 1, &["`country` has one value in all 100"]);
    let set = world.run("init tab --label visits --force").await;
    refused(&set, 1, &["`visits` is never a number or boolean"]);
    let unique = world.run("init tab --label email --force").await;
    refused(
        &unique,
        1,
        &["`email` is neither a number nor one of a few classes: it is"],
    );
}

#[tokio::test]
async fn on_a_terminal_a_person_is_asked_for_the_label() {
    let mut items = customers(100);
    for item in &mut items {
        item["rating"] = item["calls"].clone();
    }
    let world = World::new(items).await;
    let file = world.folder.path().join("default.json");
    let label = || {
        let text = std::fs::read_to_string(&file).unwrap();
        let document = Document::new("default.json".to_owned(), &text);
        let label = document.value().unwrap()["dataset"]["label"].clone();
        std::fs::remove_file(&file).unwrap();
        label
    };
    let (code, shown) = world.typed("init tab", "2\n").await;
    assert_eq!(code, Some(0), "{shown}");
    for words in [
        "which attribute is to be predicted?\r\n  1  `churned`  has two values",
        "\r\n  2  `rating`  ",
        "number or path: 2\r\n",
        "\r\ndefault.json\r\n",
        "next: read it, then millrace validate default.json",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    assert_eq!(label(), "rating");
    let (code, shown) = world.typed("init tab", "churned\n").await;
    assert_eq!((code, label()), (Some(0), json!("churned")), "{shown}");

    // No file is written without an answer: a line of nothing, the input's end, Ctrl-C.
    for (keys, ended) in [("\n", 2), ("\u{4}", 2), ("\u{3}", 130)] {
        let (code, shown) = world.typed("init tab", keys).await;
        assert_eq!(code, Some(ended), "{keys:?}: {shown}");
        assert!(!file.exists(), "{keys:?}: {shown}");
    }
    // Nor is anybody asked who does not want to be, or who has said it.
    let (code, shown) = world.typed("init tab --no-input", "2\n").await;
    assert_eq!(code, Some(2), "{shown}");
    assert!(!shown.contains("number or path"), "{shown}");
    let (code, shown) = world.typed("init tab --label rating", "1\n").await;
    assert_eq!((code, label()), (Some(0), json!("rating")), "{shown}");
}

#[tokio::test]
async fn wide_items_and_large_ones_are_described() {
    let item = |n: u32| {
        let mut item = json!({"id": {"S": format!("i-{n}")}, "target": {"N": format!("{n}.5")}});
        for column in 0..400 {
            item[format!("f{column:03}")] = json!({"N": (n * column % 91).to_string()});
        }
        item
    };
    let mut items: Vec<_> = (0..60).map(item).collect();
    items[3]["note"] = json!({"S": "x".repeat(400 << 10)});
    let world = World::new(items).await;
    let (text, definition) = world.proposed("init tab -o wide.json").await;
    let columns = definition["dataset"]["columns"].as_array().unwrap();
    // `f000` and `f091` are always zero.
    assert!((380..400).contains(&columns.len()), "{}", columns.len());
    assert!(text.len() < 100_000, "a value of 400 KB is not in the text");
    let objective = &definition["training"]["hyperparameters"]["objective"];
    assert_eq!(objective, "reg:squarederror");
    assert_eq!(definition["dataset"]["split"]["by"], json!(["id"]));
}

#[tokio::test]
async fn columns_that_few_items_have_are_listed_as_rare() {
    let mut items = customers(400);
    for item in items.iter_mut().step_by(100) {
        item["discount"] = json!({"N": "5"});
    }
    let world = World::new(items).await;
    let (text, definition) = world.proposed("init tab").await;
    assert_eq!(definition["dataset"]["rare"], json!(["discount"]));
    assert!(text.contains("// 5 to 5; missing in 99.0 %"), "{text}");
}

#[tokio::test]
async fn several_classes_are_counted() {
    let item = |n: usize| {
        let species = ["setosa", "versicolor", "virginica"][n % 3];
        json!({"id": {"S": format!("i-{n}")}, "class": {"S": species},
            "width": {"N": format!("{}.{}", n % 3, n % 10)}})
    };
    let world = World::new((0..90).map(item).collect()).await;
    let (_, definition) = world.proposed("init tab").await;
    let hyperparameters = &definition["training"]["hyperparameters"];
    assert_eq!(hyperparameters["objective"], "multi:softprob");
    assert_eq!(hyperparameters["num_class"], 3);
    assert_eq!(definition["promotion"]["metric"], "validation:mlogloss");
}

#[tokio::test]
async fn the_recommender_needs_users_items_and_its_image() {
    let item = |n: u32| {
        json!({"id": {"S": format!("i-{n}")}, "user_id": {"S": format!("u{}", n % 20)},
            "film_id": {"S": format!("m{}", n % 15)}, "year": {"N": (n % 30).to_string()},
            "rating": {"N": format!("{}.5", n % 5)}})
    };
    let world = World::new((0..90).map(item).collect()).await;
    let usage = world.run("init tab --algorithm recommender").await;
    refused(&usage, 2, &["--image"]);
    let line = "init tab --algorithm recommender --image recommender:1";
    let (_, definition) = world.proposed(line).await;
    assert_eq!(
        paths(&definition["dataset"]["columns"]),
        ["user_id", "film_id"]
    );
    assert_eq!(definition["training"]["image"], "recommender:1");
    let world = World::new(customers(100)).await;
    let none = world.run(line).await;
    refused(&none, 2, &["the recommender", "try: --algorithm xgboost"]);
}

#[tokio::test]
async fn each_mistake_is_one_message_and_its_exit_code() {
    let empty = World::new(Vec::new()).await;
    refused(
        &empty.run("init tab").await,
        1,
        &["table \"tab\" holds no items"],
    );
    refused(&empty.run("init films").await, 5, &["no table \"films\""]);

    let same = json!({"rating": {"N": "1"}, "city": {"S": "Wien"}});
    let constant = (0..50).map(|n| {
        let mut item = same.clone();
        item["id"] = json!({"S": format!("i-{n}")});
        item
    });
    let constant = World::new(constant.collect()).await;
    let words = ["no attribute of 50 sampled items can be a label"];
    refused(&constant.run("init tab").await, 1, &words);

    let alone = (0..50).map(|n| json!({"id": {"S": format!("i-{n}")}, "y": {"N": n.to_string()}}));
    let alone = World::new(alone.collect()).await;
    refused(
        &alone.run("init tab").await,
        1,
        &["no attribute can be a feature column"],
    );

    let denied = World::answering(|_, _| Err("AccessDeniedException")).await;
    let words = ["DescribeTable", "try: another --profile"];
    refused(&denied.run("init tab").await, 4, &words);
    let busy = World::answering(|_, _| Err("ProvisionedThroughputExceededException")).await;
    refused(&busy.run("init tab").await, 6, &["try: the same command"]);
    refused(&empty.run("init tab --sample 0").await, 2, &["--sample"]);
}
