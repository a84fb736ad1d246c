//! The names by which people name a run.

use contract::RunId;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A run, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunName {
    /// `latest`: the run of the pipeline that started last.
    Latest,
    /// `latest-failed`: the last one that failed, timed out or was stopped.
    LatestFailed,
    /// `champion`: the run whose model is the champion.
    Champion,
    /// Its id.
    Id(RunId),
    /// The beginning of its id, at least four digits.
    Prefix(String),
    /// The ARN of its execution.
    Arn(String),
    /// The name of its execution.
    Execution(String),
}

/// Shortest beginning of an id: the year.
const SHORTEST_PREFIX: usize = 4;

impl FromStr for RunName {
    type Err = Infallible;

    /// Any text names a run, be it by the name of its execution: whether there is one is known when
    /// it is looked up.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "latest" => Self::Latest,
            "latest-failed" => Self::LatestFailed,
            "champion" => Self::Champion,
            _ if text.starts_with("arn:") => Self::Arn(text.to_owned()),
            _ => match RunId::parse(text) {
                Ok(id) => Self::Id(id),
                Err(_) if is_prefix(text) => Self::Prefix(text.to_owned()),
                Err(_) => Self::Execution(text.to_owned()),
            },
        })
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::LatestFailed => f.write_str("latest-failed"),
            Self::Champion => f.write_str("champion"),
            Self::Id(id) => id.fmt(f),
            Self::Prefix(text) | Self::Arn(text) | Self::Execution(text) => f.write_str(text),
        }
    }
}

/// Whether ids may begin with the text.
fn is_prefix(text: &str) -> bool {
    let fits = text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 15 => byte == b'-',
        0..=14 => byte.is_ascii_digit(),
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    });
    fits && (SHORTEST_PREFIX..24).contains(&text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_name_is_recognised() {
        let id = "20261120-173000-1a2b3c4d";
        let parsed = |text: &str| text.parse::<RunName>().unwrap();
        assert_eq!(parsed(id), RunName::Id(RunId::parse(id).unwrap()));
        for prefix in ["2026", "20261120", "20261120-17", "20261120-173000-1a"] {
            assert_eq!(parsed(prefix), RunName::Prefix(prefix.to_owned()));
        }
        for name in [
            "202",
            "default-20261120-173000-123",
            "nightly",
            "2026x",
            "20261120-173000-xyz",
        ] {
            assert_eq!(parsed(name), RunName::Execution(name.to_owned()));
        }
        for name in ["latest", "latest-failed", "champion", id, "2026", "nightly"] {
            assert_eq!(parsed(name).to_string(), name);
        }
        let arn = "arn:aws:states:eu-central-1:123456789012:execution:m:e";
        assert_eq!(parsed(arn), RunName::Arn(arn.to_owned()));
    }
}
