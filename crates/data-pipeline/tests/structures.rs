//! The structures that pipelines of AWS Data Pipeline have, and what each becomes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{converted, definition, line, options, outcome, output, output_json, text};
use data_pipeline::report::Outcome::{
    Approximated, Derived, Dropped, NoCounterpart, Taken, Unknown,
};
use data_pipeline::{Conversion, Options};
use serde_json::json;

fn of(name: &str) -> Conversion {
    converted(text(name), &options()).unwrap()
}

fn files(conversion: &Conversion) -> Vec<&str> {
    conversion
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

#[test]
fn the_console_template_is_taken_whole() {
    let made = of("console-export");
    assert_eq!(
        files(&made),
        [
            "config/houses-v2.json",
            "schedule-houses-v2.json",
            "stack.json",
            "conversion.json",
            "conversion.md"
        ]
    );
    assert_eq!(
        definition(&made, "houses-v2"),
        json!({
            "pipeline": "houses-v2",
            "source": {"dynamodb": {"table": "Houses_V2", "read": {"percent": 25}}},
            "limits": {"maxMinutes": 120},
        })
    );
    assert_eq!(
        output_json(&made, "schedule-houses-v2.json"),
        json!([
            "MillraceStack=millrace",
            "Pipeline=houses-v2",
            "Schedule=cron(45 21 * * ? *)",
            "ScheduleTimezone=UTC",
            "ScheduleWindowMinutes=0",
            "MaxDaysWithoutRun=2",
            "ScheduleState=DISABLED",
        ])
    );
    assert_eq!(
        output_json(&made, "stack.json"),
        json!(["TableName=Houses_V2"])
    );
    for (object, field, is) in [
        ("Source", "tableName", Taken),
        ("Source", "readThroughputPercent", Taken),
        ("Source", "region", Derived),
        ("Backup", "directoryPath", Approximated),
        ("Cluster", "masterInstanceType", Dropped),
        ("Cluster", "terminateAfter", Approximated),
        ("TableBackup", "step", Derived),
        ("TableBackup", "type", Derived),
        ("TableBackup", "maximumRetries", Approximated),
        ("Default", "failureAndRerunMode", Taken),
        ("Default", "pipelineLogUri", Approximated),
        ("Default", "role", Dropped),
        ("Nightly", "period", Derived),
        ("Nightly", "startDateTime", Derived),
        ("Nightly", "name", Dropped),
        ("myDDBReadThroughputRatio", "default", Derived),
        ("myDDBRegion", "default", Dropped),
        ("myDDBTableName", "description", Dropped),
        ("", "myDDBTableName", Derived),
        ("", "myOutputS3Loc", Approximated),
    ] {
        assert_eq!(outcome(&made, object, field), is, "{object}.{field}");
    }
    assert_eq!(
        line(&made, "Source", "tableName").to,
        ["config/houses-v2.json#source.dynamodb.table"]
    );
    assert!(made.report.is_complete(false));
    assert!(!made.report.is_complete(true));
    assert_eq!(
        made.report.next,
        [
            "sam deploy --region eu-central-1 --parameter-overrides TableName=Houses_V2",
            "millrace validate config/houses-v2.json",
            "millrace push config/houses-v2.json",
            "millrace start --pipeline houses-v2 --watch",
            "aws cloudformation deploy --template-file infra/schedule.yaml --stack-name \
             millrace-houses-v2 --parameter-overrides file://schedule-houses-v2.json",
        ]
    );
}

#[test]
fn an_export_on_demand_has_no_schedule() {
    let made = of("on-demand");
    assert_eq!(
        definition(&made, "houses")["source"],
        json!({"dynamodb": {"table": "houses", "read": {"percent": 50}}})
    );
    assert_eq!(
        output_json(&made, "stack.json"),
        json!([
            "TableName=houses",
            "SubnetIds=subnet-0a1b2c3d",
            "SecurityGroupIds=sg-11111111,sg-22222222"
        ])
    );
    assert_eq!(
        made.report.pipelines[0].exports[0].runs,
        "by hand: it is on demand"
    );
    assert_eq!(outcome(&made, "Cluster", "subnetId"), Taken);
    assert!(made.report.is_complete(false));
}

#[test]
fn two_tables_on_one_cluster_are_two_pipelines() {
    let made = of("two-tables");
    for (name, table, percent) in [
        ("shop-keys", "shop-keys", 10),
        ("shop-users", "shop-users", 100),
    ] {
        assert_eq!(
            definition(&made, name)["source"],
            json!({"dynamodb": {"table": table, "read": {"percent": percent}}})
        );
        assert_eq!(
            output_json(&made, &format!("schedule-{name}.json"))[2],
            "Schedule=cron(30 1/6 * * ? *)"
        );
    }
    assert_eq!(
        output_json(&made, "stack.json"),
        json!(["TableName=shop-*"])
    );
    // A shared field leads to both.
    assert_eq!(line(&made, "Export", "step").to.len(), 4);
    assert_eq!(outcome(&made, "ExportUsers", "dependsOn"), NoCounterpart);
    assert_eq!(outcome(&made, "Alarm", "topicArn"), Approximated);
    assert_eq!(outcome(&made, "Alarm", "role"), Dropped);
    assert_eq!(outcome(&made, "Default", "maxActiveInstances"), Taken);
    assert!(!made.report.is_complete(false));
}

#[test]
fn a_hive_copy_to_csv_is_an_export_of_its_columns() {
    let made = of("hive-csv");
    assert_eq!(
        definition(&made, "houses"),
        json!({
            "pipeline": "houses",
            "source": {"dynamodb": {
                "table": "houses",
                "read": {"percent": 50},
                "projection": ["area", "town", "price"],
            }},
        })
    );
    assert_eq!(outcome(&made, "ToCsv", "hiveScript"), Approximated);
    assert_eq!(outcome(&made, "CsvFormat", "column"), Approximated);
    assert_eq!(
        outcome(&made, "Default", "failureAndRerunMode"),
        Approximated
    );
    assert_eq!(outcome(&made, "Weekly", "startAt"), Approximated);
    let schedule = output(&made, "schedule-houses.json");
    assert!(schedule.contains("cron(0 10 ? * SAT *)"), "{schedule}");
    assert!(schedule.contains("MaxDaysWithoutRun=7"), "{schedule}");

    let label = Options {
        label: Some("price".to_owned()),
        ..options()
    };
    let made = converted(text("hive-csv"), &label).unwrap();
    assert_eq!(
        definition(&made, "houses")["dataset"],
        json!({
            "label": "price",
            "format": "csvWithHeader",
            "columns": [{"path": "area"}, {"path": "town"}],
        })
    );
}

#[test]
fn a_script_of_another_table_is_no_export_of_its_input() {
    let other = text("hive-csv").replace("\\\"houses\\\"", "\\\"barns\\\"");
    let made = converted(other, &options()).unwrap();
    assert_eq!(files(&made), ["conversion.json", "conversion.md"]);
    let why = &line(&made, "ToCsv", "hiveScript").why;
    assert!(why.contains("reads the table barns"), "{why}");
}

#[test]
fn a_filter_is_taken_if_dynamodb_has_its_like() {
    let made = of("hive-copy");
    assert_eq!(
        definition(&made, "events")["source"]["dynamodb"]["filter"],
        json!({
            "expression": "#n1 > :v1 AND #n2 = :v2",
            "names": {"#n1": "timeStamp", "#n2": "country"},
            "values": {":v1": {"N": "1370304000"}, ":v2": {"S": "DE"}},
        })
    );
    assert_eq!(outcome(&made, "Recent", "filterSql"), Taken);
    // The other one depends on the run's time.
    assert_eq!(
        definition(&made, "events-2")["source"]["dynamodb"]["filter"],
        json!(null)
    );
    assert_eq!(
        outcome(&made, "SinceTheLastRun", "filterSql"),
        NoCounterpart
    );
    assert_eq!(outcome(&made, "Recent", "name"), Dropped);
}

#[test]
fn what_is_no_export_has_a_line_with_the_service_that_does_it() {
    for (name, activity, service) in [
        ("import", "Load", "source.files of the format dataPipeline"),
        ("dynamodb-to-redshift", "Load", "Redshift Data API"),
        ("mysql-to-s3", "Copy", "AWS Glue"),
        ("s3-to-redshift", "Load", "COPY"),
        ("hello-world", "Hello", "AWS Batch"),
    ] {
        let made = of(name);
        assert_eq!(files(&made), ["conversion.json", "conversion.md"], "{name}");
        let line = line(&made, activity, "type");
        assert_eq!(line.outcome, NoCounterpart, "{name}");
        assert!(line.why.contains(service), "{name}: {}", line.why);
        assert!(!made.report.is_complete(false), "{name}");
        assert!(made.report.next.is_empty(), "{name}");
        let page = output(&made, "conversion.md");
        assert!(
            page.contains("No activity of this pipeline exports a table"),
            "{page}"
        );
    }
    let made = of("mysql-to-s3");
    let why = &line(&made, "Copy", "type").why;
    for part in [
        "mysql",
        "shop.abc.eu-central-1.rds.amazonaws.com",
        "select * from orders",
    ] {
        assert!(why.contains(part), "{why}");
    }
    // The command is text, and stays it.
    let made = of("hello-world");
    let value = &line(&made, "Hello", "command").value;
    assert!(value.contains("rm -rf /"), "{value}");
    assert_eq!(outcome(&made, "Instance", "myComment"), Dropped);
    assert_eq!(
        outcome(&of("s3-to-redshift"), "Late", "type"),
        NoCounterpart
    );
    assert_eq!(
        outcome(&of("s3-to-redshift"), "Key", "s3Key"),
        NoCounterpart
    );
}

#[test]
fn copies_of_postgresql_become_sql_sources() {
    let made = of("postgres-to-s3");
    assert_eq!(
        definition(&made, "orders")["source"],
        json!({"sql": {
            "engine": "postgres",
            "secret": "millrace/orders/shop",
            "host": "shop.abc.eu-central-1.rds.amazonaws.com",
            "port": 5432,
            "database": "shop",
            "table": "orders",
            "columns": ["id", "total"],
            "where": "total > 5",
        }})
    );
    // Its window depends on the run's time: the whole table is read.
    let items = definition(&made, "sales-items");
    assert_eq!(items["source"]["sql"]["table"], "sales.items");
    // One login, one secret.
    assert_eq!(items["source"]["sql"]["secret"], "millrace/orders/shop");
    assert_eq!(items["source"]["sql"]["where"], json!(null));
    assert_eq!(outcome(&made, "Items", "selectQuery"), NoCounterpart);
    assert_eq!(outcome(&made, "Orders", "selectQuery"), Derived);
    assert_eq!(outcome(&made, "Shop", "*password"), Derived);
    assert_eq!(
        made.report.next[0],
        "aws secretsmanager create-secret --name millrace/orders/shop --secret-string \
         file:///dev/stdin"
    );
}

#[test]
fn fields_that_nobody_documents_are_unknown() {
    let mut value: serde_json::Value = serde_json::from_str(text("console-export")).unwrap();
    value["objects"][2]["throughput"] = json!("1");
    value["objects"][2]["myOwn"] = json!("#{myDDBTableName}");
    value["objects"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "X", "type": "Robot", "arm": "1"}));
    value["parameters"][0]["colour"] = json!("red");
    let made = converted(value.to_string(), &options()).unwrap();
    assert_eq!(outcome(&made, "Source", "throughput"), Unknown);
    assert_eq!(outcome(&made, "Source", "myOwn"), Dropped);
    assert_eq!(outcome(&made, "X", "type"), Unknown);
    assert_eq!(outcome(&made, "X", "arm"), Unknown);
    assert_eq!(outcome(&made, "myOutputS3Loc", "colour"), Unknown);
    assert!(!made.report.is_complete(false));
}

#[test]
fn the_text_shows_what_is_not_simply_taken_over() {
    let shown = of("two-tables").report.text();
    for part in [
        "pipeline.json: 11 objects, 36 fields, 2 exports\n",
        "  shop-keys  shop-keys  config/shop-keys.json, every 6 hours, also at ",
        "  ✗ EmrActivity ExportUsers.dependsOn  → ExportKeys",
        "  ≈ S3DataNode KeysBackup.directoryPath  s3://example-exports/keys",
        "Next:\n  sam deploy --parameter-overrides 'TableName=shop-*'\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("Keys.tableName"), "{shown}");
}

#[test]
fn a_schedule_begins_and_ends_as_it_did() {
    let parameters = |fields: &str, style: &str| {
        let text = text("console-export");
        let old = "\"startDateTime\"";
        assert!(text.contains(old), "{text}");
        let mut file: serde_json::Value = serde_json::from_str(text).unwrap();
        for object in file["objects"].as_array_mut().unwrap() {
            if object["id"] == "Nightly" {
                let fields: serde_json::Value = serde_json::from_str(fields).unwrap();
                object
                    .as_object_mut()
                    .unwrap()
                    .extend(fields.as_object().unwrap().clone());
            }
            if object["id"] == "Default" {
                object["scheduleType"] = style.into();
            }
        }
        converted(file.to_string(), &options()).unwrap()
    };
    for (fields, style, times) in [
        (
            r#"{"startDateTime": "2026-12-24T21:45:00", "occurrences": "8"}"#,
            "cron",
            &[
                "ScheduleStart=2026-12-24T21:45:00Z",
                "ScheduleEnd=2026-12-31T21:46:00Z",
            ][..],
        ),
        (
            r#"{"startDateTime": "2013-08-26T21:45:00", "endDateTime": "2027-01-01T00:00:00"}"#,
            "timeseries",
            &["ScheduleEnd=2027-01-02T00:01:00Z"],
        ),
        // The first interval is to come, and its run a day later.
        (
            r#"{"startDateTime": "2026-12-24T21:45:00"}"#,
            "timeseries",
            &["ScheduleStart=2026-12-25T21:45:00Z"],
        ),
        (r#"{"startDateTime": "2013-08-26T21:45:00"}"#, "cron", &[]),
    ] {
        let made = parameters(fields, style);
        let found = output_json(&made, "schedule-houses-v2.json");
        let found: Vec<_> = found
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it.as_str())
            .collect();
        let bounds = found
            .iter()
            .filter(|it| it.starts_with("ScheduleStart") || it.starts_with("ScheduleEnd"));
        assert_eq!(bounds.copied().collect::<Vec<_>>(), times, "{fields}");
        for field in ["endDateTime", "occurrences"] {
            if fields.contains(field) {
                let line = line(&made, "Nightly", field);
                assert_eq!(line.outcome, Derived, "{fields}");
                assert_eq!(line.to, ["schedule-houses-v2.json#ScheduleEnd"]);
            }
        }
    }
}

#[test]
fn alarms_become_notices_with_their_subjects() {
    let made = |late: &str| {
        let mut file: serde_json::Value = serde_json::from_str(text("console-export")).unwrap();
        let objects = file["objects"].as_array_mut().unwrap();
        for object in objects.iter_mut() {
            if object["id"] == "TableBackup" {
                object["onFail"] = json!({"ref": "Failed"});
                object["onSuccess"] = json!({"ref": "Done"});
                object["onLateAction"] = json!({"ref": "Late"});
                object["lateAfterTimeout"] = late.into();
            }
        }
        for (id, subject) in [
            ("Failed", "Houses: failed"),
            ("Done", "Houses: #{node.@id}"),
            ("Late", "Häuser"),
        ] {
            objects.push(json!({
                "id": id, "type": "SnsAlarm", "topicArn": "arn:aws:sns:eu-central-1:123456789012:t",
                "subject": subject, "message": "…", "role": "r",
            }));
        }
        converted(file.to_string(), &options()).unwrap()
    };
    let two_hours = made("2 hours");
    let definition = definition(&two_hours, "houses-v2");
    assert_eq!(definition["late"], json!({"afterMinutes": 120}));
    assert_eq!(
        definition["notify"],
        json!({
            "on": ["success", "late", "stale", "approval"],
            "subjects": {"failure": "Houses: failed"},
        })
    );
    for (object, field, is) in [
        ("TableBackup", "onFail", Derived),
        ("TableBackup", "onSuccess", Taken),
        ("TableBackup", "onLateAction", Taken),
        ("TableBackup", "lateAfterTimeout", Taken),
        ("Failed", "subject", Taken),
        ("Failed", "topicArn", Approximated),
        ("Done", "subject", Approximated),
        ("Late", "subject", Approximated),
    ] {
        assert_eq!(outcome(&two_hours, object, field), is, "{object}.{field}");
    }
    let soon = made("soon");
    assert_eq!(outcome(&soon, "TableBackup", "lateAfterTimeout"), Unknown);
    assert_eq!(
        outcome(&made("9 days"), "TableBackup", "lateAfterTimeout"),
        Approximated
    );
}
