//! What the server asks of the model: the forms of requests and answers, and the answers.

use container::{Answer, Refusal, Tree};

use crate::invocation::{Form, answer};
use crate::{Model, artifact};

impl container::Model for Model {
    /// Of the request and of the answer.
    type Form = (Form, Form);

    fn load(tree: &Tree) -> Result<Self, container::Error> {
        artifact::load(&tree.model())
    }

    fn summary(&self) -> String {
        format!(
            "{} users and {} items",
            self.user_ids.len(),
            self.item_ids.len()
        )
    }

    fn form(content: &str, accept: &str) -> Result<(Form, Form), Refusal> {
        let Some(given) = Form::of_media_type(content) else {
            let message = format!("content type {content:?}: give text/csv or application/json");
            return Err(Refusal::ContentType(message));
        };
        let Some(accepted) = accepted(accept, given) else {
            let message = format!("accept {accept:?}: give text/csv or application/json");
            return Err(Refusal::Accept(message));
        };
        Ok((given, accepted))
    }

    fn answer(&self, (given, accepted): (Form, Form), body: &[u8]) -> Result<Answer, Refusal> {
        let bytes = answer(self, body, given, accepted);
        let bytes = bytes.map_err(|rejection| Refusal::Body(rejection.to_string()))?;
        Ok(Answer {
            content_type: accepted.media_type(),
            bytes,
        })
    }
}

/// The first form that `accept` names. A wildcard means the form of the request.
fn accepted(accept: &str, given: Form) -> Option<Form> {
    if accept.trim().is_empty() {
        return Some(given);
    }
    accept.split(',').find_map(|part| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        let major = given.media_type().split('/').next().unwrap_or_default();
        if kind == "*/*" || kind == format!("{major}/*") {
            return Some(given);
        }
        Form::of_media_type(kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_selects_the_form_and_defaults_to_the_requests() {
        assert_eq!(accepted("", Form::Csv), Some(Form::Csv));
        assert_eq!(accepted("*/*", Form::Json), Some(Form::Json));
        assert_eq!(accepted("text/*", Form::Csv), Some(Form::Csv));
        assert_eq!(
            accepted("text/html, application/json;q=0.9", Form::Csv),
            Some(Form::Json)
        );
        assert_eq!(accepted("text/html", Form::Csv), None);
    }
}
