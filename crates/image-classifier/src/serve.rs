//! What the server asks of the model: one image a request, answered as SageMaker's own image
//! classification does.

use crate::channel::accept;
use crate::model::best;
use crate::{Model, artifact};
use container::{Answer, Refusal, Tree};
use serde_json::json;

/// Content types of a request; the bytes say which format it is.
const IMAGES: [&str; 3] = ["application/x-image", "image/jpeg", "image/png"];
const JSON: &str = "application/json";
const JSON_LINES: &str = "application/jsonlines";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JSON array of the probabilities.
    Array,
    /// A line for each image, as batch transforms want it.
    Line,
}

impl container::Model for Model {
    type Form = Form;

    fn load(tree: &Tree) -> Result<Self, container::Error> {
        artifact::load(&tree.model())
    }

    fn summary(&self) -> String {
        format!("{} classes", self.classes)
    }

    fn form(content: &str, accept: &str) -> Result<Form, Refusal> {
        let kind = content.split(';').next().unwrap_or_default().trim();
        if !IMAGES.iter().any(|image| kind.eq_ignore_ascii_case(image)) {
            let message = format!("content type {content:?}: give {}", IMAGES.join(", "));
            return Err(Refusal::ContentType(message));
        }
        let mut accepted = accept.split(',').map(|part| {
            let kind = part.split(';').next().unwrap_or_default();
            kind.trim().to_ascii_lowercase()
        });
        let form = accepted.find_map(|kind| match kind.as_str() {
            "" | "*/*" | "application/*" | JSON => Some(Form::Array),
            JSON_LINES => Some(Form::Line),
            _ => None,
        });
        form.ok_or_else(|| {
            Refusal::Accept(format!("accept {accept:?}: give {JSON} or {JSON_LINES}"))
        })
    }

    fn answer(&self, form: Form, body: &[u8]) -> Result<Answer, Refusal> {
        let pixels = image::decode(body, &accept());
        let pixels = pixels.map_err(|rejected| Refusal::Body(rejected.to_string()))?;
        let probabilities = self.classify(&pixels);
        let (content_type, text) = match form {
            Form::Array => (JSON, json!(probabilities).to_string()),
            Form::Line => {
                let line = json!({"prediction": probabilities, "class": best(&probabilities)});
                (JSON_LINES, format!("{line}\n"))
            }
        };
        Ok(Answer {
            content_type,
            bytes: text.into_bytes(),
        })
    }
}
