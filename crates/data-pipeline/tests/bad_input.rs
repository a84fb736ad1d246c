//! Input that cannot be converted: each is named with its place, and nothing is made of it.

mod common;

use common::{converted, input, options, text};
use data_pipeline::{ConvertError, MAX_BYTES, convert};
use serde_json::{Value, json};

fn error(text: impl Into<Vec<u8>>) -> ConvertError {
    converted(text, &options()).expect_err("it is refused")
}

fn says(text: impl Into<Vec<u8>>, expected: &str) {
    let error = error(text).to_string();
    assert!(error.contains(expected), "{expected}\n{error}");
}

fn objects(objects: &Value) -> String {
    json!({ "objects": objects }).to_string()
}

#[test]
fn what_is_no_json_is_shown_with_a_caret() {
    let fault = error("{\n  \"objects\": [\n    {\"id\": \"A\",}\n  ]\n}");
    assert_eq!(fault.to_string(), "pipeline.json:3:16: trailing comma");
    assert_eq!(
        fault.excerpt().unwrap(),
        " 3 |     {\"id\": \"A\",}\n   |                ^"
    );
    says(
        "{\"objects\": [{\"id\": \"a\u{1}b\"}]}",
        "control character",
    );
    says("{\"objects\": []} x", "trailing characters");
    says("", "it is empty");
    says("{\"objects\"", "EOF while parsing");
    says(
        "{\"objects\": [{\"id\": \"A\", \"type\": \"X\", \"type\": \"Y\"}]}",
        "`type` is there twice",
    );
    let yaml = convert(&[input("a.yaml", "Resources:\n  - a\n b: [")], &options()).unwrap_err();
    assert!(yaml.to_string().starts_with("a.yaml:"), "{yaml}");
    assert!(yaml.excerpt().unwrap().contains('^'));
}

#[test]
fn a_line_that_may_hold_a_secret_is_shown_by_its_shape() {
    let fault = error("{\"objects\": [{\"id\": \"A\", \"*password\": \"hunter2!\", }]}");
    let shown = fault.excerpt().unwrap();
    assert!(
        !shown.contains("hunter2") && !fault.to_string().contains("hunter2"),
        "{shown}"
    );
    assert!(shown.contains("\"••••••••\", }"), "{shown}");
}

#[test]
fn what_is_no_text_or_too_large_is_refused() {
    says(vec![b'{', 0xff, b'}'], "byte 1 is not UTF-8");
    says(vec![b'{', 0, b'}', 0], "UTF-16 without a byte order mark");
    says(vec![0xff, 0xfe, b'{'], "ends within a character");
    says(vec![0xff, 0xfe, 0, 0xd8], "half of a character");
    says(vec![b' '; MAX_BYTES + 1], "is it another file?");
    says(vec![b' '; 20 << 20], "at most 10485760");
}

#[test]
fn nesting_is_limited() {
    let deep = |open: &str, close: &str| {
        let open = open.repeat(10_000);
        format!("{{\"objects\": {open}1{}}}", close.repeat(10_000))
    };
    says(deep("[", "]"), "nested more than 100 levels deep");
    says(deep("{\"a\":", "}"), "nested more than 100 levels deep");
    let yaml = format!("a: {}", "[".repeat(10_000));
    let fault = convert(&[input("a.yaml", yaml)], &options()).unwrap_err();
    assert!(fault.to_string().contains("recursion limit"), "{fault}");
    let call = format!("#{{{}1}}", "day(".repeat(10_000));
    says(
        objects(&json!([{"id": "A", "type": "CSV", "column": call}])),
        "more than 50 levels",
    );
}

#[test]
fn objects_that_contradict_each_other_are_named() {
    let a = json!({"id": "A", "type": "CSV"});
    says(objects(&json!([a, a])), "A: two objects have this id");
    says(
        objects(&json!([{"id": "A", "type": "X", "input": {"ref": "B"}}])),
        "A.input: refers to `B`, and there is no such object",
    );
    says(
        objects(&json!([
            {"id": "A", "parent": {"ref": "B"}},
            {"id": "B", "parent": {"ref": "C"}},
            {"id": "C", "parent": {"ref": "B"}},
        ])),
        "A: its parents form a circle: B → C → B",
    );
    says(
        objects(&json!([{"type": "CSV"}])),
        "objects[0]: has no `id`",
    );
    says(objects(&json!([{"id": 5}])), "objects[0].id: is no text");
    says(objects(&json!([{"id": "A", "x": null}])), "A.x: is null");
    says(
        objects(&json!([{"id": "A", "x": {"y": "z"}}])),
        "A.x: is an object other than",
    );
    says(
        objects(&json!([{"id": "A", "x": [["y"]]}])),
        "A.x: is a list within a list",
    );
    says(objects(&json!([])), "this pipeline is empty");
    says(objects(&json!(5)), "objects: is no list");
    let chain: Vec<_> = (0..200)
        .map(|at| json!({"id": format!("O{at}"), "parent": {"ref": format!("O{}", at + 1)}}))
        .chain([json!({"id": "O200"})])
        .collect();
    says(objects(&json!(chain)), "more than 100 parents");
}

#[test]
fn expressions_that_cannot_be_evaluated_are_named() {
    let of = |fields: &Value| {
        let mut object = json!({"id": "A", "type": "CSV"});
        object
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        objects(&json!([object]))
    };
    says(
        of(&json!({"myA": "#{myB}", "myB": "x#{myC}", "myC": "#{myA}"})),
        "A.myA: its expressions form a circle: A.myA → A.myB → A.myC → A.myA",
    );
    says(
        of(&json!({"myA": "#{tomorrow(@scheduledStartTime)}"})),
        "no function `tomorrow`",
    );
    says(
        of(&json!({"myA": "#{myB}"})),
        "`myB` names neither a field of A nor a parameter",
    );
    says(of(&json!({"myA": "#{day('x')}"})), "is no time");
    says(of(&json!({"myA": "#{a"})), "no `}` ends it");
    says(of(&json!({"myA": "#{'a' * 2}"})), "no number");
    says(of(&json!({"myA": "#{1/0}"})), "no number");
    // Also where nothing else is evaluated.
    says(
        objects(&json!([{"id": "Default", "myA": "#{tomorrow(x)}"}])),
        "Default.myA: the expression `tomorrow(x)`",
    );
    // Texts and lists that multiply each other.
    let mut fields = json!({"my0": "xxxxxxxxxxxxxxxx"});
    for at in 1..40 {
        fields[format!("my{at}")] = json!(format!("#{{my{0}}}#{{my{0}}}", at - 1));
    }
    says(of(&fields), "its expressions");
    fields["my0"] = json!("");
    says(of(&fields), "steps");
    let lists = json!({"my0": vec!["x"; 100], "my1": "#{my0}#{my0}"});
    says(of(&lists), "1000 values");
    let chain: Vec<_> = (0..150)
        .map(|at| (format!("my{at}"), json!(format!("#{{my{}}}", at + 1))))
        .collect();
    let mut chain = Value::Object(chain.into_iter().collect());
    chain["my150"] = json!("x");
    says(of(&chain), "100 fields");
}

#[test]
fn other_files_are_refused_with_the_way() {
    says("{\"a\": 1}", "its fields are a");
    says("[]", "it is no object");
    says(
        "{\"Resources\": {\"A\": {\"Type\": \"AWS::S3::Bucket\"}}}",
        "of type AWS::DataPipeline::Pipeline",
    );
    for text in [
        "resource \"aws_datapipeline_pipeline\" \"a\" {}",
        "{\"terraform_version\": \"1.5\"}",
    ] {
        says(text, "get-pipeline-definition");
    }
}

#[test]
fn a_table_that_no_definition_may_name_is_refused() {
    let mut value: Value = serde_json::from_str(text("console-export")).unwrap();
    value["values"]["myDDBTableName"] = json!("no such/table");
    says(
        value.to_string(),
        "TableBackup cannot be taken over: field `source.dynamodb.table`",
    );
}

#[test]
fn text_that_a_terminal_would_obey_is_escaped() {
    let mut value: Value = serde_json::from_str(text("hello-world")).unwrap();
    value["objects"][5]["command"] = json!("\u{1b}[2J\u{202e}| ` <script> \n# Title");
    let made = converted(value.to_string(), &options()).unwrap();
    for file in &made.files {
        assert!(!file.text.contains(['\u{1b}', '\u{202e}']), "{}", file.text);
    }
    let page = common::output(&made, "conversion.md");
    assert!(
        page.contains("\\| \\` &lt;script&gt; \\\\n\\# Title"),
        "{page}"
    );
}

#[test]
fn many_objects_are_converted_in_time() {
    let objects: Vec<_> = (0..2_000)
        .map(|at| json!({"id": format!("O{at}"), "type": "ShellCommandActivity", "command": "echo #{myX}"}))
        .chain([json!({"id": "Default", "myX": "x"})])
        .collect();
    let made = converted(
        text("on-demand")
            .replace(
                "\"objects\": [",
                &format!(
                    "\"objects\": [{},",
                    serde_json::to_string(&objects)
                        .unwrap()
                        .trim_matches(['[', ']'])
                ),
            )
            .replace(
                "\"id\": \"Default\",\n      \"scheduleType\": \"ONDEMAND\"",
                "\"id\": \"Default2\", \"scheduleType\": \"ONDEMAND\"",
            ),
        &options(),
    )
    .unwrap();
    assert!(made.report.pipelines[0].objects > 2_000);
}
