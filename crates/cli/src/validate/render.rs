//! Faults as text for people, in the form of rustc's messages.

use super::Checked;
use crate::progress::count;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// The faults of one file with the lines that they are in, and how many they are.
pub fn as_text(checked: &Checked, coloured: bool) -> String {
    let document = &checked.document;
    if let Ok(definition) = &checked.outcome {
        let pipeline = &definition.pipeline;
        let sampled = checked.sample.map_or_else(String::new, |sample| {
            let items = match sample.items {
                1 => "1 item".to_owned(),
                items => format!("{} items", count(items)),
            };
            format!(", a sample of {items} for {} read units", sample.read_units)
        });
        return format!(
            "{}: valid (pipeline `{pipeline}`{sampled})\n",
            document.name
        );
    }
    let renderer = if coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    for fault in checked.faults() {
        let title = match fault.path.as_str() {
            "." => fault.message.clone(),
            path => format!("field `{path}`: {}", fault.message),
        };
        let place = AnnotationKind::Primary.span(fault.span.clone());
        let snippet = Snippet::source(&document.text)
            .path(&document.name)
            .annotation(place);
        let report = [Level::ERROR.primary_title(&title).element(snippet)];
        text.push_str(&renderer.render(&report));
        text.push_str("\n\n");
    }
    let count = match checked.faults().len() {
        1 => "1 fault".to_owned(),
        count => format!("{count} faults"),
    };
    text + &format!("{}: {count}\n", document.name)
}

/// What of one file was not checked, a line each.
pub fn unchecked(checked: &Checked) -> String {
    let name = &checked.document.name;
    let all = checked.unchecked.iter();
    let lines = all.map(|one| format!("{name}: not checked: {}: {}\n", one.what, one.why));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Validation, check};
    use super::*;

    const TEXT: &str = r#"{
  // Ratings of films.
  "$schema": "https://example.com/definition.schema.json",
  "source": {"dynamodb": {"table": "interactions"}},
  "dataset": {
    "lable": "rating",
    "split": {"by": 5},
  },
  "training": {"image": "recommender"},
  "promotion": {"metric": "validation:rmse", "goal": "minimise"},
}
"#;

    fn checked(text: &str) -> Checked {
        check(Document::new("default.json".to_owned(), text))
    }

    #[test]
    fn every_fault_is_shown_at_its_place() {
        let text = as_text(&checked(TEXT), false);
        let expected = [
            "error: field `dataset.lable`: is no field: did you mean `label`?",
            " --> default.json:6:5",
            r#"6 |     "lable": "rating","#,
            "  |     ^^^^^^^^^^^^^^^^^",
            "error: field `dataset.split.by`: is 5: it must be a list",
            " --> default.json:7:15",
            "error: field `promotion.goal`: `minimise` is no choice: did you mean `minimize`?",
            " --> default.json:10:46",
            "default.json: 3 faults",
        ];
        for line in expected {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn programs_get_the_same_faults_as_json() {
        let json = serde_json::to_value(Validation::of(&[checked(TEXT)])).unwrap();
        let file = &json["definitions"][0];
        assert_eq!(
            (&file["file"], &file["valid"]),
            (&"default.json".into(), &false.into())
        );
        let faults = file["faults"].as_array().unwrap();
        assert_eq!(faults.len(), 3, "{json:#}");
        let misspelt = serde_json::json!({
            "line": 6,
            "column": 5,
            "path": "dataset.lable",
            "message": "is no field: did you mean `label`?",
        });
        assert!(faults.contains(&misspelt), "{json:#}");
    }

    #[test]
    fn a_valid_definition_with_comments_is_said_to_be_valid() {
        let text = TEXT
            .replace("lable", "label")
            .replace("\"by\": 5", "\"by\": [\"user\"]")
            .replace("minimise", "minimize");
        let checked = checked(&text);
        assert_eq!(
            as_text(&checked, false),
            "default.json: valid (pipeline `default`)\n"
        );
    }
}
