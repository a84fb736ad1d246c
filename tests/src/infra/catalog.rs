//! Checks what Athena is given: each table lies where the lake's keys are, its partitions are
//! projected, and its format is one that Athena reads; queries have a limit, and their results lie
//! in the lake.

use super::policy::list;
use super::stack::Stack;
use crate::Finding;
use contract::RunId;
use lake::RunKeys;
use serde_json::Value;

const PIPELINE: &str = "interactions";
const RUN: &str = "20261120-173000-1a2b3c4d";
const CHANNELS: &str = "train,validation,test";
const BUCKET: &str = "millrace-lakebucket";

/// Bytes that a query may read at most: at $5 a TiB, half a dollar.
const MOST: u64 = 100 << 30;

/// What a table's rows are read with: input format, `SerDe`, and properties without which its
/// columns would be others. Source: Amazon Athena User Guide, "Choose a `SerDe` for your data".
struct Format {
    input: &'static str,
    serde: &'static str,
    properties: &'static [(&'static str, &'static str)],
}

const TEXT: &str = "org.apache.hadoop.mapred.TextInputFormat";
const LAZY: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";

const LINES: Format = Format {
    input: TEXT,
    serde: LAZY,
    properties: &[],
};
const LISTED_LINES: Format = Format {
    input: "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
    serde: LAZY,
    properties: &[],
};
const CELLS: Format = Format {
    input: TEXT,
    serde: LAZY,
    properties: &[("collection.delim", ","), ("colelction.delim", ",")],
};
const JSON: Format = Format {
    input: TEXT,
    serde: "org.apache.hive.hcatalog.data.JsonSerDe",
    properties: &[],
};
const PARQUET: Format = Format {
    input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    properties: &[("parquet.column.index.access", "true")],
};

/// Types of columns that this stack uses.
const TYPES: [&str; 4] = [
    "string",
    "float",
    "array<float>",
    "map<string,map<string,string>>",
];

/// The tables, each with its format and the prefix of the objects that it reads of a run.
fn tables() -> [(&'static str, Format, String); 5] {
    let run = RunId::parse(RUN).expect("a run's id");
    let keys = RunKeys::new(PIPELINE, &run);
    let folder = |key: String| match key.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/"),
        None => key,
    };
    [
        ("raw_lines", LISTED_LINES, folder(keys.parts_list())),
        ("rejected", JSON, folder(keys.rejected(0))),
        ("dataset_csv", CELLS, keys.channel("train")),
        ("dataset_parquet", PARQUET, keys.channel("train")),
        ("predictions", LINES, format!("{}/", keys.predictions())),
    ]
}

/// Everything that Athena would not read, or read without a limit.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    let database = stack.of_type("AWS::Glue::Database").next();
    let database = database.map_or("", |(_, it)| text(&it["DatabaseInput"]["Name"]));
    if database != "millrace" {
        found.push(Finding::new("LakeDatabase", "has not the stack's name"));
    }
    let expected = tables();
    let mut there = Vec::new();
    for (name, table) in stack.of_type("AWS::Glue::Table") {
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        if table["DatabaseName"] != database {
            say(format!("is in the database {}", table["DatabaseName"]));
        }
        let input = &table["TableInput"];
        let its = text(&input["Name"]);
        there.push(its);
        match expected.iter().find(|(known, ..)| *known == its) {
            Some((_, format, prefix)) => one(input, format, prefix, &mut say),
            None => say(format!("is no known table: {its}")),
        }
    }
    for (known, ..) in &expected {
        if !there.contains(known) {
            found.push(Finding::new(*known, "is no table of the stack"));
        }
    }
    let workgroup = stack.of_type("AWS::Athena::WorkGroup").next();
    let workgroup = workgroup.map_or(&Value::Null, |(_, it)| it);
    limits(stack, workgroup, &mut found);
    for (name, query) in stack.of_type("AWS::Athena::NamedQuery") {
        if query["WorkGroup"] != workgroup["Name"] || query["Database"] != database {
            found.push(Finding::new(
                name,
                "is not of the stack's workgroup and database",
            ));
        }
    }
    found
}

fn one(input: &Value, format: &Format, prefix: &str, say: &mut impl FnMut(String)) {
    if input["TableType"] != "EXTERNAL_TABLE" {
        say("is no external table".to_owned());
    }
    let properties = &input["Parameters"];
    if properties["projection.enabled"] != "true" {
        say("has partitions that nobody registers".to_owned());
    }
    let template = text(&properties["storage.location.template"]);
    let mut place = template.to_owned();
    for key in input["PartitionKeys"].as_array().into_iter().flatten() {
        let key = text(&key["Name"]);
        let kind = text(&properties[format!("projection.{key}.type")]);
        let values = text(&properties[format!("projection.{key}.values")]);
        // Pipelines and runs are not known when the stack is deployed.
        let (value, wanted, all) = match key {
            "pipeline" => (PIPELINE, "injected", ""),
            "run" => (RUN, "injected", ""),
            "channel" => ("train", "enum", CHANNELS),
            other => return say(format!("is partitioned by {other}")),
        };
        if kind != wanted || values != all {
            say(format!("projects {key} as {kind:?} of {values:?}"));
        }
        place = place.replace(&format!("${{{key}}}"), value);
    }
    let wanted = format!("s3://{BUCKET}/{prefix}");
    if place != wanted {
        say(format!("reads {place}, not {wanted}"));
    }
    let storage = &input["StorageDescriptor"];
    let location = text(&storage["Location"]);
    if location.is_empty() || !template.starts_with(location) || !location.ends_with('/') {
        say(format!("lies at {location}, its partitions at {template}"));
    }
    let serde = &storage["SerdeInfo"];
    if storage["InputFormat"] != format.input || serde["SerializationLibrary"] != format.serde {
        say(format!("is read by {} and {serde}", storage["InputFormat"]));
    }
    for (name, value) in format.properties {
        if serde["Parameters"][*name] != *value {
            say(format!("{name} is {}", serde["Parameters"][*name]));
        }
    }
    let columns = storage["Columns"].as_array().into_iter().flatten();
    for column in columns {
        if !TYPES.contains(&text(&column["Type"])) {
            say(format!("has a column of the type {}", column["Type"]));
        }
    }
}

/// A query is bounded, and whatever a client asks for, its results lie encrypted in the lake.
fn limits(stack: &Stack, workgroup: &Value, found: &mut Vec<Finding>) {
    let mut say = |problem: String| found.push(Finding::new("QueryWorkGroup", problem));
    let settings = &workgroup["WorkGroupConfiguration"];
    if settings["EnforceWorkGroupConfiguration"] != true {
        say("leaves its settings to its clients".to_owned());
    }
    let limit = settings["BytesScannedCutoffPerQuery"].as_u64();
    // Athena takes no smaller one.
    if !limit.is_some_and(|bytes| (10_000_000..=MOST).contains(&bytes)) {
        say(format!("lets a query read {limit:?} bytes"));
    }
    let results = &settings["ResultConfiguration"];
    if results["OutputLocation"] != format!("s3://{BUCKET}/queries/") {
        say(format!("writes to {}", results["OutputLocation"]));
    }
    let given = stack.parameter("LakeKeyArn");
    let key = list(&results["EncryptionConfiguration"]["KmsKey"]).concat();
    let own = key.ends_with(":key/lake") && given.is_empty();
    if results["EncryptionConfiguration"]["EncryptionOption"] != "SSE_KMS"
        || !(own || (key == given && !given.is_empty()))
    {
        say("writes results without the lake's key".to_owned());
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
