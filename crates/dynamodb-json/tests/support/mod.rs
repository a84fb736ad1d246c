//! Items for tests: a model of DynamoDB's types, arbitrary values of it, and the two ways from a
//! model to a line (ours and `serde_json`'s).

#![allow(dead_code, reason = "each test file uses its part")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_json::{LineWriter, Map, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

pub type Attributes = BTreeMap<String, Model>;

#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    S(String),
    N(String),
    B(Vec<u8>),
    Bool(bool),
    Null,
    M(Attributes),
    L(Vec<Model>),
    Ss(Vec<String>),
    Ns(Vec<String>),
    Bs(Vec<Vec<u8>>),
}

/// Text that leans to what JSON escapes, and to what is outside the basic plane.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,8}",
        any::<String>(),
        "[\"\\\\/\u{0}-\u{1f}\u{7f}é€😀\u{10ffff}{}\\[\\]:,]{0,12}",
    ]
}

pub fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[1-9][0-9]{0,37}",
        "-?[0-9]{1,10}\\.[0-9]{1,28}",
        "[+-]?(\\.[0-9]{1,3}|[0-9]{1,3}\\.?)([eE][+-]?[0-9]{1,2})?",
    ]
}

pub fn model() -> impl Strategy<Value = Model> {
    let bytes = || vec(any::<u8>(), 0..10);
    let leaf = prop_oneof![
        text().prop_map(Model::S),
        number().prop_map(Model::N),
        bytes().prop_map(Model::B),
        any::<bool>().prop_map(Model::Bool),
        Just(Model::Null),
        vec(text(), 0..4).prop_map(Model::Ss),
        vec(number(), 0..4).prop_map(Model::Ns),
        vec(bytes(), 0..4).prop_map(Model::Bs),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            btree_map(text(), inner.clone(), 0..5).prop_map(Model::M),
            vec(inner, 0..5).prop_map(Model::L),
        ]
    })
}

pub fn attributes() -> impl Strategy<Value = Attributes> {
    btree_map(text(), model(), 0..6)
}

/// The line that `LineWriter` makes of an item.
pub fn line(item: &Attributes) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = LineWriter::new(&mut out);
    line.begin_item();
    for (name, value) in item {
        line.name(name);
        write(value, &mut line);
    }
    line.end_item();
    out
}

fn write(value: &Model, line: &mut LineWriter<'_>) {
    match value {
        Model::S(text) => line.string(text),
        Model::N(number) => line.number(number),
        Model::B(bytes) => line.binary(bytes),
        Model::Bool(value) => line.boolean(*value),
        Model::Null => line.null(),
        Model::M(map) => {
            line.begin_map();
            for (name, value) in map {
                line.name(name);
                write(value, line);
            }
            line.end_map();
        }
        Model::L(list) => {
            line.begin_list();
            for value in list {
                write(value, line);
            }
            line.end_list();
        }
        Model::Ss(set) => line.string_set(set),
        Model::Ns(set) => line.number_set(set),
        Model::Bs(set) => line.binary_set(set),
    }
}

/// The same item as `serde_json` has it.
pub fn json_line(item: &Attributes) -> serde_json::Value {
    json!({ "Item": json_map(item) })
}

fn json_map(map: &Attributes) -> serde_json::Value {
    map.iter()
        .map(|(name, value)| (name.clone(), json(value)))
        .collect()
}

fn json(value: &Model) -> serde_json::Value {
    match value {
        Model::S(text) => json!({ "S": text }),
        Model::N(number) => json!({ "N": number }),
        Model::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        Model::Bool(value) => json!({ "BOOL": value }),
        Model::Null => json!({ "NULL": true }),
        Model::M(map) => json!({ "M": json_map(map) }),
        Model::L(list) => json!({ "L": list.iter().map(json).collect::<Vec<_>>() }),
        Model::Ss(set) => json!({ "SS": set }),
        Model::Ns(set) => json!({ "NS": set }),
        Model::Bs(set) => {
            json!({ "BS": set.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>() })
        }
    }
}

/// What a parsed map says.
pub fn read(map: &Map<'_>) -> Vec<(String, Model)> {
    let owned = |(name, value): (dynamodb_json::Text<'_>, Value<'_>)| {
        (name.decode().into_owned(), model_of(&value))
    };
    map.attributes().map(owned).collect()
}

pub fn model_of(value: &Value<'_>) -> Model {
    let bytes = |text: dynamodb_json::Text<'_>| {
        STANDARD
            .decode(text.decode().as_ref())
            .expect("written as base64")
    };
    match value {
        Value::S(text) => Model::S(text.decode().into_owned()),
        Value::N(number) => Model::N((*number).to_owned()),
        Value::B(text) => Model::B(bytes(*text)),
        Value::Bool(value) => Model::Bool(*value),
        Value::Null => Model::Null,
        Value::M(map) => Model::M(read(map).into_iter().collect()),
        Value::L(list) => Model::L(list.elements().map(|value| model_of(&value)).collect()),
        Value::Ss(set) => Model::Ss(set.iter().map(|text| text.decode().into_owned()).collect()),
        Value::Ns(set) => Model::Ns(set.iter().map(str::to_owned).collect()),
        Value::Bs(set) => Model::Bs(set.iter().map(bytes).collect()),
    }
}
