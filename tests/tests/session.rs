//! From an empty folder to predictions, without editing a file: the session that the documentation
//! shows, on the demo's table, and the same commands on tables of other shapes; and the estimate of
//! the export against the read units that a DynamoDB counts.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::dynamodb::Tables;
use aws::dynamodb_load::{BATCH, TableLoader};
use contract::states::{Outcome, PublishReportOutput};
use end_to_end::documents;
use end_to_end::program::{self, Ended, Program};
use end_to_end::workspace;
use lake::MemoryStore;
use local_servers::dynamodb::DynamoDb;
use millrace::demo::{self, TABLE, data::Interactions};
use millrace::local::{Local, Options};
use millrace::progress::Progress;
use plan_export::Sources;
use raw_export::PlanSource;
use regex::Regex;
use serde_json::{Value, json};
use source::{PageBuffer, PageRequest, ScanPages, Throttles};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// The page with the recorded session.
const PAGE: &str = "docs/src/how-to/your-table.md";

/// Items of the demo's table.
const ITEMS: usize = 20_000;

fn program(local: &Local) -> Program<'_> {
    Program::new(env!("CARGO_BIN_EXE_millrace-under-test"), local)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_any_shape_becomes_predictions_without_editing_a_file() {
    let mut options = Options::new(Progress::plain());
    options.xgboost = true;
    let local = Local::start(&options).await.expect("local AWS");
    let interactions = Interactions::generate(42, ITEMS);
    let step = Progress::quiet().step("table");
    demo::table::fill(local.aws_config(), TABLE, interactions.items(), &step)
        .await
        .unwrap();
    fill(&local, "readings", ["machine", "reading"], readings()).await;
    fill(&local, "customers", ["customer", "since"], customers()).await;

    the_recorded_session_is_as_it_is(&local).await;
    let predicted = session(&local, "readings", "machine=m-0007 --key reading=r-0007").await;
    let number: f64 = predicted.parse().unwrap();
    assert!((0.0..40.0).contains(&number), "{predicted}");
    let predicted = session(
        &local,
        "customers",
        "customer=c-0008 --key since=2024-01-09",
    )
    .await;
    assert!(predicted.starts_with("left  ("), "{predicted}");
    probabilities_of_classes_are_served(&local).await;
    local.stop().await.unwrap();
}

/// Runs the commands of the page, which the README shows too, and compares what they print: words
/// that hold a digit differ from run to run, the others do not.
async fn the_recorded_session_is_as_it_is(local: &Local) {
    let text = workspace::text(PAGE);
    let program = program(local);
    let mut ran: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for block in documents::blocks(&text, "console") {
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ millrace ") else {
                assert!(
                    line.is_empty() || line == "…",
                    "{PAGE}: {line} is of no command"
                );
                continue;
            };
            let Ended { output, error, .. } = program.well(command).await;
            eprintln!("$ millrace {command}\n{error}{output}");
            let printed: Vec<_> = output.lines().chain(error.lines()).map(shape).collect();
            while let Some(recorded) = lines.next_if(|line| !line.starts_with("$ ")) {
                let is_there = recorded == "…" || printed.contains(&shape(recorded));
                assert!(is_there, "{PAGE}: {recorded}\n{output}{error}");
            }
            ran.insert(command.to_owned(), printed);
        }
    }
    assert!((6..=8).contains(&ran.len()), "{:?}", ran.keys());
    the_readme_shows_the_same(&ran);
    a_changed_definition_is_compared_with_the_last_run(&program).await;
    a_run_that_would_be_refused_is_not_planned(&program).await;
}

/// The README shows the same commands, each with a line of what was printed.
fn the_readme_shows_the_same(ran: &BTreeMap<String, Vec<String>>) {
    let readme = workspace::text("README.md");
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    let blocks = documents::blocks(&readme, "console");
    let session = blocks
        .iter()
        .find(|block| block.contains("$ millrace init"));
    let mut current = "";
    for line in session.expect("README.md has a session").lines() {
        if let Some(command) = line.strip_prefix("$ millrace ") {
            current = command;
            shown.insert(command, 0);
            continue;
        }
        let printed = &ran[current];
        assert!(
            printed.contains(&shape(line)),
            "README.md: {current} did not print {line}\n{printed:#?}"
        );
        *shown.entry(current).or_default() += 1;
    }
    assert!(shown.keys().eq(ran.keys()), "{shown:?}");
    assert!(shown.values().all(|lines| *lines > 0), "{shown:?}");
}

async fn a_run_that_would_be_refused_is_not_planned(program: &Program<'_>) {
    let definition = |table: &str, cost: f64| {
        json!({"source": {"dynamodb": {"table": table}}, "limits": {"maxCost": cost}}).to_string()
    };
    let with_alarm = |alarm: &str| {
        json!({
            "source": {"dynamodb": {"table": TABLE}},
            "dataset": {"label": "rating"},
            "training": {"image": "recommender:1"},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
            "endpoint": {
                "compute": {"instances": {"instanceType": "ml.m5.large", "count": 1}},
                "guardrails": {"shift": "allAtOnce", "alarms": [alarm]},
            },
        })
        .to_string()
    };
    for (text, code, words) in [
        (definition(TABLE, 0.0), 1, "above limits.maxCost of 0"),
        (definition("films", 1.0), 5, "there is no table \"films\""),
        (
            with_alarm("nobodys"),
            1,
            "field `endpoint.guardrails.alarms[0]`: there is no alarm \"nobodys\"",
        ),
        ("{\"sauce\": 1}".to_owned(), 1, "`sauce`"),
    ] {
        std::fs::write(program.folder().join("refused.json"), text).unwrap();
        let ended = program.run("plan refused.json").await;
        assert_eq!(
            (ended.code, ended.output.as_str()),
            (code, ""),
            "{}",
            ended.error
        );
        assert!(
            ended.error.contains(words),
            "{words} is not in {}",
            ended.error
        );
    }
    let missing = program.run("plan nowhere.json").await;
    assert_eq!(missing.code, 5, "{}", missing.error);
    let files = std::fs::read_dir(program.folder()).unwrap();
    let files = files.filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(files.count(), 2, "init and this test write, plan does not");
}

/// The words of a line, those with digits as `#`. How long something took may be one word or two.
fn shape(line: &str) -> String {
    static TOOK: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\(\d[\d.]*[hms]( \d+[ms])*\)").unwrap());
    let line = TOOK.replace_all(line, "(1s)");
    let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    let words = line.split_whitespace();
    let words: Vec<_> = words
        .map(|word| if has_digit(word) { "#" } else { word })
        .collect();
    words.join(" ")
}

/// After a run, `plan` knows how long training takes, and what has changed since.
async fn a_changed_definition_is_compared_with_the_last_run(program: &Program<'_>) {
    let planned = plan(program, "plan --json").await;
    assert_eq!(planned["lastRun"]["changes"], json!([]), "{planned}");
    let training = &planned["steps"][2];
    assert_eq!(training["atMost"], false, "{training}");
    let line = "init interactions --label favourite --force -o default.json";
    program.well(line).await;
    let planned = plan(program, "plan default.json --json").await;
    let changes = planned["lastRun"]["changes"].as_array().unwrap();
    let label = json!({"path": "dataset.label", "was": "rating", "is": "favourite"});
    assert!(changes.contains(&label), "{changes:?}");
    let text = program.well("plan default.json").await.output;
    for words in [
        "  - dataset.label: \"rating\"",
        "  + dataset.label: \"favourite\"",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    // What other instances take is not known by the runs on these.
    let path = program.folder().join("default.json");
    let larger = std::fs::read_to_string(&path).unwrap();
    let larger = larger.replace(
        "\"training\": {",
        "\"training\": { \"instanceType\": \"ml.m5.4xlarge\",",
    );
    std::fs::write(&path, larger).unwrap();
    let planned = plan(program, "plan default.json --json").await;
    let training = &planned["steps"][2];
    assert_eq!(training["atMost"], true, "{training}");
    let missing = program.run("plan --pipeline other").await;
    assert_eq!(missing.code, 5, "{}", missing.error);
    assert!(
        missing.error.contains("has no definition"),
        "{}",
        missing.error
    );
}

/// What `plan` prints as JSON, which is as its schema says.
async fn plan(program: &Program<'_>, line: &str) -> Value {
    program::document("plan", &program.well(line).await.output)
}

/// Six commands from an empty folder; returns what the last one predicts.
async fn session(local: &Local, pipeline: &str, key: &str) -> String {
    let program = program(local);
    let written = program
        .well(&format!("init {pipeline} --pipeline {pipeline}"))
        .await;
    let file = format!("{pipeline}.json");
    assert_eq!(written.output.trim(), file, "{}", written.error);
    program.well(&format!("validate {file}")).await;
    let planned = plan(&program, &format!("plan {file} --json")).await;
    let steps = planned["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["export", "dataset", "training", "deployment"]);
    // Of a file that nobody has pushed, with the stack's own parameters.
    assert_eq!(planned["functions"], 40, "{planned}");
    assert!(planned["lastRun"].is_null(), "{planned}");
    assert!(
        planned["minutes"].is_number() && planned["dollars"].is_number(),
        "{planned}"
    );
    program.well(&format!("push {file}")).await;
    program
        .well(&format!("start --pipeline {pipeline} --watch"))
        .await;
    let watched = program.well(&format!("watch --pipeline {pipeline}")).await;
    let output: PublishReportOutput = serde_json::from_str(&watched.output).unwrap();
    assert_eq!(output.outcome, Outcome::Deployed);
    let predicted = program
        .well(&format!("predict --pipeline {pipeline} --key {key}"))
        .await;
    predicted.output.trim().to_owned()
}

/// The case `softprob`: its endpoint answers three numbers for a row.
async fn probabilities_of_classes_are_served(local: &Local) {
    let items = workspace::text("tests/cases/softprob/items.jsonl");
    let items = items.lines().map(|line| {
        let mut item: Value = serde_json::from_str(line).unwrap();
        item["part"] = json!({"S": "all"});
        item
    });
    fill(local, "f-softprob", ["id", "part"], items.collect()).await;
    let program = program(local);
    let definition = workspace::text("tests/cases/softprob/softprob.json");
    std::fs::write(program.folder().join("softprob.json"), definition).unwrap();
    program.well("push softprob.json").await;
    program.well("start --pipeline softprob --watch").await;
    let watched = program.well("watch --pipeline softprob").await;
    let output: PublishReportOutput = serde_json::from_str(&watched.output).unwrap();
    assert_eq!(output.outcome, Outcome::Deployed);
    for (key, class) in [("k0", "a"), ("k1", "b"), ("k2", "c")] {
        let line = format!("predict --pipeline softprob --key id={key} --key part=all");
        let predicted = program.well(&line).await.output;
        assert!(predicted.starts_with(&format!("{class}  (")), "{predicted}");
    }
}

async fn fill(local: &Local, table: &str, [partition, sort]: [&str; 2], items: Vec<Value>) {
    let loader = TableLoader::new(local.aws_config());
    loader.create(table, partition, sort).await.unwrap();
    for batch in items.chunks(BATCH) {
        loader.put(table, batch).await.unwrap();
    }
}

/// Items of 300 attributes; the target is the sum of two of them.
fn readings() -> Vec<Value> {
    let reading = |n: u32| {
        let value = |column: u32| (n * (column + 3) + n * n % (column + 7)) % 20;
        let mut item = json!({
            "machine": {"S": format!("m-{n:04}")}, "reading": {"S": format!("r-{n:04}")},
            "target": {"N": (value(1) + value(2)).to_string()},
        });
        for column in 0..297 {
            let name = format!("sensor{column:03}");
            item[name] = match column % 10 {
                8 => json!({"BOOL": value(column) > 9}),
                9 => json!({"S": format!("state {}", value(column) % 4)}),
                _ => json!({"N": value(column).to_string()}),
            };
        }
        item
    };
    (0..1200).map(reading).collect()
}

/// Customers, of whom an eighth has left: those who call often.
fn customers() -> Vec<Value> {
    let customer = |n: u32| {
        let left = n.is_multiple_of(8);
        let calls = if left { 6 + n % 5 } else { n % 5 };
        let plan = ["basic", "plus", "pro"][n as usize % 3];
        let (year, day) = (2024 + n / 1000, n % 28 + 1);
        json!({
            "customer": {"S": format!("c-{n:04}")},
            "since": {"S": format!("{year}-{:02}-{day:02}", n % 1000 / 84 + 1)},
            "plan": {"S": plan},
            "country": {"S": "AT"},
            "calls": {"N": calls.to_string()},
            "monthly": {"N": format!("{}.90", 9 + n % 40)},
            "churned": {"S": if left { "left" } else { "stayed" }},
        })
    };
    (0..2000).map(customer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_estimate_is_within_a_fifth_of_the_units_that_are_counted() {
    let server = DynamoDb::start(10_000).await;
    let interactions = Interactions::generate(42, ITEMS);
    let all = [
        (TABLE, interactions.items().cloned().collect()),
        ("readings", readings()),
        ("customers", customers()),
    ];
    for (table, items) in &all {
        let items = items.iter().enumerate().map(|(at, item)| {
            let mut item = item.clone();
            item["id"] = json!({"S": at.to_string()});
            item
        });
        server.fill(table, "id", items);
    }
    let tables = Tables::new(&aws::local(server.url()).await);
    let sources = Sources {
        tables: &tables,
        databases: &database::Drivers::AT_ONCE,
        secrets: &sql_source::MemorySecrets::new(),
        lake: None::<&MemoryStore>,
        captures: &source::MemoryCapture::default(),
        concurrency: 40,
    };
    for (table, items) in &all {
        let source = json!({"source": {"dynamodb": {"table": table}}});
        let definition = contract::read::from_value(source).unwrap();
        let estimate = sources.plan(&definition).await.unwrap().estimate;
        assert_eq!(estimate.items, items.len() as u64);

        let units = counted(&tables, table, items.len()).await;
        let estimated = estimate.read_units;
        eprintln!("{table}: estimated {estimated} read units, counted {units}");
        let ratio = estimated as f64 / units;
        assert!((0.8..1.2).contains(&ratio), "{estimated} and {units}");
    }
}

/// The read units of a scan of the whole table.
async fn counted(tables: &Tables, table: &str, expected: usize) -> f64 {
    const SEGMENTS: u32 = 4;
    let throttles = Throttles::new();
    let mut buffer = PageBuffer::new();
    let (mut units, mut items) = (0.0, 0);
    for segment in 0..SEGMENTS {
        let mut cursor = None;
        loop {
            let request = PageRequest {
                table,
                segment,
                total_segments: SEGMENTS,
                cursor: cursor.as_ref(),
                consistent: false,
                selection: None,
                limit: None,
                throttles: &throttles,
            };
            let page = tables.page(&request, &mut buffer).await.unwrap();
            units += page.read_units;
            items += buffer.lines().unwrap().lines().count();
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    assert_eq!(items, expected);
    units
}

#[test]
fn the_page_is_linked_from_the_readme() {
    assert!(workspace::text("README.md").contains(PAGE));
    assert!(Path::new(&workspace::root()).join(PAGE).exists());
}
