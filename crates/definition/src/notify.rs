//! Which notices a pipeline's runs send, and when a run or its data counts as late.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of a subject. Source: Amazon SNS API Reference, `Publish`.
const LONGEST: usize = 100;
/// Two days: the state machine gives an execution no more.
const MOST_MINUTES: u32 = 2880;
/// A year.
const MOST_HOURS: u32 = 8784;

/// When a run is late: people get one notice of it, while it continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Late {
    /// Minutes after its start, or its last redrive, in which a run should have ended, 1 to 2880. The
    /// stack looks every five minutes.
    pub after_minutes: u32,
}

/// When the newest good data is stale: people get one notice of it for these data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stale {
    /// Hours after the end of the last good run in which another one should have ended, 1 to 8784.
    pub after_hours: u32,
}

/// The kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NoticeKind {
    /// A run failed, ran out of time or was stopped. Its notice is always sent.
    Failure,
    /// A run ended well.
    Success,
    /// A run has not ended `late.afterMinutes` after its start.
    Late,
    /// The newest good data is older than `stale.afterHours`.
    Stale,
    /// A model awaits approval.
    Approval,
}

/// The notices of the pipeline's runs, which the stack's topic sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notify {
    /// What is sent beside failures, which always are.
    #[serde(default = "usual")]
    pub on: Vec<NoticeKind>,
    /// Subjects instead of Millrace's own.
    #[serde(default, skip_serializing_if = "Subjects::are_defaults")]
    pub subjects: Subjects,
}

/// Subjects of messages: up to 100 printable ASCII characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subjects {
    /// Of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Of a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// Of a run that is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<String>,
    /// Of stale data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// Of a request for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

impl Subjects {
    fn are_defaults(&self) -> bool {
        *self == Self::default()
    }

    fn all(&self) -> [(&'static str, Option<&String>); 5] {
        let Self {
            failure,
            success,
            late,
            stale,
            approval,
        } = self;
        [
            ("failure", failure.as_ref()),
            ("success", success.as_ref()),
            ("late", late.as_ref()),
            ("stale", stale.as_ref()),
            ("approval", approval.as_ref()),
        ]
    }
}

fn usual() -> Vec<NoticeKind> {
    vec![NoticeKind::Late, NoticeKind::Stale, NoticeKind::Approval]
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            on: usual(),
            subjects: Subjects::default(),
        }
    }
}

impl Notify {
    /// Whether notices of this kind are sent.
    pub fn asks_for(&self, kind: NoticeKind) -> bool {
        kind == NoticeKind::Failure || self.on.contains(&kind)
    }

    /// The subject of a message about this, if it is not Millrace's own.
    pub fn subject(&self, kind: NoticeKind) -> Option<&str> {
        let Subjects {
            failure,
            success,
            late,
            stale,
            approval,
        } = &self.subjects;
        let subject = match kind {
            NoticeKind::Failure => failure,
            NoticeKind::Success => success,
            NoticeKind::Late => late,
            NoticeKind::Stale => stale,
            NoticeKind::Approval => approval,
        };
        subject.as_deref()
    }
}

pub(crate) fn validate(
    late: Option<Late>,
    stale: Option<Stale>,
    notify: Option<&Notify>,
    faults: &mut Faults,
) {
    let mut range = |path: &str, value: Option<u32>, most: u32| {
        if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
            faults.add(path, format!("is {value}: it must be 1 to {most}"));
        }
    };
    range(
        "late.afterMinutes",
        late.map(|late| late.after_minutes),
        MOST_MINUTES,
    );
    range(
        "stale.afterHours",
        stale.map(|stale| stale.after_hours),
        MOST_HOURS,
    );
    let Some(notify) = notify else {
        return;
    };
    for (name, kind, is_there) in [
        ("late", NoticeKind::Late, late.is_some()),
        ("stale", NoticeKind::Stale, stale.is_some()),
    ] {
        if is_there && !notify.asks_for(kind) {
            let message = format!(
                "leaves out `{name}`, so no notice of it would be sent: add it, or remove `{name}`"
            );
            faults.add("notify.on", message);
        }
    }
    for (name, subject) in notify.subjects.all() {
        let is_fit = |text: &String| {
            (1..=LONGEST).contains(&text.len())
                && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
                && text.trim() == text
        };
        if subject.is_some_and(|text| !is_fit(text)) {
            faults.add(
                format!("notify.subjects.{name}"),
                format!(
                    "must be 1 to {LONGEST} printable ASCII characters, without spaces around them"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(part: &Value) -> Vec<String> {
        let mut definition = json!({"source": {"dynamodb": {"table": "orders"}}});
        let fields = definition.as_object_mut().unwrap();
        fields.extend(part.as_object().unwrap().clone());
        let faults = crate::read(&definition, |_, _| {})
            .err()
            .unwrap_or_default();
        faults.as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_nobody_would_be_told_is_a_fault() {
        for good in [
            json!({"late": {"afterMinutes": 90}}),
            json!({"stale": {"afterHours": 30}, "notify": {"subjects": {"failure": "Orders: failed"}}}),
            json!({"late": {"afterMinutes": 1}, "notify": {"on": ["late", "success"]}}),
            json!({"notify": {"on": []}}),
            json!({"late": {"afterMinutes": 2880}, "stale": {"afterHours": 8784}}),
            json!({"notify": {"subjects": {"stale": "~".repeat(100), "approval": "a b"}}}),
        ] {
            assert_eq!(faults(&good), [""; 0], "{good}");
        }
        for (part, path) in [
            (json!({"late": {"afterMinutes": 0}}), "late.afterMinutes"),
            (json!({"late": {"afterMinutes": 2881}}), "late.afterMinutes"),
            (json!({"stale": {"afterHours": 0}}), "stale.afterHours"),
            (json!({"stale": {"afterHours": 8785}}), "stale.afterHours"),
            (
                json!({"stale": {"afterHours": 5}, "notify": {"on": ["late"]}}),
                "notify.on",
            ),
            (
                json!({"notify": {"subjects": {"failure": "caf\u{e9}"}}}),
                "notify.subjects.failure",
            ),
            (
                json!({"notify": {"subjects": {"stale": "a\u{7f}"}}}),
                "notify.subjects.stale",
            ),
            (
                json!({"notify": {"subjects": {"approval": " a"}}}),
                "notify.subjects.approval",
            ),
            (
                json!({"late": {"afterMinutes": 5}, "notify": {"on": ["success"]}}),
                "notify.on",
            ),
            (json!({"notify": {"on": ["sucess"]}}), "notify.on[0]"),
            (
                json!({"notify": {"subjects": {"late": ""}}}),
                "notify.subjects.late",
            ),
            (
                json!({"notify": {"subjects": {"success": "x".repeat(101)}}}),
                "notify.subjects.success",
            ),
            (
                json!({"notify": {"subjects": {"success": "a\nb"}}}),
                "notify.subjects.success",
            ),
        ] {
            let found = faults(&part);
            assert!(
                found
                    .iter()
                    .any(|fault| fault.contains(&format!("`{path}`"))),
                "{part}: {found:?}"
            );
        }
    }

    #[test]
    fn failures_are_always_told() {
        let none = Notify {
            on: Vec::new(),
            ..Notify::default()
        };
        assert!(none.asks_for(NoticeKind::Failure) && !none.asks_for(NoticeKind::Approval));
        assert!(Notify::default().asks_for(NoticeKind::Approval));
        assert!(!Notify::default().asks_for(NoticeKind::Success));
    }
}
