//! What to do about an error: the rows of the runbook's tables.

/// The runbook.
const RUNBOOK: &str = include_str!("../../../statemachine/README.md");

/// What the runbook says of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What happened.
    pub happened: String,
    /// What to do.
    pub action: String,
}

/// The runbook's row for an error name, of Millrace, Step Functions or Lambda.
pub fn of(name: &str) -> Option<Advice> {
    rows().find_map(|(names, advice)| {
        let is_it = |listed: &str| match listed.strip_suffix('…') {
            Some(beginning) => name.starts_with(beginning),
            None => listed == name,
        };
        names.split(", ").any(is_it).then_some(advice)
    })
}

/// The rows: their names, and what they say.
fn rows() -> impl Iterator<Item = (String, Advice)> {
    let after = RUNBOOK.split_once("\n## Errors\n").map_or("", |it| it.1);
    let section = after.split_once("\n## ").map_or(after, |it| it.0);
    section.lines().filter_map(|line| {
        let row = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let mut cells = row.split(" | ").map(|cell| cell.replace('`', ""));
        let (names, happened, action) = (cells.next()?, cells.next()?, cells.next()?);
        Some((names, Advice { happened, action }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::ErrorName;

    #[test]
    fn every_error_has_advice() {
        for name in ErrorName::ALL {
            let advice = of(name.as_str());
            let advice = advice.unwrap_or_else(|| panic!("the runbook leaves out {name}"));
            assert!(!advice.happened.is_empty() && !advice.action.is_empty());
        }
        assert_eq!(of("TableEmpty").unwrap().action, "fill it, start again");
    }

    #[test]
    fn the_names_of_services_have_advice_too() {
        for name in [
            "States.ExceedToleratedFailureThreshold",
            "States.Timeout",
            "Runtime.ExitError",
            "Sandbox.Timedout",
            "Lambda.Unknown",
        ] {
            assert!(of(name).is_some(), "{name}");
        }
        assert_eq!(of("Other"), None);
    }
}
