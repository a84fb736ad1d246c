//! How an error reaches the state machine: `errorType` is the name that `ErrorEquals` matches,
//! `errorMessage` is one line with the whole chain of causes.

use contract::{ErrorName, Named, chain, one_line};
use lambda_runtime::Diagnostic;

/// A handler's error as Lambda reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name.
    pub name: ErrorName,
    /// The error and its causes, outermost first, in one line.
    pub message: String,
}

impl Failure {
    /// The failure of a named error and its causes.
    pub fn of(error: &impl Named) -> Self {
        Self {
            name: error.name(),
            message: chain(error),
        }
    }

    /// The failure of a panic's payload.
    pub fn of_panic(payload: &(dyn std::any::Any + Send)) -> Self {
        let what = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without a message");
        Self {
            name: ErrorName::Bug,
            message: format!(
                "this is a defect of Millrace, please report it: {}",
                one_line(what)
            ),
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.name.to_string(),
            error_message: failure.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("scanning segment 3 of interactions")]
    struct Outer {
        source: Inner,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the connection\nbroke")]
    struct Inner;

    impl Named for Outer {
        fn name(&self) -> ErrorName {
            ErrorName::ServiceUnavailable
        }
    }

    #[test]
    fn a_failure_has_its_name_and_every_cause_in_one_line() {
        let diagnostic = Diagnostic::from(Failure::of(&Outer { source: Inner }));
        assert_eq!(diagnostic.error_type, "ServiceUnavailable");
        assert_eq!(
            diagnostic.error_message,
            "scanning segment 3 of interactions: the connection broke"
        );
    }

    #[test]
    fn a_panic_is_a_bug() {
        let payload = std::panic::catch_unwind(|| panic!("index 7 of {}", 3)).unwrap_err();
        let failure = Failure::of_panic(payload.as_ref());
        assert_eq!(failure.name, ErrorName::Bug);
        assert!(
            failure.message.ends_with("index 7 of 3"),
            "{}",
            failure.message
        );
    }
}
