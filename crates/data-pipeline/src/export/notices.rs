//! The notices of an export's runs: the alarms of its activity.

use super::{Export, Planner, definition_file};
use crate::ConvertError;
use crate::ledger::Use;
use crate::period::Period;
use crate::pipeline::Object;
use crate::report::Outcome;

/// Minutes after which a run may count as late, at most.
const MOST_MINUTES: i64 = 2880;
/// Characters of a subject.
const LONGEST: usize = 100;

/// The notices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notices {
    /// `late.afterMinutes`.
    pub late_minutes: Option<i64>,
    /// Whether successes send one too.
    pub success: bool,
    /// `notify.subjects`, by the kinds' names.
    pub subjects: Vec<(&'static str, String)>,
}

impl<'p> Planner<'p> {
    /// Adds the alarms of the activity to the export.
    pub(super) fn notices(
        &mut self,
        activity: &'p Object,
        export: &mut Export,
    ) -> Result<(), ConvertError> {
        let file = definition_file(&export.name);
        for (field, kind) in [
            ("onFail", "failure"),
            ("onSuccess", "success"),
            ("onLateAction", "late"),
        ] {
            let Some(alarm) = self.node(activity, field, &["SnsAlarm"]) else {
                continue;
            };
            if kind == "late" && !self.late(activity, export, &file)? {
                continue;
            }
            export.notices.success |= kind == "success";
            let (outcome, why) = match kind {
                "failure" => (Outcome::Derived, "a notice of each failure is sent"),
                "success" => (Outcome::Taken, "a notice of each success is sent"),
                _ => (Outcome::Taken, "one notice of a late run is sent"),
            };
            let new = Use::new(outcome, why).to(format!("{file}#notify"));
            self.mark(activity, field, new);
            self.subject(alarm, kind, export, &file)?;
        }
        Ok(())
    }

    /// Whether the activity says when it is late.
    fn late(
        &mut self,
        activity: &'p Object,
        export: &mut Export,
        file: &str,
    ) -> Result<bool, ConvertError> {
        let Some(text) = self.known(activity, "lateAfterTimeout")? else {
            let why = "no `lateAfterTimeout` says when a run is late: set `late.afterMinutes`";
            self.mark(
                activity,
                "onLateAction",
                Use::new(Outcome::NoCounterpart, why),
            );
            return Ok(false);
        };
        let minutes = Period::read(&text).and_then(Period::minutes);
        let (outcome, why) = match minutes {
            Some(minutes) if minutes <= MOST_MINUTES => {
                (Outcome::Taken, "after the start of the run")
            }
            Some(_) => (Outcome::Approximated, "a run takes two days at most"),
            None => (
                Outcome::Unknown,
                "it is no period of minutes, hours or days",
            ),
        };
        let new = Use::new(outcome, why).to(format!("{file}#late.afterMinutes"));
        self.mark(activity, "lateAfterTimeout", new);
        export.notices.late_minutes = minutes.map(|minutes| minutes.clamp(1, MOST_MINUTES));
        Ok(minutes.is_some())
    }

    fn subject(
        &mut self,
        alarm: &'p Object,
        kind: &'static str,
        export: &mut Export,
        file: &str,
    ) -> Result<(), ConvertError> {
        let Some(subject) = self.known(alarm, "subject")? else {
            return Ok(());
        };
        let is_fit = (1..=LONGEST).contains(&subject.len())
            && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !is_fit {
            let why = format!(
                "a subject has up to {LONGEST} printable ASCII characters: Millrace's own is sent"
            );
            self.mark(alarm, "subject", Use::new(Outcome::Approximated, why));
            return Ok(());
        }
        self.refuse_secret(alarm, "subject", &subject)?;
        let new = Use::new(Outcome::Taken, "the subject of the notice")
            .to(format!("{file}#notify.subjects.{kind}"));
        self.mark(alarm, "subject", new);
        export.notices.subjects.push((kind, subject));
        Ok(())
    }
}
