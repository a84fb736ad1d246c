//! Secrets are in no output: neither in files, nor in texts, nor in errors.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{PIPELINES, api_form, converted, options};
use data_pipeline::Options;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Everything that a conversion says.
fn said(text: &str) -> String {
    match converted(text, &options()) {
        Ok(made) => {
            let files: String = made
                .files
                .iter()
                .map(|file| file.path.clone() + &file.text)
                .collect();
            files + &made.report.text()
        }
        Err(error) => format!(
            "{error}\n{error:?}\n{}",
            error.excerpt().unwrap_or_default()
        ),
    }
}

/// Puts a secret into a pipeline, in one of the ways that pipelines hold them.
fn with_secret(file: &mut Value, secret: &str, way: usize) {
    let objects = file["objects"].as_array_mut().unwrap();
    let at = objects.len() - 1;
    objects.push(match way {
        0 => json!({"id": "S", "type": "RdsDatabase", "*password": secret}),
        1 => json!({"id": "S", "type": "JdbcDatabase", "connectionString": format!("jdbc:mysql://h/d?user=u&password={secret}&x=1")}),
        2 => json!({"id": "S", "type": "ShellCommandActivity", "command": format!("export DB_PASSWORD={secret}; run")}),
        3 => json!({"id": "S", "type": "JdbcDatabase", "connectionString": format!("jdbc:postgresql://u:{secret}@h/d")}),
        4 => json!({"id": "S", "type": "RdsDatabase", "*password": "#{*mySecret}"}),
        5 => json!({"id": "S", "type": "EmrActivity", "step": format!("command-runner.jar,sqoop,import,--password,{secret},--table,t")}),
        6 => json!({"id": "S", "type": "ShellCommandActivity", "scriptArgument": ["--password", secret]}),
        7 => json!({"id": "S", "type": "ShellCommandActivity", "command": format!("mysqldump -uroot -p{secret} shop")}),
        8 => json!({"id": "S", "type": "RdsDatabase", "*password": format!("{secret}#{{{secret}")}),
        _ => json!({"id": "S", "type": "RdsDatabase", "*password": "#{mySecret}"}),
    });
    if way == 4 || way == 9 {
        let name = if way == 4 { "*mySecret" } else { "mySecret" };
        file["parameters"] = json!([{"id": name, "type": "String", "default": secret}]);
        let mut others = json!({"myOutputS3Loc": "s3://b", "myDDBTableName": "houses", "myInputS3Loc": "s3://b"});
        others[name] = json!(secret);
        file["values"] = others;
    }
    // And the same text where nothing says that it is one.
    let objects = file["objects"].as_array_mut().unwrap();
    objects[at]["myNote"] = json!(format!("it is {secret}, is it not?"));
    objects[at]["myCopy"] = json!(secret);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_output_holds_a_secret(
        secret in "[A-Za-z0-9+/_.-]{8,24}zQ9",
        which in 0..PIPELINES.len(),
        way in 0..10_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file: Value = serde_json::from_str(PIPELINES[which].1).unwrap();
        with_secret(&mut file, &secret, way);
        for text in [format!("{file:#}"), api_form(&file).to_string()] {
            let said = said(&text);
            prop_assert!(!said.contains(&secret), "{said}");
            prop_assert!(said.contains("••••") || !said.contains("conversion.md"), "{said}");
            // A file that ends too early, somewhere.
            let mut end = cut.index(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let text = &text[..end];
            let says_so = ["\"*", "PASSWORD", "password", "://u:"];
            if says_so.iter().any(|sign| text.contains(sign)) {
                let said = self::said(text);
                prop_assert!(!said.contains(&secret), "{said}");
            }
        }
    }
}

#[test]
fn secrets_of_options_are_hidden_too() {
    let secret = "correct-horse-battery";
    let mut file: Value = serde_json::from_str(common::text("on-demand")).unwrap();
    file["objects"][0]["myUrl"] = json!("#{*myToken}/x");
    let values = json!({"*myToken": secret}).to_string();
    for options in [
        Options {
            sets: vec![("*myToken".to_owned(), secret.to_owned())],
            ..options()
        },
        Options {
            values: Some(common::input("values.json", values)),
            ..options()
        },
    ] {
        file["objects"][0]["myCopy"] = json!(secret);
        let made = converted(file.to_string(), &options).unwrap();
        let line = common::line(&made, "Default", "myCopy");
        assert_eq!(line.value, "••••");
        assert!(made.files.iter().all(|file| !file.text.contains(secret)));
    }
}

#[test]
fn a_definition_that_would_hold_a_secret_is_not_made() {
    let mut file: Value = serde_json::from_str(common::text("on-demand")).unwrap();
    file["objects"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "S", "type": "RdsDatabase", "*password": "houses"}));
    let error = converted(file.to_string(), &options())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("Export.step contains the value of a secret"),
        "{error}"
    );
}
