//! Why a pipeline cannot be converted.

use crate::text::Excerpt;

/// Why a pipeline cannot be converted. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A file is too large.
    #[error(
        "{file} has {bytes} bytes, a pipeline's definition at most {limit}: is it another file?"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Its bytes.
        bytes: usize,
        /// The most bytes.
        limit: usize,
    },
    /// A file is no text.
    #[error("{file} is not text: {why}")]
    NotText {
        /// The file.
        file: String,
        /// Why, and what to do.
        why: String,
    },
    /// A file is neither JSON nor YAML.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The line with a caret.
        excerpt: Excerpt,
    },
    /// A file is of a form that is not read.
    #[error("{file}: {why}")]
    Form {
        /// The file.
        file: String,
        /// Why, and what to do.
        why: String,
    },
    /// A definition contradicts itself.
    #[error("{file}: {place}: {why}")]
    Inconsistent {
        /// The file.
        file: String,
        /// The object and field.
        place: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// An expression cannot be evaluated.
    #[error("{file}: {place}: the expression `{expression}`: {why}")]
    Expression {
        /// The file.
        file: String,
        /// The object and field.
        place: String,
        /// The expression's text.
        expression: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A converted field needs values that the definition does not have.
    #[error("no value for {}: give --values FILE or {}", .names.join(", "), sets(.names))]
    NeedsValues {
        /// The parameters.
        names: Vec<String>,
    },
    /// An option names a parameter that no pipeline has.
    #[error("{place}: no pipeline has a parameter `{name}`; {known}")]
    NoParameter {
        /// The option.
        place: String,
        /// The parameter.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// What a definition must contain is a secret.
    #[error(
        "{place} contains the value of a secret, which is never written: change the secret, then \
         convert again"
    )]
    Secret {
        /// The object and field.
        place: String,
    },
    /// What was made of a pipeline is no valid definition.
    #[error("{place} cannot be taken over: {faults}")]
    Definition {
        /// The activity.
        place: String,
        /// Every fault.
        faults: definition::Faults,
    },
}

fn sets(names: &[String]) -> String {
    let sets: Vec<_> = names.iter().map(|name| format!("--set {name}=…")).collect();
    sets.join(" ")
}

impl ConvertError {
    /// The line of the text with a caret, if the fault has one.
    pub fn excerpt(&self) -> Option<String> {
        match self {
            Self::Syntax { excerpt, .. } => Some(excerpt.to_string()),
            _ => None,
        }
    }
}
