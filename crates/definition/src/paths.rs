//! Every attribute path of a definition, in one list. Each is checked against the export's
//! selection and against the table, so that a mistyped path is found before training.
//!
//! The structs are destructured without `..`, so a new field does not compile until this module
//! says whether it holds paths. A test walks the schema for the rest.

use crate::{
    Column, Condition, Dataset, Deduplicate, Definition, Format, Gate, Split, TimeSplit, TokenLists,
};

/// A path in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath<'d> {
    /// The field that contains it, such as `dataset.exclude[0]`.
    pub field: String,
    /// The path as it is written there.
    pub text: &'d str,
    /// What the path is used for.
    pub usage: PathUsage,
}

/// What a path is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathUsage {
    /// The attribute to predict.
    Label,
    /// The rows' weight.
    Weight,
    /// A feature column.
    Column,
    /// An attribute that inference leaves out.
    Exclude,
    /// An attribute of a condition.
    Condition,
    /// An attribute that duplicates share.
    DeduplicateBy,
    /// The attribute whose greatest value wins among duplicates.
    DeduplicateLatest,
    /// An attribute of the split.
    SplitBy,
    /// The attribute with the row's timestamp.
    SplitTime,
    /// An attribute with limits of its own.
    GateColumn,
    /// A column of a list of tokens.
    Token,
    /// An attribute that is exported.
    Projection,
    /// A path that may occur in no item.
    MayBeAbsent,
    /// A path that few items have.
    Rare,
}

impl PathUsage {
    /// Whether the attribute may be absent if the definition lists it as optional: a condition on
    /// it, for instance, holds or does not. Without any of the others the rows would be wrong.
    pub const fn may_be_absent(self) -> bool {
        matches!(
            self,
            Self::Exclude | Self::Condition | Self::GateColumn | Self::Projection
        )
    }
}

impl Definition {
    /// Every attribute path of the definition, in the order of its fields.
    pub fn paths(&self) -> Vec<NamedPath<'_>> {
        let Self {
            source,
            gate,
            dataset,
            pipeline: _,
            training: _,
            promotion: _,
            endpoint: _,
            batch: _,
            limits: _,
        } = self;
        let mut paths = dataset.as_ref().map_or_else(Vec::new, Dataset::paths);
        paths.extend(source.paths());
        let gated = gate.iter().flat_map(|gate| gate.attributes.keys());
        paths.extend(gated.map(|path| one("gate.attributes", path, PathUsage::GateColumn)));
        paths
    }
}

impl Dataset {
    /// Every attribute path of the dataset, in the order of its fields.
    pub fn paths(&self) -> Vec<NamedPath<'_>> {
        let Self {
            label,
            weight,
            columns,
            exclude,
            conditions,
            deduplicate,
            split,
            gate,
            format,
            may_be_absent,
            rare,
            label_encoding: _,
            label_precision: _,
            shard_bytes: _,
        } = self;
        let mut paths = vec![one("dataset.label", label, PathUsage::Label)];
        paths.extend(
            weight
                .iter()
                .map(|path| one("dataset.weight", path, PathUsage::Weight)),
        );
        for (at, Column { path, .. }) in columns.iter().flatten().enumerate() {
            let field = format!("dataset.columns[{at}].path");
            paths.push(one(&field, path, PathUsage::Column));
        }
        paths.extend(each("dataset.exclude", exclude, PathUsage::Exclude));
        for (at, condition) in conditions.iter().enumerate() {
            let Condition {
                path,
                op: _,
                value: _,
            } = condition;
            let field = format!("dataset.where[{at}].path");
            paths.push(one(&field, path, PathUsage::Condition));
        }
        if let Some(Deduplicate { by, latest }) = deduplicate {
            paths.extend(each("dataset.deduplicate.by", by, PathUsage::DeduplicateBy));
            let latest = latest.iter();
            paths.extend(latest.map(|path| {
                one(
                    "dataset.deduplicate.latest",
                    path,
                    PathUsage::DeduplicateLatest,
                )
            }));
        }
        let Split {
            by,
            time,
            validation: _,
            test: _,
            seed: _,
        } = split;
        paths.extend(each("dataset.split.by", by, PathUsage::SplitBy));
        if let Some(time) = time {
            let TimeSplit {
                path,
                unit: _,
                validation_from: _,
                test_from: _,
            } = time;
            paths.push(one("dataset.split.time.path", path, PathUsage::SplitTime));
        }
        let Gate {
            columns,
            minimum_rows: _,
            maximum_missing_label: _,
            maximum_missing: _,
            allow_constant_label: _,
            minimum_class_share: _,
            maximum_rejected: _,
            drift: _,
        } = gate;
        paths.extend(
            columns
                .keys()
                .map(|path| one("dataset.gate.columns", path, PathUsage::GateColumn)),
        );
        match format {
            Format::JsonLines(TokenLists { in0, in1 }) => {
                paths.extend(each("dataset.format.jsonLines.in0", in0, PathUsage::Token));
                paths.extend(each("dataset.format.jsonLines.in1", in1, PathUsage::Token));
            }
            Format::Csv
            | Format::CsvWithHeader
            | Format::RecordIo
            | Format::RecordIoSparse
            | Format::Parquet => {}
        }
        paths.extend(each(
            "dataset.mayBeAbsent",
            may_be_absent,
            PathUsage::MayBeAbsent,
        ));
        paths.extend(each("dataset.rare", rare, PathUsage::Rare));
        paths
    }
}

fn one<'d>(field: &str, text: &'d str, usage: PathUsage) -> NamedPath<'d> {
    NamedPath {
        field: field.to_owned(),
        text,
        usage,
    }
}

pub fn each<'d>(
    field: &str,
    paths: &'d [String],
    usage: PathUsage,
) -> impl Iterator<Item = NamedPath<'d>> {
    let paths = paths.iter().enumerate();
    paths.map(move |(at, path)| one(&format!("{field}[{at}]"), path, usage))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    /// Fields of free text, and keys of maps, that are not attribute paths.
    const NO_PATHS: &[&str] = &[
        "$schema",
        "source.toy.name",
        "batch.input.prefix",
        "batch.instanceType",
        "dataset.columns[].vocabulary[]",
        "dataset.split.time.testFrom",
        "dataset.split.time.validationFrom",
        "dataset.where[].value",
        "dataset.where[].value[]",
        "endpoint.compute.instances.instanceType",
        "endpoint.environment{}",
        "endpoint.guardrails.alarms[]",
        "endpoint.name",
        "pipeline",
        "promotion.metric",
        "promotion.modelPackageGroup",
        "promotion.reevaluate.instanceType",
        "source.dynamodb.filter.expression",
        "source.dynamodb.filter.names{}",
        "source.dynamodb.filter.values{}",
        "source.dynamodb.index",
        "source.dynamodb.table",
        "training.algorithm.version",
        "training.environment{}",
        "training.hyperparameters{}",
        "training.image",
        "training.instanceType",
        "training.kms.outputKey",
        "training.kms.volumeKey",
        "training.metrics[].name",
        "training.metrics[].regex",
        "training.roleArn",
        "training.tags{}",
        "training.tuning.metric",
        "training.tuning.ranges{}",
        "training.tuning.ranges{}.categorical[]",
        "training.vpc.securityGroupIds[]",
        "training.vpc.subnets[]",
    ];

    /// A definition with every field that holds a path.
    fn with_paths() -> Value {
        json!({
            "source": {"dynamodb": {"table": "t", "projection": ["a"]}},
            "gate": {"attributes": {"n": {}}},
            "dataset": {
                "label": "y", "weight": "w", "columns": [{"path": "c"}], "exclude": ["e"],
                "where": [{"path": "f", "op": "exists"}],
                "deduplicate": {"by": ["g"], "latest": "h"},
                "split": {"by": ["i"], "time": {"path": "j"}},
                "gate": {"columns": {"k": {}}},
                "format": {"jsonLines": {"in0": ["l"], "in1": ["m"]}},
                "mayBeAbsent": ["f"],
                "rare": ["c"],
            },
            "training": {"image": "i"},
            "promotion": {"metric": "m", "goal": "minimize"},
        })
    }

    /// The places of all texts below a schema: `a.b` is a field, `a[]` an array's element, `a{}` a
    /// map's key.
    fn texts(all: &Value, schema: &Value, place: &str, found: &mut BTreeSet<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            texts(all, &all["$defs"][name], place, found);
        }
        for several in ["anyOf", "oneOf", "allOf"] {
            for one in schema[several].as_array().into_iter().flatten() {
                texts(all, one, place, found);
            }
        }
        let is = |kind: &str| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|known| known == kind),
            known => known == kind,
        };
        if is("string") && schema["enum"].is_null() && schema["const"].is_null() {
            found.insert(place.to_owned());
        }
        texts_of_array(all, schema, place, found);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let dot = if place.is_empty() { "" } else { "." };
            texts(all, field, &format!("{place}{dot}{name}"), found);
        }
        if schema["additionalProperties"].is_object() || schema["additionalProperties"] == true {
            let key = format!("{place}{{}}");
            texts(all, &schema["additionalProperties"], &key, found);
            found.insert(key);
        }
    }

    fn texts_of_array(all: &Value, schema: &Value, place: &str, found: &mut BTreeSet<String>) {
        if schema["items"].is_object() {
            texts(all, &schema["items"], &format!("{place}[]"), found);
        }
    }

    /// Puts a text at such a place.
    fn put(json: &mut Value, place: &str, text: &str) {
        let (name, rest) = place.split_at(place.find(['.', '[', '{']).unwrap_or(place.len()));
        let json = if name.is_empty() {
            json
        } else {
            &mut json[name]
        };
        match rest {
            "" => *json = json!(text),
            "{}" => {
                let value = json.as_object().and_then(|map| map.values().next());
                *json = json!({ text: value.cloned().unwrap_or_default() });
            }
            _ if rest.starts_with("{}") => {
                put(&mut json["key"], rest[2..].trim_start_matches('.'), text);
            }
            _ if rest.starts_with("[]") => {
                if !json.is_array() {
                    *json = json!([{}]);
                }
                put(&mut json[0], rest[2..].trim_start_matches('.'), text);
            }
            _ => put(json, &rest[1..], text),
        }
    }

    #[test]
    fn every_field_of_text_is_a_path_of_the_list_or_known_to_be_none() {
        let schema = serde_json::to_value(crate::schema()).unwrap();
        let mut found = BTreeSet::new();
        texts(&schema, &schema, "", &mut found);
        let unknown: Vec<_> = NO_PATHS
            .iter()
            .filter(|place| !found.contains(**place))
            .collect();
        assert!(unknown.is_empty(), "no such fields: {unknown:?}");
        let mut forgotten = Vec::new();
        for place in found
            .iter()
            .filter(|place| !NO_PATHS.contains(&place.as_str()))
        {
            let mut json = with_paths();
            put(&mut json, place, "wanted");
            let field = place.replace("[]", "[0]").replace("{}", "");
            let is_listed =
                contract::read::from_value::<Definition>(json).is_ok_and(|definition| {
                    let mut paths = definition.paths().into_iter();
                    paths.any(|named| named.text == "wanted" && named.field == field)
                });
            if !is_listed {
                forgotten.push(place);
            }
        }
        assert!(
            forgotten.is_empty(),
            "list them in Definition::paths (and in `with_paths`), or in NO_PATHS: {forgotten:#?}"
        );
    }
}
