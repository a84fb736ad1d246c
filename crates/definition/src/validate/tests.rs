//! Definitions with one field changed: which are valid, and how the others are refused.

use super::*;
use crate::Format;
use serde_json::{Value, json};

fn definition(path: &str, value: Value) -> Definition {
    let mut json = json!({
        "source": {"dynamodb": {"table": "interactions", "read": {}}},
        "dataset": {"label": "rating", "columns": [{"path": "user_id"}], "split": {}, "gate": {}},
        "training": {
            "image": "recommender",
            "spot": {"maxWaitSeconds": 3600},
            "metrics": [{"name": "validation:rmse", "regex": "rmse=(.*)"}]
        },
        "promotion": {"metric": "validation:rmse", "goal": "minimize"},
        "endpoint": {"compute": {"serverless": {"memoryMb": 1024, "maxConcurrency": 1}}},
        "limits": {"prices": {}},
    });
    if !path.is_empty() {
        let mut place = &mut json;
        for name in path.split('.') {
            place = &mut place[name];
        }
        *place = value;
    }
    contract::read::from_value(json).unwrap()
}

#[test]
fn the_smallest_definition_is_valid() {
    definition("", Value::Null).validate().unwrap();
}

#[test]
fn an_export_holds_whole_items_of_the_table_itself() {
    for (field, value) in [
        ("index", json!("by-rating")),
        ("projection", json!(["rating"])),
        ("filter", json!({"expression": "attribute_exists(rating)"})),
        ("consistentRead", json!(true)),
    ] {
        for (mode, valid) in [("export", false), ("scan", true), ("auto", true)] {
            let source = json!({"table": "interactions", "mode": mode, field: value});
            let checked = definition("source.dynamodb", source).validate();
            assert_eq!(checked.is_ok(), valid, "{mode} with {field}: {checked:?}");
            if let Err(error) = checked.map_err(Faults::first) {
                assert_eq!(error.path, "source.dynamodb.mode");
                assert!(error.message.contains(field), "{error}");
            }
        }
    }
}

/// With this `batch` instead of an endpoint, and this field changed.
fn scoring(batch: &Value, path: &str, value: Value) -> Result<(), crate::FieldError> {
    let mut definition = definition(path, value);
    if !path.starts_with("endpoint") {
        definition.endpoint = None;
    }
    definition.batch = Some(serde_json::from_value(batch.clone()).unwrap());
    definition.validate().map_err(Faults::first)
}

#[test]
fn rows_are_scored_in_one_go_instead_of_at_an_endpoint() {
    let validation = json!({"input": "validation"});
    scoring(&validation, "", Value::Null).unwrap();
    for (path, value) in [
        ("endpoint", json!({"environment": {"LEVEL": "info"}})),
        ("dataset.weight", json!("weight")),
        ("training.networkIsolation", json!(true)),
    ] {
        scoring(&validation, path, value).unwrap();
    }
    for (field, value) in [
        ("name", json!("films")),
        (
            "compute",
            json!({"instances": {"instanceType": "ml.m5.large", "count": 1}}),
        ),
        ("guardrails", json!({})),
        ("dataCapture", json!({"percent": 5})),
        ("startupSeconds", json!(60)),
        ("maxLatencyMilliseconds", json!(60)),
        ("keep", json!(3)),
    ] {
        let error = scoring(&validation, "endpoint", json!({field: value})).unwrap_err();
        assert_eq!(error.path, format!("endpoint.{field}"));
        assert!(error.message.contains("`batch` is set"), "{error}");
    }
}

#[test]
fn what_cannot_be_scored_is_refused_with_the_reason() {
    let prefix = json!({"input": {"prefix": "scoring/today/"}});
    let fixed = json!([{"path": "price", "encoding": "number"}]);
    for format in [
        "recordIo",
        "recordIoSparse",
        "parquet",
        "csvWithHeader",
        "csv",
    ] {
        let dataset = json!({"label": "rating", "columns": fixed, "format": format});
        scoring(&prefix, "dataset", dataset).unwrap();
        let checked = scoring(
            &json!({"input": "validation"}),
            "dataset.format",
            json!(format),
        );
        assert_eq!(checked.is_ok(), format == "csv", "{format}: {checked:?}");
    }
    for (batch, path, value, field, problem) in [
        (
            json!({"input": "test"}),
            "",
            Value::Null,
            "batch.input",
            "set dataset.split.test",
        ),
        (
            json!({"input": "validation"}),
            "dataset.split",
            json!({"validation": 0.0}),
            "batch.input",
            "set dataset.split.validation",
        ),
        (
            json!({"input": {"prefix": "raw/"}}),
            "",
            Value::Null,
            "batch.input.prefix",
            "below scoring/",
        ),
        (
            json!({"input": {"prefix": "scoring/"}}),
            "",
            Value::Null,
            "batch.input.prefix",
            "below scoring/",
        ),
        (
            json!({"input": "validation", "count": 0}),
            "",
            Value::Null,
            "batch.count",
            "at least 1",
        ),
        (
            json!({"input": "validation", "maxPayloadMb": 101}),
            "",
            Value::Null,
            "batch.maxPayloadMb",
            "1 to 100",
        ),
        (
            json!({"input": "validation", "instanceType": "m5.large"}),
            "",
            Value::Null,
            "batch.instanceType",
            "ml.m5.large",
        ),
    ] {
        let error = scoring(&batch, path, value).unwrap_err();
        assert_eq!(error.path, field, "{batch}");
        assert!(error.message.contains(problem), "{error}");
    }
    scoring(
        &json!({"input": "test"}),
        "dataset.split",
        json!({"test": 0.1}),
    )
    .unwrap();
}

#[test]
fn rows_that_are_there_before_the_run_need_an_encoding_that_no_table_changes() {
    let prefix = json!({"input": {"prefix": "scoring/today/"}});
    let vocabulary = json!(["a", "b"]);
    for column in [
        json!({"encoding": "boolean"}),
        json!({"encoding": "hash", "buckets": 8}),
        json!({"encoding": "timestamp"}),
        json!({"encoding": "multiHot", "buckets": 8}),
        json!({"encoding": "ordinal", "vocabulary": vocabulary}),
        json!({"encoding": "oneHot", "vocabulary": vocabulary}),
        json!({"encoding": "multiHot", "vocabulary": vocabulary}),
    ] {
        let mut column = column;
        column["path"] = json!("kind");
        scoring(&prefix, "dataset.columns", json!([column])).unwrap();
    }
    for (columns, problem) in [
        (Value::Null, "state dataset.columns"),
        (json!([{"path": "kind"}]), "\"kind\" the encoding"),
        (
            json!([{"path": "kind", "encoding": "ordinal"}]),
            "\"kind\" the vocabulary",
        ),
        (
            json!([{"path": "kind", "encoding": "oneHot"}]),
            "\"kind\" the vocabulary",
        ),
        (
            json!([{"path": "kind", "encoding": "multiHot"}]),
            "nor `buckets`",
        ),
        (
            json!([{"path": "kind", "encoding": "number", "scale": "standard"}]),
            "\"kind\" `scale`",
        ),
    ] {
        let error = scoring(&prefix, "dataset.columns", columns).unwrap_err();
        assert_eq!(error.path, "batch.input.prefix");
        assert!(error.message.contains(problem), "{error}");
    }
}

#[test]
fn an_alarm_of_no_latency_or_above_what_an_answer_may_take_is_refused() {
    for (milliseconds, is_valid) in [(0, false), (1, true), (60_000, true), (60_001, false)] {
        let path = "endpoint.maxLatencyMilliseconds";
        let checked = definition(path, json!(milliseconds)).validate();
        assert_eq!(checked.is_ok(), is_valid, "{milliseconds}");
        if let Err(faults) = checked {
            assert_eq!(faults.first().path, path);
        }
    }
}

#[test]
fn what_aws_refuses_of_a_serverless_endpoint_is_refused_before() {
    for (path, value) in [
        ("endpoint.guardrails", json!({})),
        ("endpoint.dataCapture", json!({"percent": 10})),
        ("endpoint.startupSeconds", json!(600)),
        ("training.networkIsolation", json!(true)),
        (
            "training.vpc",
            json!({"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}),
        ),
    ] {
        let error = definition(path, value).validate().unwrap_err().first();
        assert_eq!(error.path, path);
        assert!(error.message.contains("serverless"), "{error}");
    }
}

#[test]
fn instances_have_guardrails_and_capture_within_their_bounds() {
    let endpoint = |more: Value| {
        let mut endpoint = json!({"compute": {"instances": {
            "instanceType": "ml.m5.large", "count": 2,
        }}});
        for (field, value) in more.as_object().unwrap() {
            endpoint[field] = value.clone();
        }
        definition("endpoint", endpoint).validate()
    };
    let whole = json!({"guardrails": {"shift": {"linear": {"percent": 25}}},
        "dataCapture": {"percent": 10}, "startupSeconds": 600});
    endpoint(whole).unwrap();
    for (more, path) in [
        (
            json!({"guardrails": {"shift": {"canary": {"percent": 51}}}}),
            "endpoint.guardrails.shift.canary.percent",
        ),
        (
            json!({"guardrails": {"shift": {"linear": {"percent": 9}}}}),
            "endpoint.guardrails.shift.linear.percent",
        ),
        (
            json!({"dataCapture": {"percent": 0}}),
            "endpoint.dataCapture.percent",
        ),
    ] {
        let error = endpoint(more).unwrap_err().first();
        assert_eq!(error.path, path, "{error}");
    }
}

#[test]
fn instances_do_not_become_serverless() {
    use crate::{Compute, ComputeKind};
    let serverless = Compute::default();
    let error = serverless.check_update_from(ComputeKind::Instances, "films");
    let error = error.unwrap_err();
    assert!(error.message.contains("films"), "{error}");
    serverless
        .check_update_from(ComputeKind::Serverless, "films")
        .unwrap();
}

#[test]
fn a_built_in_algorithm_takes_the_place_of_an_image_and_knows_its_hyperparameters() {
    let training = |json: Value| definition("training", json).validate();
    let xgboost = json!({"name": "xgboost"});
    training(json!({"algorithm": xgboost, "hyperparameters": {"num_round": 50}})).unwrap();
    let machines = json!({
        "algorithm": {"name": "factorization-machines"},
        "hyperparameters": {"num_factors": 64, "predictor_type": "regressor"},
    });
    for (json, path) in [
        (json!({"algorithm": xgboost}), "training.hyperparameters"),
        (
            json!({"algorithm": xgboost, "hyperparameters": {"num_round": 5, "eta": 2}}),
            "training.hyperparameters",
        ),
        (
            json!({"algorithm": {"name": "xgboost", "version": "latest"}}),
            "training.algorithm.version",
        ),
        (
            json!({"algorithm": {"name": "factorization-machines"}}),
            "training.hyperparameters",
        ),
        (machines.clone(), "dataset.format"),
    ] {
        let error = training(json).unwrap_err().first();
        assert_eq!(error.path, path, "{error}");
    }
    let mut recommender = definition("training", machines);
    recommender.dataset.as_mut().unwrap().format = Format::RecordIoSparse;
    recommender.promotion.as_mut().unwrap().metric = "test:rmse".to_owned();
    recommender.validate().unwrap();
}

#[test]
fn what_tells_the_best_job_is_a_metric_with_a_direction() {
    let tuned = |more: Value| {
        let mut tuning = json!({
            "maxJobs": 4, "ranges": {"rate": {"continuous": {"minimum": 0, "maximum": 1}}},
        });
        for (name, value) in more.as_object().unwrap() {
            tuning[name] = value.clone();
        }
        definition("training.tuning", tuning).validate()
    };
    tuned(json!({})).unwrap();
    tuned(json!({"metric": "validation:rmse", "goal": "minimize"})).unwrap();
    for (more, path) in [
        (json!({"goal": "maximize"}), "training.tuning.goal"),
        (json!({"metric": "validation:auc"}), "training.tuning.goal"),
        (
            json!({"metric": "validation:auc", "goal": "maximize"}),
            "training.tuning.metric",
        ),
    ] {
        assert_eq!(tuned(more).unwrap_err().first().path, path);
    }
    let xgboost = json!({
        "algorithm": {"name": "xgboost"},
        "tuning": {"maxJobs": 2, "metric": "train:rmse", "goal": "minimize", "ranges": {
            "num_round": {"integer": {"minimum": 1, "maximum": 9}},
        }},
    });
    let error = definition("training", xgboost)
        .validate()
        .unwrap_err()
        .first();
    assert_eq!(error.path, "training.tuning.metric", "{error}");
}

#[test]
fn a_person_has_less_than_the_two_days_of_a_run_to_decide() {
    let approval = |json: Value| definition("promotion.approval", json).validate();
    approval(json!({})).unwrap();
    approval(json!({"withinHours": 36})).unwrap();
    for hours in [0, 37] {
        let error = approval(json!({ "withinHours": hours }))
            .unwrap_err()
            .first();
        assert_eq!(error.path, "promotion.approval.withinHours");
    }
}

#[test]
fn models_are_compared_by_what_predictions_and_labels_tell() {
    let judged = |metric: &str, more: Value| {
        let mut whole = definition("", Value::Null);
        whole.promotion.as_mut().unwrap().metric = metric.to_owned();
        whole.training.as_mut().unwrap().metrics.clear();
        let mut json = serde_json::to_value(&whole).unwrap();
        json["promotion"]["reevaluate"] = json!({});
        contract::read::from_value::<Definition>(merged(json, &more))
            .unwrap()
            .validate()
    };
    for metric in crate::RowMetric::ALL {
        let name = format!("validation:{}", metric.as_str());
        judged(&name, json!({})).unwrap();
    }
    for metric in ["validation:ndcg", "train:rmse", "rmse"] {
        let error = judged(metric, json!({})).unwrap_err().first();
        assert_eq!(error.path, "promotion.metric");
        assert!(error.message.contains("validation:auc"), "{error}");
    }
    let rmse = "validation:rmse";
    let xgboost = |objective: &str| {
        json!({"training": {"image": null, "algorithm": {"name": "xgboost"},
            "hyperparameters": {"num_round": 5, "num_class": 3, "objective": objective}}})
    };
    judged("validation:merror", xgboost("multi:softmax")).unwrap();
    judged("validation:mlogloss", xgboost("multi:softprob")).unwrap();
    for (metric, more, path) in [
        (
            rmse,
            json!({"promotion": {"reevaluate": {"rows": 0}}}),
            "promotion.reevaluate.rows",
        ),
        (
            rmse,
            json!({"promotion": {"reevaluate": {"rows": 100_001}}}),
            "promotion.reevaluate.rows",
        ),
        (
            rmse,
            json!({"promotion": {"reevaluate": {"instanceType": "m5.large"}}}),
            "promotion.reevaluate.instanceType",
        ),
        (
            rmse,
            json!({"dataset": {"format": "recordIo"}}),
            "promotion.reevaluate",
        ),
        (
            rmse,
            json!({"dataset": {"deduplicate": {"by": ["user_id"]}}}),
            "promotion.reevaluate",
        ),
        (
            rmse,
            json!({"dataset": {"split": {"validation": 0.0}}}),
            "promotion.reevaluate",
        ),
        (
            rmse,
            json!({"training": {"image": null, "algorithm": {"name": "knn"},
                "hyperparameters": {"k": 5, "sample_size": 10, "predictor_type": "regressor"}}}),
            "promotion.reevaluate",
        ),
        (
            "validation:mlogloss",
            xgboost("multi:softmax"),
            "promotion.reevaluate",
        ),
        (
            "validation:logloss",
            xgboost("binary:logitraw"),
            "promotion.reevaluate",
        ),
    ] {
        let error = judged(metric, more).unwrap_err().first();
        assert_eq!(error.path, path, "{error}");
    }
}

fn merged(mut json: Value, more: &Value) -> Value {
    if let (Some(fields), Some(more)) = (json.as_object_mut(), more.as_object()) {
        for (name, value) in more {
            let there = fields.remove(name).unwrap_or_default();
            if !value.is_null() {
                fields.insert(name.clone(), merged(there, value));
            }
        }
        return json;
    }
    more.clone()
}

#[test]
fn each_mistake_names_its_field() {
    for (path, value) in [
        ("pipeline", json!("No_Good")),
        ("source.dynamodb.table", json!("a b")),
        ("source.dynamodb.index", json!("by user")),
        ("source.dynamodb.segments", json!(0)),
        ("source.dynamodb.segmentsPerTask", json!(65)),
        ("source.dynamodb.read.rcu", json!(0)),
        ("source.dynamodb.read.percent", json!(101)),
        ("source.dynamodb.read", json!({"rcu": 5, "percent": 5})),
        ("source.dynamodb.read", json!({"rcu": 5, "unlimited": true})),
        ("limits.maxCost", json!(-1)),
        ("limits.prices.lambdaGbSecond", json!(-0.1)),
        ("dataset.shardBytes", json!(0)),
        ("dataset.columns", json!([])),
        ("dataset.gate.maximumMissing", json!(1.1)),
        ("dataset.gate.minimumClassShare", json!(0.6)),
        ("dataset.gate.maximumRejected", json!(-0.1)),
        ("dataset.gate.maximumMissingLabel", json!(-0.1)),
        ("dataset.gate.drift.maximumPsi", json!(-1)),
        ("dataset.gate.drift.maximumRowDrop", json!(1.5)),
        (
            "dataset.gate.columns",
            json!({"age": {"minimum": 2, "maximum": 1}}),
        ),
        ("dataset.gate.columns", json!({"age": {"maximumPsi": -1}})),
        ("training.image", json!("")),
        ("training.image", Value::Null),
        ("training.algorithm", json!({"name": "xgboost"})),
        ("training.volumeGb", json!(0)),
        ("training.maxRuntimeSeconds", json!(0)),
        ("training.spot.maxWaitSeconds", json!(3599)),
        (
            "training.vpc",
            json!({"subnets": [], "securityGroupIds": ["sg-1"]}),
        ),
        ("training.distribution", json!("shardedByS3Key")),
        ("training.tags", json!({"aws:x": "y"})),
        ("promotion.metric", json!("validation:auc")),
        ("promotion.modelPackageGroup", json!("under_score")),
        ("endpoint.name", json!("under_score")),
        ("endpoint.keep", json!(1)),
        ("endpoint.compute.serverless.memoryMb", json!(1500)),
    ] {
        let error = definition(path, value).validate().unwrap_err().first();
        assert_eq!(error.path, path, "{error}");
    }
}
