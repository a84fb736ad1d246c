//! Which keys a run lists to find the images that changed.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which keys a run lists to find what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Changed {
    /// All.
    #[default]
    All,
    /// Those of the last days. Ranges of older keys are taken over from the last index as they are:
    /// what was added, replaced or removed there is not seen.
    Since(Since),
}

/// The last days, by a date in the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Since {
    /// The first part of `keys`, a date such as `2026-11-29` or what begins with one.
    pub part: String,
    /// Days before the day of the run, in UTC, that images may come late.
    #[serde(default = "default_late_days")]
    #[schemars(range(max = 3650))]
    pub late_days: u32,
}

const fn default_late_days() -> u32 {
    3
}

impl Changed {
    /// Whether it is the default.
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::All)
    }

    /// The last days, if only these are listed.
    pub const fn since(&self) -> Option<&Since> {
        match self {
            Self::All => None,
            Self::Since(since) => Some(since),
        }
    }

    pub(super) fn validate(&self, parts: &[String], faults: &mut Faults) {
        let Some(since) = self.since() else { return };
        match parts.first() {
            Some(first) if *first != since.part => faults.add(
                "source.images.changed.since.part",
                format!(
                    "must be the first part of `keys`, which is {{{first}}}: only then do older images come first"
                ),
            ),
            _ => {}
        }
        if since.late_days > 3650 {
            faults.add(
                "source.images.changed.since.lateDays",
                "must be at most 3,650",
            );
        }
    }
}
