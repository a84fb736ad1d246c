//! The fields of the definition that an error is about.

use crate::PlanExportError;
use contract::{ErrorName, chain};
use definition::FieldError;
use source::SelectionError;

const TABLE: &str = "source.dynamodb.table";

impl PlanExportError {
    /// The fields to correct, each with what is wrong; none if the error is not about the
    /// definition, such as a service that cannot be reached.
    pub fn faults(&self) -> Vec<FieldError> {
        let path = match self {
            Self::Invalid { faults, .. } | Self::Sampled { faults, .. } => {
                return faults.as_slice().to_vec();
            }
            Self::NoRoute { source, .. } | Self::ChangesIncomplete { source, .. } => {
                return source.faults();
            }
            Self::Selection { source, .. } => return vec![selected(source)],
            Self::TableMissing { .. } | Self::TableEmpty { .. } => TABLE,
            Self::IndexMissing { .. } => "source.dynamodb.index",
            Self::LimitExceeded { field, .. } => field,
            Self::AtField { field, message, .. } => return vec![FieldError::new(*field, message)],
            Self::SnapshotNotAllowed { .. } => "source.sql.consistency",
            Self::Files(error) if error.name == ErrorName::FileUnreadable => "source.files",
            Self::NotReady { place, .. }
            | Self::ReadyBucket { place, .. }
            | Self::ReadyFunction { place, .. }
            | Self::ReadyAnswer { place, .. } => place,
            Self::StartTime { .. }
            | Self::Input { .. }
            | Self::MayNotOverride { .. }
            | Self::DefinitionMissing { .. }
            | Self::NotJson { .. }
            | Self::NotAnItem { .. }
            | Self::AlreadyRunning { .. }
            | Self::Lake(_)
            | Self::Table(_)
            | Self::Images(_)
            | Self::FilesDenied(_)
            | Self::Files(_)
            | Self::NoLake
            | Self::Alarms(_)
            | Self::Execution(_) => return Vec::new(),
        };
        vec![FieldError::new(path, chain(self))]
    }
}

fn selected(error: &SelectionError) -> FieldError {
    let path = match error {
        SelectionError::Path { at, .. } => format!("source.dynamodb.projection[{at}]"),
        SelectionError::Overlap { .. } => "source.dynamodb.projection".to_owned(),
        SelectionError::Value { .. } => "source.dynamodb.filter.values".to_owned(),
    };
    without_path(path, &chain(error))
}

/// A fault names its field beside the message, which begins with it when it stands alone.
fn without_path(path: String, message: &str) -> FieldError {
    let name = format!("`{path}`");
    let rest = message.strip_prefix("field ").unwrap_or(message);
    let rest = rest.strip_prefix(&name).unwrap_or(message);
    let rest = rest.trim_start_matches([':', ' ']);
    FieldError::new(path, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ErrorName, ServiceError};
    use definition::Faults;

    fn only(error: &PlanExportError) -> (String, String) {
        let faults = error.faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        (faults[0].path.clone(), faults[0].message.clone())
    }

    #[test]
    fn each_fault_of_the_definition_has_its_field() {
        let missing = PlanExportError::TableMissing {
            table: "films".to_owned(),
        };
        let (path, message) = only(&missing);
        assert_eq!(path, TABLE);
        assert!(message.starts_with("there is no table"), "{message}");
        let above = PlanExportError::LimitExceeded {
            what: "the cost",
            estimate: "7".to_owned(),
            field: "limits.maxCost".into(),
            cap: "5".to_owned(),
        };
        let no_route = PlanExportError::NoRoute {
            obstacle: "recovery is off".to_owned(),
            source: Box::new(above),
        };
        assert_eq!(only(&no_route).0, "limits.maxCost");
        let selected = PlanExportError::Selection {
            pipeline: "p".to_owned(),
            source: SelectionError::Overlap {
                inner: "a.b".to_owned(),
                outer: "a".to_owned(),
            },
        };
        let (path, message) = only(&selected);
        assert_eq!(path, "source.dynamodb.projection");
        assert!(message.starts_with("`a.b` lies within `a`"), "{message}");
    }

    #[test]
    fn every_attribute_that_is_not_sampled_is_a_fault() {
        let mut faults = Faults::default();
        faults.add("dataset.label", "names `rating`");
        faults.add("dataset.columns[1].path", "names `devcie`");
        let sampled = PlanExportError::Sampled {
            pipeline: "p".to_owned(),
            faults: faults.clone(),
        };
        assert_eq!(sampled.faults(), faults.as_slice());
    }

    #[test]
    fn a_service_that_fails_is_no_fault_of_the_definition() {
        let error = PlanExportError::from(ServiceError {
            name: ErrorName::AccessDenied,
            service: "DynamoDB",
            operation: "DescribeTable",
            subject: "films".to_owned(),
            code: "AccessDeniedException".to_owned(),
            message: "not you".to_owned(),
            source: None,
        });
        assert_eq!(error.faults(), []);
    }
}
