//! The outputs and parameters of a stack that commands need.

use crate::exit::{Exit, Explain, Kind};
use aws::SdkConfig;
use aws::cloudformation::Stacks;
use contract::ServiceError;
use std::collections::BTreeMap;

/// The version of this program, and so of the stacks that it fits.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a stack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// It does not exist.
    #[error("there is no stack `{stack}` in region {region}")]
    Missing {
        /// The stack.
        stack: String,
        /// The region that was asked.
        region: String,
    },
    /// It is not a Millrace stack, or its creation has not come far enough.
    #[error("the stack `{stack}` ({status}) is no stack of Millrace: it has no output {output}")]
    NotMillrace {
        /// The stack.
        stack: String,
        /// Its status.
        status: String,
        /// The missing output.
        output: &'static str,
    },
    /// A parameter that a plan depends on is no number.
    #[error(
        "the stack `{stack}` has no number in its parameter {parameter}, on which a plan depends"
    )]
    NoParameter {
        /// The stack.
        stack: String,
        /// The parameter.
        parameter: &'static str,
    },
    /// It is of a version that this program does not fit.
    #[error("the stack `{stack}` is of version {version}, this program of {VERSION}")]
    OtherVersion {
        /// The stack.
        stack: String,
        /// Its version.
        version: String,
    },
    /// CloudFormation refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
}

impl Explain for StackError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Missing { .. } => Kind::Is(
                Exit::Missing,
                Some("--stack NAME or --region NAME; `aws cloudformation list-stacks` lists them"),
            ),
            Self::NotMillrace { .. } => Kind::Is(Exit::Missing, Some("--stack NAME")),
            Self::NoParameter { .. } => Kind::Is(
                Exit::No,
                Some("update the stack from the template of its version"),
            ),
            Self::OtherVersion { .. } => Kind::Is(
                Exit::No,
                Some("install the program of the stack's version, or update the stack"),
            ),
            Self::Service(error) => Kind::Service(error),
        }
    }
}

/// The outputs of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    /// The lake's bucket.
    pub bucket: String,
    /// The state machine.
    pub state_machine_arn: String,
    /// Its alias of the version that was deployed last.
    pub alias_arn: String,
    /// The UUID of the event source mapping that captures a table's stream; empty if none does.
    pub capture_mapping: String,
    /// The values of its parameters.
    pub parameters: BTreeMap<String, String>,
}

/// What of a stack a plan depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Tasks that its functions work on at once: `MapConcurrency`.
    pub map_concurrency: u32,
    /// Days after which an export is removed, 0 for never: `RawExpiryDays`.
    pub raw_expiry_days: u32,
    /// Days after which log lines are removed: `LogRetentionDays`.
    pub log_retention_days: u32,
    /// Days after which images move to a colder class, 0 for never: `ImagesColdDays`.
    pub images_cold_days: u32,
    /// That class: `ImagesColdClass`.
    pub images_cold_class: ColdClass,
    /// Days after which images are removed, 0 for never: `ImagesExpiryDays`.
    pub images_expiry_days: u32,
}

/// A class to which images may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColdClass {
    /// `STANDARD_IA`.
    StandardIa,
    /// `GLACIER_IR`.
    GlacierIr,
}

impl ColdClass {
    /// Its name in lifecycle rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StandardIa => "STANDARD_IA",
            Self::GlacierIr => "GLACIER_IR",
        }
    }
}

impl Settings {
    /// The defaults of the template's parameters.
    pub const DEFAULT: Self = Self {
        map_concurrency: 40,
        raw_expiry_days: 180,
        log_retention_days: 30,
        images_cold_days: 0,
        images_cold_class: ColdClass::GlacierIr,
        images_expiry_days: 0,
    };

    /// Those of the stack with these parameters.
    ///
    /// # Errors
    /// If one of them is missing or no number.
    pub fn of(stack: &str, parameters: &BTreeMap<String, String>) -> Result<Self, StackError> {
        let number = |parameter: &'static str| {
            let text = parameters.get(parameter);
            let number = text.and_then(|text| text.parse().ok());
            number.ok_or_else(|| StackError::NoParameter {
                stack: stack.to_owned(),
                parameter,
            })
        };
        Ok(Self {
            map_concurrency: number("MapConcurrency")?,
            raw_expiry_days: number("RawExpiryDays")?,
            log_retention_days: number("LogRetentionDays")?,
            images_cold_days: number("ImagesColdDays")?,
            images_cold_class: match parameters.get("ImagesColdClass").map(String::as_str) {
                Some("STANDARD_IA") => ColdClass::StandardIa,
                // The template admits no third one.
                _ => ColdClass::GlacierIr,
            },
            images_expiry_days: number("ImagesExpiryDays")?,
        })
    }
}

/// Asks CloudFormation for the stack's outputs.
///
/// # Errors
/// If there is no such stack, it is not one that this program fits, or CloudFormation fails.
pub async fn read(config: &SdkConfig, stack: &str) -> Result<Outputs, StackError> {
    let described = Stacks::new(config).describe(stack).await;
    let described = described.map_err(|error| StackError::Service(Box::new(error)))?;
    let Some(described) = described else {
        return Err(StackError::Missing {
            stack: stack.to_owned(),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
        });
    };
    outputs(
        stack,
        &described.status,
        described.outputs,
        described.parameters,
    )
}

fn outputs(
    stack: &str,
    status: &str,
    mut outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
) -> Result<Outputs, StackError> {
    let mut take = |output: &'static str| {
        outputs
            .remove(output)
            .ok_or_else(|| StackError::NotMillrace {
                stack: stack.to_owned(),
                status: status.to_owned(),
                output,
            })
    };
    let version = take("MillraceVersion")?;
    if !fits(&version, VERSION) {
        return Err(StackError::OtherVersion {
            stack: stack.to_owned(),
            version,
        });
    }
    Ok(Outputs {
        bucket: take("LakeBucket")?,
        state_machine_arn: take("StateMachineArn")?,
        alias_arn: take("StateMachineAliasArn")?,
        capture_mapping: outputs.remove("CaptureMapping").unwrap_or_default(),
        parameters,
    })
}

/// Whether a stack and a program of these versions fit: the same major version, or below 1.0 the
/// same minor version.
fn fits(stack: &str, program: &str) -> bool {
    let significant = |version: &str| {
        let mut parts = version.split('.').map(str::to_owned);
        let major = parts.next();
        let minor = parts.next().filter(|_| major.as_deref() == Some("0"));
        (major, minor)
    };
    significant(stack) == significant(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Outputs, StackError> {
        let map = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        outputs("s", "CREATE_COMPLETE", map.collect(), BTreeMap::new())
    }

    #[test]
    fn a_plan_depends_on_the_stacks_own_numbers() {
        let template = include_str!("../../../../infra/template.yaml");
        let Settings {
            map_concurrency,
            raw_expiry_days,
            log_retention_days,
            images_cold_days,
            images_cold_class,
            images_expiry_days,
        } = Settings::DEFAULT;
        let class = images_cold_class.name();
        let text = format!("\n  ImagesColdClass:\n    Type: String\n    Default: {class}\n");
        assert!(template.contains(&text), "{text}");
        for (parameter, default) in [
            ("MapConcurrency", map_concurrency),
            ("RawExpiryDays", raw_expiry_days),
            ("LogRetentionDays", log_retention_days),
            ("ImagesColdDays", images_cold_days),
            ("ImagesExpiryDays", images_expiry_days),
        ] {
            let text = format!("\n  {parameter}:\n    Type: Number\n    Default: {default}\n");
            assert!(template.contains(&text), "{text}");
        }
        let mut parameters: BTreeMap<_, _> = [
            ("MapConcurrency", "8"),
            ("RawExpiryDays", "0"),
            ("LogRetentionDays", "14"),
            ("ImagesColdDays", "90"),
            ("ImagesColdClass", "STANDARD_IA"),
            ("ImagesExpiryDays", "365"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let own = Settings {
            map_concurrency: 8,
            raw_expiry_days: 0,
            log_retention_days: 14,
            images_cold_days: 90,
            images_cold_class: ColdClass::StandardIa,
            images_expiry_days: 365,
        };
        assert_eq!(Settings::of("s", &parameters).unwrap(), own);
        parameters.insert("MapConcurrency".to_owned(), "many".to_owned());
        let error = Settings::of("s", &parameters).unwrap_err().to_string();
        assert!(
            error.contains("no number in its parameter MapConcurrency"),
            "{error}"
        );
    }

    #[test]
    fn a_stack_of_another_kind_or_version_is_named() {
        let error = of(&[("Url", "https://")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the stack `s` (CREATE_COMPLETE) is no stack of Millrace: it has no output \
             MillraceVersion"
        );
        let error = of(&[("MillraceVersion", "7.1.0")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the stack `s` is of version 7.1.0, this program of {VERSION}")
        );
        let all = [
            ("MillraceVersion", VERSION),
            ("LakeBucket", "lake"),
            ("StateMachineArn", "m"),
            ("StateMachineAliasArn", "m:live"),
        ];
        assert_eq!(of(&all).unwrap().alias_arn, "m:live");
        assert!(
            of(&all[..3])
                .unwrap_err()
                .to_string()
                .contains("StateMachineAliasArn")
        );
    }

    #[test]
    fn patch_versions_fit_each_other() {
        assert!(fits("0.1.0", "0.1.7") && fits("1.2.0", "1.9.1"));
        assert!(!fits("0.1.0", "0.2.0") && !fits("1.0.0", "2.0.0"));
    }
}
