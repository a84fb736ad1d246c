//! Exit codes, and the text of a failure: what happened, where, and what to do.

mod kinds;

use contract::{ErrorName, ServiceError};
use std::error::Error;
use std::fmt::Write as _;

/// How a command ends if it is not done (0) and no signal ends it (128 plus the signal's number).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The answer is no.
    No = 1,
    /// The command cannot be understood.
    Usage = 2,
    /// Some of it is done.
    Partly = 3,
    /// Credentials or a permission are missing.
    Denied = 4,
    /// What was named does not exist.
    Missing = 5,
    /// AWS cannot be reached, or throttles.
    Unreachable = 6,
}

impl Exit {
    /// Every code, in order.
    pub const ALL: [Self; 6] = [
        Self::No,
        Self::Usage,
        Self::Partly,
        Self::Denied,
        Self::Missing,
        Self::Unreachable,
    ];

    /// The code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, as a phrase.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::No => "failed, or the answer is no: the run failed, the data is not sound",
            Self::Usage => "wrong arguments or settings",
            Self::Partly => "done in part; the text says what is not",
            Self::Denied => "no credentials, or a permission is missing",
            Self::Missing => "not there: no such stack, run, pipeline or file",
            Self::Unreachable => "AWS or the database cannot be reached, or throttles",
        }
    }

    /// The code of an error's name.
    pub const fn of_name(name: ErrorName) -> Self {
        match name {
            ErrorName::AccessDenied
            | ErrorName::SourceLoginFailed
            | ErrorName::SourcePermissionDenied => Self::Denied,
            ErrorName::NotFound
            | ErrorName::DefinitionMissing
            | ErrorName::TableMissing
            | ErrorName::SourceObjectMissing
            | ErrorName::BucketUnusable => Self::Missing,
            ErrorName::Throttled | ErrorName::ServiceUnavailable | ErrorName::SourceUnreachable => {
                Self::Unreachable
            }
            ErrorName::InvalidRequest => Self::Usage,
            _ => Self::No,
        }
    }
}

/// The kind of a failure: it decides the exit code and what to do.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// A service's answer.
    Service(&'a ServiceError),
    /// A name.
    Named(ErrorName),
    /// A code, and what to do if the message does not say it.
    Is(Exit, Option<&'static str>),
}

impl Kind<'_> {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Service(error) if is_elsewhere(error) => Exit::Missing,
            Self::Service(error) => Exit::of_name(error.name),
            Self::Named(name) => Exit::of_name(*name),
            Self::Is(exit, _) => *exit,
        }
    }

    /// What to do, if the message does not say it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Service(error) => of_service(error),
            Self::Named(_) => None,
            Self::Is(_, advice) => *advice,
        }
    }
}

/// An error that ends a command.
pub trait Explain: Error {
    /// Its kind.
    fn kind(&self) -> Kind<'_>;
}

/// A bucket in another region.
fn is_elsewhere(error: &ServiceError) -> bool {
    matches!(
        error.code.as_str(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
    )
}

fn of_service(error: &ServiceError) -> Option<&'static str> {
    if is_elsewhere(error) {
        return Some("--region NAME: the bucket is in another region");
    }
    let code = error.code.as_str();
    match error.name {
        ErrorName::AccessDenied => Some(match code {
            aws::classify::NO_CREDENTIALS => {
                "`aws configure sso`, then --profile NAME or AWS_PROFILE; or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY"
            }
            "ExpiredToken" | "ExpiredTokenException" => {
                "`aws sso login`, or get new credentials: these have expired"
            }
            "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken" => {
                "other credentials (--profile NAME), and check this machine's clock: AWS does not \
                 accept the signature"
            }
            _ if error.service == "S3" => {
                "another --profile; the lake admits only those that the stack's parameters \
                 LakeAdministrators and LakeReaders name, and no other account"
            }
            _ => "another --profile, or ask for the permission of this operation",
        }),
        ErrorName::Throttled => Some("the same command again, later: AWS limits requests"),
        ErrorName::ServiceUnavailable => Some(
            "the same command again; check --region, the network, a proxy, and AWS_ENDPOINT_URL",
        ),
        ErrorName::SourceUnreachable => Some(
            "the same command from where the database can be reached, such as by a VPN; a run's \
             functions reach it by the stack's SubnetIds",
        ),
        ErrorName::SourceLoginFailed => Some("correct the secret, or the login in the database"),
        ErrorName::NotFound if error.service == "Secrets Manager" => {
            Some("the secret's name or ARN, of this account and region")
        }
        ErrorName::NotFound if error.service == "Data Pipeline" => Some(
            "--region NAME, the pipeline's; `aws datapipeline list-pipelines` lists those of a region",
        ),
        ErrorName::NotFound if code == "NoSuchBucket" => {
            Some("--stack NAME, whose output LakeBucket names the bucket")
        }
        _ => None,
    }
}

/// The text of a failure, a few lines: the error with all its causes, the place if a service
/// answered, and what to do.
pub fn text(error: &dyn Explain, place: Option<&str>) -> String {
    let kind = error.kind();
    let mut text = format!("error: {}\n", contract::chain(error));
    // Writing to memory cannot fail.
    if let (Kind::Service(_), Some(place)) = (kind, place) {
        let _ = writeln!(text, "  where: {place}");
    }
    if let Some(advice) = kind.advice() {
        let _ = writeln!(text, "  try: {advice}");
    }
    text
}

/// The exit codes as a table for `--help`.
pub fn table() -> String {
    let mut text = "Exit codes:\n    0  done\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(text, "    {}  {}", exit.code(), exit.meaning());
    }
    text.push_str("  128 + n  ended by signal n: 130 by Ctrl-C, 143 by SIGTERM");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the run")]
    struct Reading(#[source] ServiceError);

    impl Explain for Reading {
        fn kind(&self) -> Kind<'_> {
            Kind::Service(&self.0)
        }
    }

    fn reading(name: ErrorName, code: &str) -> Reading {
        Reading(ServiceError {
            name,
            service: "S3",
            operation: "GetObject",
            subject: "s3://lake/a".to_owned(),
            code: code.to_owned(),
            message: "no".to_owned(),
            source: None,
        })
    }

    #[test]
    fn a_failure_says_what_where_and_what_to_do() {
        let error = reading(ErrorName::AccessDenied, "ExpiredToken");
        assert_eq!(
            text(&error, Some("stack millrace, region eu-central-1")),
            "error: cannot read the run: S3 GetObject of s3://lake/a: ExpiredToken: no\n  \
             where: stack millrace, region eu-central-1\n  \
             try: `aws sso login`, or get new credentials: these have expired\n"
        );
    }

    #[test]
    fn codes_follow_what_a_service_answered() {
        for (name, code, exit) in [
            (ErrorName::AccessDenied, "AccessDenied", Exit::Denied),
            (ErrorName::AccessDenied, "NoCredentials", Exit::Denied),
            (ErrorName::NotFound, "NoSuchBucket", Exit::Missing),
            (
                ErrorName::ServiceRejected,
                "PermanentRedirect",
                Exit::Missing,
            ),
            (ErrorName::Throttled, "SlowDown", Exit::Unreachable),
            (ErrorName::ServiceUnavailable, "Timeout", Exit::Unreachable),
            (ErrorName::Conflict, "PreconditionFailed", Exit::No),
        ] {
            let error = reading(name, code);
            assert_eq!(error.kind().exit(), exit, "{code}");
            let said = error.kind().advice().is_some();
            assert_eq!(said, exit != Exit::No, "{code}");
        }
    }

    #[test]
    fn codes_are_numbered_as_documented() {
        let codes: Vec<_> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6]);
        assert_eq!(table().lines().count(), 9);
    }
}
