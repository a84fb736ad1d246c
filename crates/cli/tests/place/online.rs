//! `validate` against the account: the table and its sample, the lake, the endpoint's owner.

use crate::refused;
use crate::world::{Ended, World, run};
use axum::http::StatusCode;
use local_servers::dynamodb::DynamoDb;
use serde_json::{Value, json};

/// The account's tables, and a definition of one of them.
struct Place {
    world: World,
    tables: DynamoDb,
}

impl Place {
    async fn new(definition: &Value) -> Self {
        let place = Self {
            world: World::new().await,
            tables: DynamoDb::start(1000).await,
        };
        place.define(definition);
        place
    }

    fn define(&self, definition: &Value) {
        let text = format!("{definition:#}\n");
        std::fs::write(self.world.folder.path().join("films.json"), text).unwrap();
    }

    async fn run(&self, line: &str) -> Ended {
        let variables = [("AWS_ENDPOINT_URL_DYNAMODB", self.tables.url())];
        self.world.run_with(line, &variables).await
    }

    async fn validate(&self, options: &str) -> Ended {
        self.run(&format!("validate films.json {options}")).await
    }

    /// The only fault, at this place and with these words, on one screen.
    async fn one_fault(&self, place: &str, words: &[&str]) {
        let ended = self.validate("").await;
        assert_eq!(ended.code, 1, "{ended:?}");
        let shown = &ended.output;
        assert!(shown.contains(&format!("films.json:{place}")), "{shown}");
        assert!(shown.contains("films.json: 1 fault\n"), "{shown}");
        for word in words {
            assert!(shown.contains(word), "{word} is not in {shown}");
        }
        assert!(shown.lines().count() < 12 && shown.len() < 1500, "{shown}");
    }
}

fn of_label(label: &str) -> Value {
    json!({"source": {"dynamodb": {"table": "films"}}, "dataset": {"label": label}})
}

#[tokio::test]
async fn a_table_that_is_missing_or_empty_is_shown_at_its_field() {
    let place = Place::new(&of_label("rating")).await;
    place
        .one_fault(
            "4:7",
            &["there is no table \"films\" in this account and region"],
        )
        .await;
    place.tables.fill("films", "id", std::iter::empty());
    place
        .one_fault("4:7", &["table \"films\" holds no items", "^^^"])
        .await;
    let mut indexed = of_label("rating");
    indexed["source"]["dynamodb"]["index"] = json!("by-film");
    place.define(&indexed);
    place
        .one_fault("5:7", &["has no index \"by-film\" (it has: none)"])
        .await;
}

#[tokio::test]
async fn a_misspelt_label_among_400_attributes_is_shown_with_the_closest() {
    let item = |number: usize| {
        let mut item = json!({"id": {"S": number.to_string()}, "rating": {"N": "4"}});
        for at in 0..398 {
            item[format!("attribute_{at:03}")] = json!({"N": at.to_string()});
        }
        item
    };
    let place = Place::new(&of_label("ratign")).await;
    place.tables.fill("films", "id", (0..600).map(item));
    let closest = "names `ratign`, which none of 600 sampled items has; there are `rating`, ";
    place
        .one_fault("8:5", &["field `dataset.label`", closest])
        .await;
    place.define(&of_label("rating"));
    let ended = place.validate("").await;
    assert_eq!((ended.code, &*ended.error), (0, ""), "{ended:?}");
    let valid = "films.json: valid (pipeline `films`, a sample of 600 items for ";
    assert!(ended.output.starts_with(valid), "{ended:?}");
}

#[tokio::test]
async fn every_misspelt_attribute_is_shown_at_its_place() {
    let mut definition = of_label("ratign");
    definition["dataset"]["columns"] = json!([{"path": "yaer"}, {"path": "genre"}]);
    let place = Place::new(&definition).await;
    let item = json!({"id": {"S": "1"}, "rating": {"N": "4"}, "year": {"N": "1999"}});
    place.tables.fill("films", "id", std::iter::once(item));
    let ended = place.validate("").await;
    assert_eq!(ended.code, 1, "{ended:?}");
    for words in [
        "films.json: 3 faults\n",
        "films.json:8:5",
        "names `ratign`, which none of 1 sampled items has; there are `rating`, ",
        "films.json:11:9",
        "names `yaer`, which none of 1 sampled items has; there are `year`, ",
        "films.json:14:9",
        "names `genre`, which none of 1 sampled items has; there are ",
    ] {
        assert!(ended.output.contains(words), "{words}: {}", ended.output);
    }
}

#[tokio::test]
async fn one_item_of_400_kilobytes_is_a_sample() {
    let text = "x".repeat(399 * 1024);
    let item = json!({"id": {"S": "1"}, "rating": {"N": "4"}, "text": {"S": text}});
    let place = Place::new(&of_label("rating")).await;
    place.tables.fill("films", "id", std::iter::once(item));
    let ended = place.validate("").await;
    assert_eq!((ended.code, &*ended.error), (0, ""), "{ended:?}");
    assert!(
        ended.output.contains("a sample of 1 item for "),
        "{ended:?}"
    );
    place.define(&of_label("Rating"));
    let closest = "none of 1 sampled items has; there are `rating`, ";
    place.one_fault("8:5", &[closest]).await;
}

#[tokio::test]
async fn without_credentials_the_form_is_checked() {
    let place = Place::new(&of_label("rating")).await;
    let folder = place.world.folder.path();
    let valid = "films.json: valid (pipeline `films`)\n";
    for (variables, why) in [
        (vec![], "no AWS region is set"),
        (
            vec![
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ENDPOINT_URL", &*place.world.url),
            ],
            "there are no AWS credentials",
        ),
    ] {
        let ended = run(folder, "validate films.json", &variables).await;
        assert_eq!((ended.code, &*ended.output), (0, valid), "{ended:?}");
        assert_eq!(ended.error, format!("checked offline only: {why}\n"));
    }
    let ended = place.validate("--offline").await;
    assert_eq!((ended.code, &*ended.output), (0, valid), "{ended:?}");
    assert_eq!(ended.error, "");
    // The form is shown although the account cannot be asked.
    place.world.account().refusal = Some((StatusCode::FORBIDDEN, "ExpiredToken"));
    let ended = place.validate("").await;
    assert_eq!(ended.output, valid, "{ended:?}");
    let silent = Ended {
        output: String::new(),
        ..ended
    };
    let words = ["STS GetCallerIdentity", "ExpiredToken"];
    refused(&silent, 4, &words, "aws sso login");
}

#[tokio::test]
async fn what_cannot_be_checked_is_said() {
    let place = Place::new(&of_label("rating")).await;
    let item = json!({"id": {"S": "1"}, "rating": {"N": "4"}});
    place.tables.fill("films", "id", std::iter::once(item));
    let ended = place.validate("--stack other").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let expected = "films.json: not checked: the stack with its lake and roles: there is no stack \
                    `other` in region eu-central-1\n";
    assert_eq!(ended.error, expected);
    place.world.account().s3 = Some((StatusCode::FORBIDDEN, "AccessDenied"));
    let ended = place.validate("").await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.error.contains("not checked: the lake: "), "{ended:?}");
    assert!(ended.error.contains("AccessDenied"), "{ended:?}");
    let last = "error: not everything could be checked: see above what is missing\n";
    assert!(ended.error.ends_with(last), "{ended:?}");
}

#[tokio::test]
async fn what_sagemaker_needs_is_checked() {
    let mut definition = of_label("rating");
    definition["training"] = json!({
        "algorithm": {"name": "xgboost"},
        "hyperparameters": {"objective": "reg:squarederror", "num_round": 10},
        "roleArn": "arn:aws:iam::210987654321:role/trainer",
    });
    definition["promotion"] = json!({"metric": "validation:rmse", "goal": "minimize"});
    definition["endpoint"] = json!({
        "name": "taken",
        "compute": {"instances": {"instanceType": "ml.m5.large", "count": 1}},
        "guardrails": {"shift": "allAtOnce", "alarms": ["millrace/films/endpoint-errors", "queue"]},
    });
    let place = Place::new(&definition).await;
    let item = json!({"id": {"S": "1"}, "rating": {"N": "4"}});
    place.tables.fill("films", "id", std::iter::once(item));
    let tags = json!([{"Key": "team", "Value": "search"}]);
    place
        .world
        .account()
        .endpoints
        .insert("taken".to_owned(), tags);
    let ended = place.validate("--json --region mars-north-1").await;
    assert_eq!(ended.code, 1, "{ended:?}");
    let found: Value = serde_json::from_str(&ended.output).unwrap();
    let file = &found["definitions"][0];
    assert_eq!(
        (&file["online"], &file["valid"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(file["sample"]["items"], 1);
    let faults = file["faults"].as_array().unwrap();
    for (path, line, words) in [
        (
            "training.algorithm.name",
            12,
            "the registry of xgboost in \"mars-north-1\"",
        ),
        ("training.roleArn", 18, "is a role of account 210987654321"),
        ("endpoint.name", 25, "team=search"),
        (
            "endpoint.guardrails.alarms[1]",
            36,
            "there is no alarm \"queue\" in this account and region",
        ),
    ] {
        let fault = faults.iter().find(|fault| fault["path"] == path);
        let fault = fault.unwrap_or_else(|| panic!("{path} is not in {file:#}"));
        assert_eq!(fault["line"], line, "{fault}");
        assert!(
            fault["message"].as_str().unwrap().contains(words),
            "{fault}"
        );
    }
    assert_eq!(faults.len(), 4, "{file:#}");
    // The plan refuses what a run would refuse at its first step.
    let ended = place.run("plan films.json").await;
    assert_eq!((ended.code, &*ended.output), (1, ""), "{ended:?}");
    let words = "field `endpoint.guardrails.alarms[1]`: there is no alarm \"queue\"";
    assert!(ended.error.contains(words), "{ended:?}");
}

#[tokio::test]
async fn a_quota_below_what_a_run_asks_for_is_shown_at_its_instance_type() {
    let mut definition = of_label("rating");
    definition["training"] = json!({
        "algorithm": {"name": "xgboost"},
        "hyperparameters": {"objective": "reg:squarederror", "num_round": 10},
        "instanceType": "ml.c5.xlarge",
    });
    definition["promotion"] = json!({"metric": "validation:rmse", "goal": "minimize"});
    let compute = json!({"instances": {"instanceType": "ml.m5.large", "count": 1}});
    definition["endpoint"] = json!({"compute": compute});
    let place = Place::new(&definition).await;
    let item = json!({"id": {"S": "1"}, "rating": {"N": "4"}});
    place.tables.fill("films", "id", std::iter::once(item));
    let training = "ml.c5.xlarge for training job usage";
    let endpoint = "ml.m5.large for endpoint usage";
    place.world.account().quotas = [(training.to_owned(), 0.0), (endpoint.to_owned(), 2.0)].into();
    let words = [
        "needs 1 of the quota `ml.c5.xlarge for training job usage`, which is 0 in eu-central-1",
        "request-service-quota-increase --service-code sagemaker --quota-code L-7 --desired-value 1",
    ];
    place.one_fault("18:5", &words).await;

    place
        .world
        .account()
        .quotas
        .insert(training.to_owned(), 1.0);
    let ended = place.validate("").await;
    assert_eq!((ended.code, &*ended.error), (0, ""), "{ended:?}");
    // An update starts a second instance beside the first.
    place
        .world
        .account()
        .quotas
        .insert(endpoint.to_owned(), 1.0);
    let words = "needs 2 of the quota `ml.m5.large for endpoint usage`, as an update starts 1";
    place.one_fault("27:9", &[words]).await;

    // What cannot be asked is no fault.
    place.world.account().quotas_refusal = Some((StatusCode::BAD_REQUEST, "AccessDeniedException"));
    let ended = place.validate("").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let said = format!("films.json: not checked: the quotas {training}, {endpoint}: ");
    assert!(ended.error.starts_with(&said), "{ended:?}");
    let refusal = "Service Quotas ListServiceQuotas of sagemaker: AccessDeniedException";
    assert!(ended.error.contains(refusal), "{ended:?}");
    place.world.account().quotas_refusal = None;
    place.world.account().quotas.remove(training);
    let ended = place.validate("").await;
    let said = format!("not checked: the quota {training}: eu-central-1 has no such quota");
    assert!(ended.error.contains(&said), "{ended:?}");
}
