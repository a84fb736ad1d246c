//! Checks what every command on AWS needs: settings, credentials, clock, stack, permissions.

use crate::exit::{Exit, Explain};
use crate::place::{Options, Place};
use crate::runs::RunError;
use aws::identity;
use lake::ObjectStore;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// Most that this machine's clock may differ from AWS's: signatures are valid for five minutes.
const MOST_SKEW: Duration = Duration::from_mins(4);

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Diagnosis {
    /// The checks, in order. A check that needs one that failed is left out.
    pub checks: Vec<Check>,
    #[serde(skip)]
    exit: Option<Exit>,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// What was checked, such as `credentials`.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, in a line.
    pub found: String,
    /// What to try, if it is not ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Diagnosis {
    /// The exit code, of the first check that failed; none if all is well.
    pub const fn exit(&self) -> Option<Exit> {
        self.exit
    }

    fn well(&mut self, name: &str, found: String) {
        self.checks.push(Check {
            name: name.to_owned(),
            ok: true,
            found,
            advice: None,
        });
    }

    fn ill(&mut self, name: &str, found: String, exit: Exit, advice: Option<&str>) {
        self.exit.get_or_insert(exit);
        self.checks.push(Check {
            name: name.to_owned(),
            ok: false,
            found,
            advice: advice.map(str::to_owned),
        });
    }

    /// Adds a check; returns its value if it passed.
    fn check<T>(
        &mut self,
        name: &str,
        outcome: Result<T, impl Explain>,
        found: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.well(name, found(&value));
                Some(value)
            }
            Err(error) => {
                let kind = error.kind();
                self.ill(name, contract::chain(&error), kind.exit(), kind.advice());
                None
            }
        }
    }

    /// A line for each check.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let mark = if check.ok { "ok " } else { "not" };
            // Writing to memory cannot fail.
            let _ = writeln!(text, "{mark} {:<14} {}", check.name, check.found);
            if let Some(advice) = &check.advice {
                let _ = writeln!(text, "    try: {advice}");
            }
        }
        text
    }
}

/// Checks everything, as far as one check does not need another that failed. Reads only.
pub async fn diagnose(options: Options) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    diagnosis.well("version", env!("CARGO_PKG_VERSION").to_owned());
    let place = Place::find(options).await;
    let Some(place) = diagnosis.check("settings", place, ToString::to_string) else {
        return diagnosis;
    };
    let caller = identity::caller(place.config()).await;
    let found = |caller: &identity::Identity| format!("account {}, {}", caller.account, caller.arn);
    let Some(caller) = diagnosis.check("credentials", caller, found) else {
        return diagnosis;
    };
    if let Some(now) = caller.now {
        clock(&mut diagnosis, now, SystemTime::now());
    }
    let lake = place.lake().await;
    let found = |store: &aws::s3::S3Store| {
        let what = place.stack().map_or("bucket", |_| "its bucket is");
        format!("{what} {}", store.bucket())
    };
    if let Some(store) = diagnosis.check("stack", lake, found) {
        let definitions = store.list("config/").await;
        diagnosis.check("lake", definitions, |all| {
            format!("can be read; it has {} definitions", all.len())
        });
    }
    if place.has_state_machine()
        && let Ok(arn) = place.state_machine().await
    {
        let list = place.machines().list(arn, None).await;
        let list = list.map_err(RunError::from);
        diagnosis.check("state machine", list, |_| {
            "its runs can be listed".to_owned()
        });
    }
    diagnosis
}

fn clock(diagnosis: &mut Diagnosis, theirs: SystemTime, ours: SystemTime) {
    let ahead = ours.duration_since(theirs);
    let skew = ahead.clone().unwrap_or_else(|error| error.duration());
    if skew <= MOST_SKEW {
        diagnosis.well("clock", "agrees with AWS's".to_owned());
        return;
    }
    let direction = if ahead.is_ok() { "ahead of" } else { "behind" };
    let found = format!(
        "{} {direction} AWS's",
        humantime::format_duration(Duration::from_secs(skew.as_secs()))
    );
    let advice = "set this machine's clock: AWS refuses signatures of another time";
    diagnosis.ill("clock", found, Exit::Denied, Some(advice));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_is_named() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let said = |theirs, ours| {
            let mut diagnosis = Diagnosis::default();
            clock(&mut diagnosis, at(theirs), at(ours));
            (diagnosis.checks[0].found.clone(), diagnosis.exit())
        };
        assert_eq!(said(1000, 1200), ("agrees with AWS's".to_owned(), None));
        let ahead = ("10m ahead of AWS's".to_owned(), Some(Exit::Denied));
        assert_eq!(said(1000, 1600), ahead);
        let behind = ("1h behind AWS's".to_owned(), Some(Exit::Denied));
        assert_eq!(said(4600, 1000), behind);
    }

    #[test]
    fn the_first_failure_decides_the_exit_code() {
        let mut diagnosis = Diagnosis::default();
        diagnosis.well("version", "1".to_owned());
        diagnosis.ill("lake", "no".to_owned(), Exit::Denied, Some("this"));
        diagnosis.ill("state machine", "no".to_owned(), Exit::Unreachable, None);
        assert_eq!(diagnosis.exit(), Some(Exit::Denied));
        assert_eq!(
            diagnosis.text(),
            "ok  version        1\nnot lake           no\n    try: this\nnot state machine  no\n"
        );
    }
}
