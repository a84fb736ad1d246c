//! `plan`: of a file that nobody has pushed, with the stack's own settings, against every limit, and
//! of a relational table as far as its login is reachable.

use crate::refused;
use crate::world::{Ended, World};
use axum::http::StatusCode;
use local_servers::dynamodb::DynamoDb;
use local_servers::s3::S3;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A table of 600 items, and an empty lake.
struct Place {
    world: World,
    tables: DynamoDb,
    s3: S3,
}

fn definition() -> Value {
    json!({
        "source": {"dynamodb": {"table": "films"}},
        "dataset": {"label": "rating"},
        "training": {"algorithm": {"name": "xgboost"}, "hyperparameters": {"num_round": 5}},
        "promotion": {"metric": "validation:rmse", "goal": "minimize"},
    })
}

impl Place {
    async fn new() -> Self {
        let place = Self {
            world: World::new().await,
            tables: DynamoDb::start(1000).await,
            s3: S3::start(&["lake"]).await,
        };
        let item = |number: usize| {
            json!({"id": {"S": number.to_string()}, "rating": {"N": (number % 5).to_string()},
                "year": {"N": (1990 + number % 30).to_string()}})
        };
        place.tables.fill("films", "id", (0..600).map(item));
        place.define(&definition());
        place
    }

    fn define(&self, definition: &Value) {
        let text = format!("{definition:#}\n");
        std::fs::write(self.world.folder.path().join("films.json"), text).unwrap();
    }

    async fn run(&self, line: &str) -> Ended {
        let mut variables = local_servers::environment().to_vec();
        variables.push(("AWS_REGION", "eu-central-1"));
        variables.push(("AWS_ENDPOINT_URL_DYNAMODB", self.tables.url()));
        variables.push(("AWS_ENDPOINT_URL_S3", self.s3.url()));
        self.world.run_with(line, &variables).await
    }

    /// The plan, which is as its schema says.
    async fn planned(&self, line: &str) -> Value {
        let ended = self.run(&format!("{line} --json")).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        crate::output::documented("plan", &ended.output)
    }

    fn objects(&self) -> usize {
        let mut folders = vec![self.s3.folder().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    count += 1;
                }
            }
        }
        count
    }
}

fn assumed(plan: &Value) -> Vec<&str> {
    let sentences = plan["assumed"].as_array().unwrap().iter();
    sentences.map(|it| it.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_file_that_nobody_has_pushed_is_planned_without_a_run_or_a_stack() {
    let place = Place::new().await;
    let before = place.objects();
    let plan = place.planned("plan films.json").await;
    assert!(plan["lastRun"].is_null(), "{plan}");
    assert_eq!(plan["functions"], 40);
    let steps: Vec<_> = plan["steps"].as_array().unwrap().iter().collect();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str()).collect();
    let all = ["export", "dataset", "training", "deployment"].map(Some);
    assert_eq!(names, all, "{plan}");
    for step in &steps {
        assert!(
            step["minutes"].is_number() && step["dollars"].is_number(),
            "{step}"
        );
    }
    assert!(plan["endpoint"]["dollarsPerMonth"].is_number(), "{plan}");
    assert!(plan["storage"]["dollarsPerMonth"].is_number(), "{plan}");
    assert_eq!(plan["storage"]["keptDays"], 180);
    assert!(plan["logs"]["dollars"].as_f64().unwrap() > 0.0, "{plan}");

    place.world.account().stacks.clear();
    let plan = place.planned("plan films.json").await;
    let sentence = "there is no stack `millrace` in region eu-central-1: 40 functions at once are \
                    assumed, the template's default, and earlier runs are not known";
    assert!(assumed(&plan).contains(&sentence), "{plan}");
    assert_eq!(plan["steps"].as_array().unwrap().len(), 4);
    let text = place.run("plan films.json").await.output;
    assert!(text.contains("assumed: there is no stack"), "{text}");
    assert_eq!(place.objects(), before, "a plan writes nothing");
    // Without a file the definition is the lake's, and a stack that somebody names must be there.
    for line in ["plan", "plan films.json --stack millrace"] {
        let words = ["there is no stack `millrace`"];
        refused(&place.run(line).await, 5, &words, "--stack NAME");
    }
}

#[tokio::test]
async fn the_stack_says_how_many_functions_there_are_and_how_long_things_are_kept() {
    let place = Place::new().await;
    place.world.account().parameters = [
        ("MapConcurrency", "3"),
        ("RawExpiryDays", "0"),
        ("LogRetentionDays", "365"),
        ("ImagesColdDays", "30"),
        ("ImagesColdClass", "STANDARD_IA"),
        ("ImagesExpiryDays", "60"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    let plan = place.planned("plan films.json").await;
    assert_eq!(plan["functions"], 3);
    assert!(plan["storage"]["keptDays"].is_null(), "{plan}");
    assert_eq!(plan["logs"]["keptDays"], 365);
    place.world.account().parameters.remove("MapConcurrency");
    let words = ["has no number in its parameter MapConcurrency"];
    let ended = place.run("plan films.json").await;
    refused(&ended, 1, &words, "update the stack");
}

#[tokio::test]
async fn images_are_planned_with_the_cheapest_class_for_their_sizes() {
    let place = Place::new().await;
    let folder = place.s3.folder().join("lake/images/cat");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..12 {
        let bytes = vec![0; if number < 4 { 20_000 } else { 300_000 }];
        std::fs::write(folder.join(format!("{number}.jpg")), bytes).unwrap();
    }
    let images = json!({
        "source": {"images": {"keys": "images/{class}/{name}.{ext}"}},
        "limits": {"maxObjects": 12},
    });
    place.define(&images);
    let plan = place.planned("plan films.json").await;
    assert_eq!(plan["images"]["images"], 12);
    assert_eq!(plan["images"]["keptDays"], 1825);
    let sizes = plan["images"]["sizes"].as_array().unwrap();
    let sizes: Vec<_> = sizes
        .iter()
        .map(|it| (&it["below"], &it["images"]))
        .collect();
    let [small, large] = [(json!(65_536), json!(4)), (json!(524_288), json!(8))];
    assert_eq!(sizes, [(&small.0, &small.1), (&large.0, &large.1)]);
    let classes = plan["images"]["classes"].as_array().unwrap();
    let names: Vec<_> = classes
        .iter()
        .map(|it| it["class"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["GLACIER_IR", "STANDARD_IA", "STANDARD"]);
    assert_eq!(classes[2]["isSet"], true);
    let limits = plan["limits"].as_array().unwrap().iter();
    let objects = limits
        .clone()
        .find(|row| row["field"] == "limits.maxObjects")
        .unwrap();
    assert_eq!(
        (&objects["planned"], &objects["exceeded"]),
        (&json!(12.0), &json!(false))
    );
    let text = place.run("plan films.json").await.output;
    assert!(text.contains("GLACIER_IR, the cheapest"), "{text}");

    // What is removed a month after it has moved pays for the move and saves nothing.
    for (name, value) in [
        ("ImagesColdDays", "30"),
        ("ImagesColdClass", "STANDARD_IA"),
        ("ImagesExpiryDays", "60"),
    ] {
        let parameters = &mut place.world.account().parameters;
        parameters.insert(name, value.to_owned());
    }
    let ended = place.run("plan films.json").await;
    let warning = "warning: ImagesColdClass STANDARD_IA after 30 days costs";
    assert!(ended.output.contains(warning), "{ended:?}");
    assert!(ended.output.contains("STANDARD, the cheapest"), "{ended:?}");

    // Images are read by the lake's client, so that a plan needs one.
    place.world.account().stacks.clear();
    let words = ["no lake is known, into which the source is read: name the stack"];
    let ended = place.run("plan films.json -q").await;
    assert_eq!((ended.code, &*ended.output), (5, ""), "{ended:?}");
    assert!(ended.error.contains(words[0]), "{ended:?}");
}

#[tokio::test]
async fn a_schedule_that_outruns_its_runs_is_warned_of_and_what_a_run_waits_for_is_said() {
    let place = Place::new().await;
    let mut definition = definition();
    definition["pipeline"] = json!("films");
    definition["ready"] = json!({"when": [{"s3": "s3://books/closed"}], "withinMinutes": 45});
    place.define(&definition);
    for (schedule, pipeline, is_warned) in [
        ("rate(20 minutes)", "films", true),
        ("rate(20 minutes)", "others", false),
        ("cron(0 3 * * ? *)", "films", false),
    ] {
        for (name, value) in [("Schedule", schedule), ("ScheduledPipeline", pipeline)] {
            let parameters = &mut place.world.account().parameters;
            parameters.insert(name, value.to_owned());
        }
        let plan = place.planned("plan films.json").await;
        let warnings = plan["warnings"].to_string();
        assert_eq!(
            warnings.contains("every 20 minutes"),
            is_warned,
            "{schedule} {pipeline}: {plan}"
        );
        assert_eq!(plan["waitsFor"], json!(["s3://books/closed exists"]));
        assert_eq!(plan["waitsMinutes"], 45);
    }
    let text = place.run("plan films.json").await.output;
    assert!(
        text.contains("waits until s3://books/closed exists; 45 min at most"),
        "{text}"
    );
}

#[tokio::test]
async fn what_may_not_be_read_is_assumed_and_said() {
    let place = Place::new().await;
    let line = "plan films.json --bucket lake";
    let plan = place.planned(line).await;
    assert!(assumed(&plan)[0].starts_with("no stack is named"), "{plan}");
    // Of the lake, of CloudFormation, and of Service Quotas.
    place.world.account().s3 = Some((StatusCode::FORBIDDEN, "AccessDenied"));
    let variables = [("AWS_ENDPOINT_URL_DYNAMODB", place.tables.url())];
    let ended = place.world.run_with("plan films.json", &variables).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let words = "assumed: earlier runs are not known: ";
    assert!(ended.output.contains(words), "{ended:?}");
    place.world.account().refusal = Some((StatusCode::FORBIDDEN, "AccessDenied"));
    let plan = place.planned("plan films.json").await;
    let said = assumed(&plan).join("\n");
    for words in [
        "CloudFormation DescribeStacks of millrace: AccessDenied",
        "the account's quotas are not known: Service Quotas",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test]
async fn a_limit_of_any_step_ends_the_command_with_1_beside_the_plan() {
    let place = Place::new().await;
    for (name, value) in [("training job", 0.0), ("endpoint", 2.0)] {
        let quota = format!("ml.m5.large for {name} usage");
        place.world.account().quotas.insert(quota, value);
    }
    let mut beyond = definition();
    beyond["dataset"]["gate"] = json!({"minimumRows": 601});
    beyond["gate"] = json!({"minimumItems": 601});
    let compute = json!({"instances": {"instanceType": "ml.m5.large", "count": 1}});
    beyond["endpoint"] = json!({"compute": compute});
    place.define(&beyond);
    let ended = place.run("plan films.json --json").await;
    assert_eq!(ended.code, 1, "{ended:?}");
    let plan = crate::output::documented("plan", &ended.output);
    let rows = plan["limits"].as_array().unwrap().iter();
    let exceeded: Vec<_> = rows
        .filter(|row| row["exceeded"] == true)
        .map(|row| row["field"].as_str().unwrap())
        .collect();
    let fields = [
        "gate.minimumItems",
        "dataset.gate.minimumRows",
        "quota ml.m5.large for training job usage",
    ];
    assert_eq!(exceeded, fields, "{plan}");
    let silent = Ended {
        output: String::new(),
        ..ended
    };
    let words = format!("beyond its limit is {}", fields.join("; "));
    refused(&silent, 1, &[&words], "another value of the field");
    let text = place.run("plan films.json").await.output;
    let words: Vec<_> = text.split_whitespace().collect();
    let words = words.join(" ");
    for row in [
        "dataset dataset.gate.minimumRows at least 601 rows 600 rows, beyond it",
        "usage at most 0 instances 1 instance, beyond it",
        "usage at most 2 instances 2 instances",
    ] {
        assert!(words.contains(row), "{row} is not in {text}");
    }
    beyond["dataset"]["gate"] = json!({"minimumRows": 600});
    beyond["gate"] = json!({"minimumItems": 600});
    place.define(&beyond);
    let quota = "ml.m5.large for training job usage".to_owned();
    place.world.account().quotas.insert(quota, 1.0);
    assert_eq!(place.run("plan films.json").await.code, 0);
}

#[tokio::test]
async fn wide_tables_and_large_items_are_planned() {
    let place = Place::new().await;
    let mut item = json!({"id": {"S": "1"}, "rating": {"N": "4"}});
    for at in 0..398 {
        item[format!("attribute_{at:03}")] = json!({"N": at.to_string()});
    }
    let large = json!({"id": {"S": "1"}, "rating": {"N": "4"},
        "text": {"S": "x".repeat(399 * 1024)}});
    place.tables.fill("wide", "id", std::iter::once(item));
    place.tables.fill("large", "id", std::iter::once(large));
    for (table, units) in [("wide", 1), ("large", 50)] {
        let mut one = definition();
        one["source"]["dynamodb"]["table"] = json!(table);
        one["dataset"]["gate"] = json!({"minimumRows": 1});
        place.define(&one);
        let plan = place.planned("plan films.json").await;
        assert_eq!(plan["readUnits"], units, "{plan}");
        assert_eq!(plan["sampledItems"], 1, "{plan}");
    }
}

#[tokio::test]
async fn what_plan_export_would_refuse_is_refused() {
    let place = Place::new().await;
    place.tables.fill("empty", "id", std::iter::empty());
    for (table, code, words) in [
        ("empty", 1, "table \"empty\" holds no items"),
        ("gone", 5, "there is no table \"gone\""),
    ] {
        let mut other = definition();
        other["source"]["dynamodb"]["table"] = json!(table);
        place.define(&other);
        let ended = place.run("plan films.json").await;
        assert_eq!((ended.code, &*ended.output), (code, ""), "{ended:?}");
        assert_eq!(ended.error.lines().count(), 1, "{ended:?}");
        assert!(ended.error.contains(words), "{ended:?}");
    }
    let mut alarmed = definition();
    alarmed["endpoint"] = json!({"guardrails": {"alarms": ["gone"]}, "compute":
        {"instances": {"instanceType": "ml.m5.large", "count": 1}}});
    place.define(&alarmed);
    let ended = place.run("plan films.json").await;
    assert_eq!((ended.code, &*ended.output), (1, ""), "{ended:?}");
    let words = "a run would end at its first step";
    assert!(ended.error.contains(words), "{ended:?}");
    assert!(
        ended.error.contains("endpoint.guardrails.alarms[0]"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_one_line() {
    let place = Place::new().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let sql = json!({"engine": "postgres", "secret": "shop", "table": "orders"});
    place.define(&json!({"source": {"sql": sql}}));
    let ended = place.run("plan films.json").await;
    refused(&ended, 5, &["GetSecretValue of shop"], "the secret's name");
    let secret = json!({"host": "127.0.0.1", "port": port, "dbname": "d", "username": "u",
        "password": "hidden"});
    let secret = secret.to_string();
    place.world.account().secrets.insert("shop", secret);
    let ended = place.run("plan films.json").await;
    refused(
        &ended,
        6,
        &["a run cannot be planned: ", "127.0.0.1"],
        "from where the database can be reached",
    );
    assert!(!ended.error.contains("hidden"), "{ended:?}");
}
