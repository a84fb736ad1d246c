//! The columns for a definition and a table, and what is refused.

mod support;

use contract::{ErrorName, Named as _};
use dataset::{
    Encoder, Gatherer, PlanError, check_definition, check_sample, plan_columns, read_definition,
};
use definition::{Encoding, Missing, Split};
use profile::{MAX_DISTINCT, Profile};
use serde_json::{Value, json};
use support::{declare, infer, key, plan, profile};

fn items() -> Vec<Value> {
    (0..40)
        .map(|at| {
            json!({
                "id": { "S": format!("i{at}") },
                "rating": { "N": (at % 5).to_string() },
                "price": { "N": format!("{at}.25") },
                "new": { "BOOL": at % 2 == 0 },
                "device": { "S": if at % 2 == 0 { "tv" } else { "phone" } },
                "code": if at % 2 == 0 { json!({ "N": "7.0" }) } else { json!({ "S": "x" }) },
                "context": { "M": { "score": { "N": at.to_string() }, "secret": { "N": "1" } } },
                "created": { "N": (1_700_000_000 + at).to_string() },
                "comment": { "S": format!("a long comment on something, number {at}") },
                "story": { "S": "word ".repeat(60) },
                "tags": { "SS": ["a"] },
                "mixed": if at % 2 == 0 { json!({ "N": "1" }) } else { json!({ "BOOL": true }) },
                "nothing": { "NULL": true },
            })
        })
        .collect()
}

fn refusal(definition: &definition::Dataset, profile: &Profile) -> (ErrorName, String) {
    let error = plan_columns(definition, &key(), profile).expect_err("a refusal");
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        message = format!("{message}: {source}");
    }
    assert!(!message.contains('\n'), "{message}");
    (error.name(), message)
}

#[test]
fn columns_are_inferred_by_the_rules() {
    let mut definition = infer("rating");
    definition.exclude = vec!["context.secret".to_owned()];
    let columns = plan(&definition, &items());
    assert!(columns.inferred);
    let planned: Vec<_> = columns
        .columns
        .iter()
        .map(|column| (column.path.as_str(), column.encoding))
        .collect();
    assert_eq!(
        planned,
        [
            ("code", Encoding::Ordinal),
            ("context.score", Encoding::Number),
            ("device", Encoding::Ordinal),
            ("new", Encoding::Boolean),
            ("price", Encoding::Number),
        ]
    );
    assert_eq!(columns.column("code").unwrap().vocabulary, ["7", "x"]);
    assert_eq!(
        columns.column("device").unwrap().vocabulary,
        ["phone", "tv"]
    );
    let left_out: Vec<_> = columns
        .left_out
        .iter()
        .map(|out| (out.path.as_str(), out.reason.as_str()))
        .collect();
    assert_eq!(
        left_out,
        [
            (
                "comment",
                "is free text, an identifier or a timestamp: 40 distinct values among 40, 37 characters on average"
            ),
            (
                "created",
                "has whole numbers up to 1700000039, which float32 rounds above 16777216; declare it with encoding `ordinal` or `hash` if it is an identifier, `timestamp` if it is one"
            ),
            (
                "id",
                "is a key attribute with a value of its own in every item, which says nothing of others; declare it in `dataset.columns` if it does"
            ),
            (
                "mixed",
                "has values of types N, BOOL, which no one encoding covers"
            ),
            (
                "nothing",
                "has nulls alone, which hold nothing to learn from"
            ),
            ("story", "is free text, up to 300 characters long"),
            (
                "tags",
                "has values of type SS, which have no numeric encoding"
            ),
        ]
    );
}

#[test]
fn an_excluded_map_takes_its_subtree_with_it() {
    let mut definition = infer("rating");
    definition.exclude = vec!["context".to_owned()];
    let columns = plan(&definition, &items());
    assert!(
        columns
            .columns
            .iter()
            .all(|column| !column.path.starts_with("context"))
    );
    assert!(
        columns
            .left_out
            .iter()
            .all(|out| !out.path.starts_with("context"))
    );
}

#[test]
fn declared_columns_keep_their_order_and_settings() {
    let mut definition = declare(
        "rating",
        &[
            ("price", None),
            ("created", Some(Encoding::Ordinal)),
            ("context.score", Some(Encoding::Number)),
        ],
    );
    definition.columns.as_mut().unwrap()[0].missing = Missing::Reject;
    let columns = plan(&definition, &items());
    assert!(!columns.inferred);
    assert!(columns.left_out.is_empty());
    let paths: Vec<_> = columns
        .columns
        .iter()
        .map(|column| column.path.as_str())
        .collect();
    assert_eq!(paths, ["price", "created", "context.score"]);
    assert_eq!(columns.columns[0].encoding, Encoding::Number);
    assert_eq!(columns.columns[0].missing, Missing::Reject);
    assert_eq!(columns.columns[1].vocabulary.len(), 40);
}

#[test]
fn the_split_is_by_the_key_unless_the_definition_says_otherwise() {
    let mut definition = infer("rating");
    let key = ["id".to_owned(), "odd.name".to_owned()];
    let columns = plan_columns(&definition, &key, &profile(&items())).unwrap();
    assert_eq!(columns.split.by, ["id", r"odd\.name"]);
    definition.split = Split {
        by: vec!["device".to_owned()],
        validation: 0.5,
        seed: 9,
        ..Split::default()
    };
    let columns = plan_columns(&definition, &key, &profile(&items())).unwrap();
    assert_eq!(columns.split.by, ["device"]);
    assert_eq!((columns.split.validation, columns.split.seed), (0.5, 9));
    definition.split.by.clear();
    let error = plan_columns(&definition, &[], &profile(&items())).unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
}

#[test]
fn a_label_or_column_that_no_item_has_is_named_with_the_closest_that_exist() {
    let (name, message) = refusal(&infer("raiting"), &profile(&items()));
    assert_eq!(name, ErrorName::AttributeMissing);
    assert!(
        message.starts_with("the label `raiting` occurs in none of 40 items; there are `rating`, "),
        "{message}"
    );
    assert!(
        message.ends_with("7 more: correct `dataset.label`"),
        "{message}"
    );
    let (name, message) = refusal(
        &declare("rating", &[("context.scores", None)]),
        &profile(&items()),
    );
    assert_eq!(name, ErrorName::AttributeMissing);
    assert!(message.contains("there are `context.score`, "), "{message}");
}

#[test]
fn every_label_weight_and_column_that_a_sample_lacks_is_named_with_the_closest() {
    let mut definition = declare(
        "raiting",
        &[("price", None), ("devise", None), ("seldom", None)],
    );
    definition.weight = Some("cretaed".to_owned());
    definition.rare = vec!["seldom".to_owned()];
    // Other paths are checked when all items are known.
    definition.exclude = vec!["stroy".to_owned()];
    let faults = check_sample(&definition, &profile(&items())).unwrap_err();
    let faults = faults.as_slice();
    let expected = [
        ("dataset.label", "`raiting`", "`rating`"),
        ("dataset.weight", "`cretaed`", "`created`"),
        ("dataset.columns[1].path", "`devise`", "`device`"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for (fault, (field, path, closest)) in faults.iter().zip(expected) {
        let start =
            format!("names {path}, which none of 40 sampled items has; there are {closest}, ");
        assert_eq!(fault.path, field);
        assert!(fault.message.starts_with(&start), "{fault}");
    }
    definition.label = "rating".to_owned();
    definition.weight = None;
    definition.columns.as_mut().unwrap()[1].path = "device".to_owned();
    assert_eq!(check_sample(&definition, &profile(&items())), Ok(()));
}

#[test]
fn the_closest_names_are_sought_for_as_many_as_a_person_reads() {
    let wrong: Vec<_> = (0..500).map(|at| format!("attribute_{at}")).collect();
    let columns: Vec<_> = wrong.iter().map(|path| (path.as_str(), None)).collect();
    let definition = declare("rating", &columns);
    let table = profile(&items());
    let faults = check_sample(&definition, &table).unwrap_err();
    let short = format!("there are {} attributes: ", table.attributes().count());
    let sought = faults.as_slice().iter();
    let sought = sought.take_while(|fault| fault.message.contains("there are `"));
    assert_eq!(sought.count(), 20);
    let mut rest = faults.as_slice()[20..].iter();
    assert!(rest.all(|fault| fault.message.contains(&short)));
    assert_eq!(faults.as_slice().len(), 500);
    // After the export too.
    let (_, message) = refusal(&definition, &table);
    assert!(
        (1..=20).contains(&message.matches("there are `").count()),
        "{message}"
    );
}

#[test]
fn every_path_that_no_item_has_is_named_after_the_export() {
    let mut definition = infer("rating");
    definition.exclude = vec!["stroy".to_owned(), "id".to_owned()];
    definition.split.by = vec!["divice".to_owned()];
    let (name, message) = refusal(&definition, &profile(&items()));
    assert_eq!(name, ErrorName::AttributeMissing);
    for words in [
        "2 faults: field `dataset.exclude[0]`: names `stroy`, which occurs in none of 40 items; there are `story`, ",
        "or name it in `dataset.mayBeAbsent`",
        "field `dataset.split.by[0]`: names `divice`, which occurs in none of 40 items; there are `device`, ",
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn what_is_rare_must_be_the_label_the_weight_or_a_column() {
    let mut definition = declare("rating", &[("price", None)]);
    definition.rare = ["rating", "price", "prize", "a["]
        .map(str::to_owned)
        .to_vec();
    let definition = json!({"source": {"dynamodb": {"table": "films"}}, "dataset": definition});
    let faults = read_definition(&definition).unwrap_err();
    let paths: Vec<_> = faults.as_slice().iter().map(|it| &*it.path).collect();
    assert_eq!(paths, ["dataset.rare[2]", "dataset.rare[3]"], "{faults}");
}

#[test]
fn a_label_that_is_never_numeric_is_refused() {
    let (name, message) = refusal(&infer("device"), &profile(&items()));
    assert_eq!(name, ErrorName::QualityGateFailed);
    assert_eq!(
        message,
        "the label `device` is never a number or boolean; it has values of type S: correct `dataset.label`, or set `dataset.labelEncoding` to `classes`"
    );
    assert!(plan_columns(&infer("new"), &key(), &profile(&items())).is_ok());
}

#[test]
fn what_float32_would_round_is_refused_where_declared_as_a_number() {
    for encoding in [None, Some(Encoding::Number)] {
        let (name, message) = refusal(
            &declare("rating", &[("created", encoding)]),
            &profile(&items()),
        );
        assert_eq!(name, ErrorName::InvalidDefinition);
        assert!(message.contains("encoding `ordinal`"), "{message}");
    }
    let limit =
        |largest: &str| profile(&[json!({ "rating": { "N": "1" }, "n": { "N": largest } })]);
    let definition = declare("rating", &[("n", None)]);
    for exact in ["16777216", "-16777216", "16777217.5"] {
        assert!(
            plan_columns(&definition, &key(), &limit(exact)).is_ok(),
            "{exact}"
        );
    }
    for rounded in ["16777217", "-16777217", "1E38"] {
        assert!(
            plan_columns(&definition, &key(), &limit(rounded)).is_err(),
            "{rounded}"
        );
    }
}

#[test]
fn a_declared_column_that_cannot_be_encoded_is_refused() {
    for (path, encoding) in [
        ("tags", None),
        ("mixed", None),
        ("nothing", None),
        ("context", None),
        ("device", Some(Encoding::Number)),
        ("device", Some(Encoding::Boolean)),
        ("new", Some(Encoding::Ordinal)),
    ] {
        let (name, message) = refusal(&declare("rating", &[(path, encoding)]), &profile(&items()));
        assert_eq!(name, ErrorName::InvalidDefinition, "{path}");
        assert!(message.starts_with(&format!("`{path}` has ")), "{message}");
    }
    let declared = declare("rating", &[("mixed", Some(Encoding::Boolean))]);
    assert!(plan_columns(&declared, &key(), &profile(&items())).is_ok());
}

#[test]
fn a_vocabulary_beyond_the_profile_is_gathered_unless_it_is_of_an_identifier() {
    let mut profile = profile(&[json!({ "rating": { "N": "1" } })]);
    for at in 0..=MAX_DISTINCT {
        for user in [at, at / 2] {
            let text = json!({ "rating": { "N": "1" }, "user": { "S": format!("u{user}") }, "id": { "S": format!("{at} {user}") } });
            profile.observe(&dynamodb_json::parse_item(text.to_string().as_bytes()).unwrap());
        }
    }
    let columns = plan_columns(&infer("rating"), &key(), &profile).unwrap();
    assert!(
        Encoder::new(&columns)
            .unwrap_err()
            .to_string()
            .contains("`user`")
    );
    assert_eq!(columns.columns.len(), 1);
    assert!(
        columns.left_out[0]
            .reason
            .contains("is free text, an identifier or a timestamp: about")
    );
    let mut gatherer = Gatherer::new(&columns).unwrap().unwrap();
    assert_eq!(gatherer.paths().collect::<Vec<_>>(), ["user"]);
    let mut projection = gatherer.projection();
    for user in ["b", "a", "b"] {
        let line = json!({ "Item": { "user": { "S": user } } }).to_string();
        projection.push_line(line.as_bytes()).unwrap();
    }
    let mut items = projection.rows();
    while let Some((_, values)) = items.next() {
        gatherer.see(values).unwrap();
    }
    let mut whole = columns.clone();
    whole.set_vocabularies(gatherer.finish().unwrap());
    assert_eq!(whole.columns[0].vocabulary, ["a", "b"]);
    assert_eq!(Encoder::new(&whole).unwrap().width(), 1);
    let declared = declare("rating", &[("id", None)]);
    let columns = plan_columns(&declared, &key(), &profile).unwrap();
    let gatherer = Gatherer::new(&columns).unwrap().unwrap();
    assert_eq!(gatherer.paths().collect::<Vec<_>>(), ["id"]);
    let mut without = infer("rating");
    without.exclude = vec!["user".to_owned(), "id".to_owned()];
    let (name, message) = refusal(&without, &profile);
    assert_eq!(name, ErrorName::QualityGateFailed);
    assert_eq!(
        message,
        "no attribute can be a feature column (there is none beside the label): declare `dataset.columns`"
    );
}

#[test]
fn a_definition_is_checked_before_any_data() {
    let message = |change: fn(&mut definition::Dataset)| {
        let mut definition = declare("rating", &[("price", None)]);
        assert!(check_definition(&definition).is_ok());
        change(&mut definition);
        let error = check_definition(&definition).unwrap_err();
        assert_eq!(error.name(), ErrorName::InvalidDefinition);
        match &error {
            PlanError::Path { field, .. } | PlanError::Definition { field, .. } => field.clone(),
            other => panic!("{other}"),
        }
    };
    assert_eq!(message(|d| d.label = "a..b".to_owned()), "label");
    assert_eq!(message(|d| d.label = "list[0]".to_owned()), "label");
    assert_eq!(message(|d| d.label = "price".to_owned()), "columns[0].path");
    assert_eq!(message(|d| d.columns = Some(Vec::new())), "columns");
    assert_eq!(
        message(|d| d.columns.as_mut().unwrap()[0].path.clear()),
        "columns[0].path"
    );
    assert_eq!(
        message(|d| d.exclude = vec!["ok".to_owned(), "a[".to_owned()]),
        "exclude[1]"
    );
    assert_eq!(message(|d| d.split.by = vec![String::new()]), "split.by[0]");
    assert_eq!(message(|d| d.split.validation = 0.91), "split.validation");
    assert_eq!(
        message(|d| d.split.validation = f64::NAN),
        "split.validation"
    );
}

#[test]
fn one_answer_names_the_faults_of_every_part_of_a_definition() {
    let definition = |dataset: Value| {
        json!({
            "source": {"dynamodb": {"table": "no"}},
            "dataset": dataset,
            "training": {"image": "recommender", "volumeGb": 0},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
            "endpoint": {"keep": 1},
            "limits": {"maxCost": -1.0},
        })
    };
    let faults = read_definition(&definition(json!({
        "label": "rating",
        "exclude": ["a["],
        "columns": [{"path": "rating"}, {"path": "price", "encoding": "hash"}],
    })))
    .unwrap_err();
    let mut paths: Vec<_> = faults
        .as_slice()
        .iter()
        .map(|it| it.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "dataset.columns[0].path",
            "dataset.columns[1].buckets",
            "dataset.exclude[0]",
            "endpoint.keep",
            "limits.maxCost",
            "source.dynamodb.table",
            "training.volumeGb",
        ],
        "{faults}"
    );
}
