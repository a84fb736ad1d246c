//! The place of a pipeline: which stack, region and profile, and from the stack's outputs the lake's
//! bucket and the state machine.
//!
//! Three layers name it: options, environment variables, and `millrace.toml`. The first layer that
//! names a stack, a bucket or a state machine decides all three, so that an option never mixes with
//! a variable of another stack.

mod file;
mod options;
mod stack;

pub use file::FileError;
pub use options::Options;
pub use stack::{ColdClass, Outputs, Settings, StackError};

use crate::exit::{Exit, Explain, Kind};
use aws::SdkConfig;
use aws::s3::S3Store;
use aws::sfn::StateMachines;
use contract::Names;
use std::path::Path;
use tokio::sync::OnceCell;

/// The stack's name if nothing names one.
pub const DEFAULT_STACK: &str = "millrace";

/// Why the place is not known.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// `millrace.toml` cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// No region is set.
    #[error("no AWS region is set")]
    NoRegion,
    /// The stack cannot be used.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Only the bucket is named.
    #[error("{by} names the lake's bucket only, and this needs the state machine")]
    NoStateMachine {
        /// The option or variable.
        by: &'static str,
    },
    /// Only the state machine is named.
    #[error("{by} names the state machine only, and this needs the lake's bucket")]
    NoBucket {
        /// The option or variable.
        by: &'static str,
    },
}

impl Explain for PlaceError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::File(_) => Kind::Is(Exit::Usage, None),
            Self::NoRegion => Kind::Is(
                Exit::Usage,
                Some("--region NAME, AWS_REGION, or `region` in millrace.toml"),
            ),
            Self::Stack(error) => error.kind(),
            Self::NoStateMachine { .. } | Self::NoBucket { .. } => Kind::Is(
                Exit::Usage,
                Some("--stack NAME instead, whose outputs name both"),
            ),
        }
    }
}

/// The resources that are named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// A stack, whose outputs name them.
    Stack(String),
    /// A bucket, a state machine, or both, by themselves.
    Direct {
        bucket: Option<String>,
        state_machine: Option<String>,
    },
}

/// The place of a pipeline.
#[derive(Debug)]
pub struct Place {
    named: Named,
    /// Whether anything names it, or it is [`DEFAULT_STACK`].
    is_named: bool,
    pipeline: Option<String>,
    config: SdkConfig,
    outputs: OnceCell<Outputs>,
}

impl Place {
    /// The place that the options, the environment and the `millrace.toml` of the current folder
    /// (or the nearest above it) name. Makes no request.
    ///
    /// # Errors
    /// If the file is invalid, or no region is set.
    pub async fn find(options: Options) -> Result<Self, PlaceError> {
        let folder = std::env::current_dir().ok();
        let file = file::read(folder.as_deref().unwrap_or(Path::new(".")))?;
        let environment = Options::of_environment(|name| std::env::var(name).ok());
        let layers = [options, environment, file];
        // The SDK reads its own variables, which outrank the file.
        let of_file = |value: Option<String>, variables: [&str; 2]| {
            value.filter(|_| {
                variables
                    .iter()
                    .all(|name| std::env::var_os(name).is_none())
            })
        };
        let [options, _, file] = &layers;
        let profile = options.profile.clone();
        let profile =
            profile.or_else(|| of_file(file.profile.clone(), ["AWS_PROFILE", "AWS_ACCESS_KEY_ID"]));
        let region = options.region.clone();
        let region =
            region.or_else(|| of_file(file.region.clone(), ["AWS_REGION", "AWS_DEFAULT_REGION"]));
        let config = aws::load_for(profile.as_deref(), region.as_deref()).await;
        if config.region().is_none() {
            return Err(PlaceError::NoRegion);
        }
        Ok(Self {
            named: named(&layers),
            is_named: layers.iter().any(|layer| {
                layer.stack.is_some() || layer.bucket.is_some() || layer.state_machine_arn.is_some()
            }),
            pipeline: layers.iter().find_map(|layer| layer.pipeline.clone()),
            config,
            outputs: OnceCell::new(),
        })
    }

    /// The SDK configuration.
    pub const fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The pipeline: the named one, or else `default`.
    pub fn pipeline(&self) -> &str {
        self.pipeline.as_deref().unwrap_or(Names::DEFAULT_PIPELINE)
    }

    /// The pipeline, if one is named.
    pub fn named_pipeline(&self) -> Option<&str> {
        self.pipeline.as_deref()
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// The stack, unless a bucket or state machine is named by itself.
    pub fn stack(&self) -> Option<&str> {
        match &self.named {
            Named::Stack(stack) => Some(stack),
            Named::Direct { .. } => None,
        }
    }

    /// Whether an option, a variable or a file names it. Otherwise it is [`DEFAULT_STACK`].
    pub const fn is_named(&self) -> bool {
        self.is_named
    }

    /// Whether the state machine is known or can be looked up.
    pub const fn has_state_machine(&self) -> bool {
        match &self.named {
            Named::Stack(_) => true,
            Named::Direct { state_machine, .. } => state_machine.is_some(),
        }
    }

    /// The outputs of the stack. Asked for once.
    async fn outputs(&self, stack: &str) -> Result<&Outputs, StackError> {
        let read = || stack::read(&self.config, stack);
        self.outputs.get_or_try_init(read).await
    }

    /// The lake.
    ///
    /// # Errors
    /// If the stack cannot be used.
    pub async fn lake(&self) -> Result<S3Store, PlaceError> {
        let bucket = match &self.named {
            Named::Stack(stack) => &self.outputs(stack).await?.bucket,
            Named::Direct { bucket, .. } => bucket.as_ref().ok_or(PlaceError::NoBucket {
                by: "--state-machine-arn",
            })?,
        };
        Ok(S3Store::new(&self.config, bucket.clone()))
    }

    /// The UUID of the event source mapping that captures a table's stream; empty if none does, or no
    /// stack is named.
    ///
    /// # Errors
    /// If the stack cannot be used.
    pub async fn capture_mapping(&self) -> Result<String, PlaceError> {
        match &self.named {
            Named::Stack(stack) => Ok(self.outputs(stack).await?.capture_mapping.clone()),
            Named::Direct { .. } => Ok(String::new()),
        }
    }

    /// What of the stack a plan depends on; `None` if a bucket or state machine is named by itself.
    ///
    /// # Errors
    /// If the stack cannot be used.
    pub async fn settings(&self) -> Result<Option<Settings>, PlaceError> {
        match &self.named {
            Named::Stack(stack) => {
                let parameters = &self.outputs(stack).await?.parameters;
                Ok(Some(Settings::of(stack, parameters)?))
            }
            Named::Direct { .. } => Ok(None),
        }
    }

    /// The stack's own schedule, if it starts this pipeline; `None` if another one does, or no
    /// stack is named.
    ///
    /// # Errors
    /// If the stack cannot be used.
    pub async fn schedule(&self, pipeline: &str) -> Result<Option<&str>, PlaceError> {
        let Named::Stack(stack) = &self.named else {
            return Ok(None);
        };
        let parameters = &self.outputs(stack).await?.parameters;
        let is_its_own = parameters.get("ScheduledPipeline").map(String::as_str) == Some(pipeline);
        let schedule = parameters.get("Schedule").filter(|_| is_its_own);
        Ok(schedule.map(String::as_str))
    }

    /// The calls of Step Functions.
    pub fn machines(&self) -> StateMachines {
        StateMachines::new(&self.config)
    }

    /// The ARN to start: the stack's alias, or the named state machine.
    ///
    /// # Errors
    /// If the stack cannot be used.
    pub async fn to_start(&self) -> Result<&str, PlaceError> {
        match &self.named {
            Named::Stack(stack) => Ok(&self.outputs(stack).await?.alias_arn),
            Named::Direct { state_machine, .. } => named_machine(state_machine.as_ref()),
        }
    }

    /// The ARN of the state machine, without an alias: what executions are listed by.
    ///
    /// # Errors
    /// If the stack cannot be used.
    pub async fn state_machine(&self) -> Result<&str, PlaceError> {
        match &self.named {
            Named::Stack(stack) => Ok(&self.outputs(stack).await?.state_machine_arn),
            Named::Direct { state_machine, .. } => {
                named_machine(state_machine.as_ref()).map(without_alias)
            }
        }
    }
}

/// `stack millrace, region eu-central-1`.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.named {
            Named::Stack(stack) => write!(f, "stack {stack}")?,
            Named::Direct {
                bucket: Some(bucket),
                ..
            } => write!(f, "bucket {bucket}")?,
            Named::Direct { state_machine, .. } => {
                f.write_str(state_machine.as_deref().unwrap_or_default())?;
            }
        }
        write!(f, ", region {}", self.region())
    }
}

fn named_machine(arn: Option<&String>) -> Result<&str, PlaceError> {
    let arn = arn.ok_or(PlaceError::NoStateMachine { by: "--bucket" })?;
    Ok(arn)
}

/// `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME` of that ARN with an alias or version.
fn without_alias(arn: &str) -> &str {
    match arn.match_indices(':').nth(6) {
        Some((at, _)) => &arn[..at],
        None => arn,
    }
}

fn named(layers: &[Options]) -> Named {
    for layer in layers {
        if let Some(stack) = &layer.stack {
            return Named::Stack(stack.clone());
        }
        if layer.bucket.is_some() || layer.state_machine_arn.is_some() {
            return Named::Direct {
                bucket: layer.bucket.clone(),
                state_machine: layer.state_machine_arn.clone(),
            };
        }
    }
    Named::Stack(DEFAULT_STACK.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(name: &str) -> Options {
        Options {
            stack: Some(name.to_owned()),
            ..Options::default()
        }
    }

    #[test]
    fn the_first_layer_that_names_a_resource_decides() {
        let bucket = Options {
            bucket: Some("lake".to_owned()),
            ..Options::default()
        };
        let none = Options::default();
        let by_default = Named::Stack(DEFAULT_STACK.to_owned());
        assert_eq!(named(&[none.clone(), none.clone()]), by_default);
        let only_lake = Named::Direct {
            bucket: Some("lake".to_owned()),
            state_machine: None,
        };
        assert_eq!(
            named(&[none.clone(), bucket.clone(), stack("file")]),
            only_lake
        );
        // An option never mixes with the bucket of another stack.
        let by_option = Named::Stack("option".to_owned());
        assert_eq!(named(&[stack("option"), bucket, none]), by_option);
    }

    #[test]
    fn executions_are_listed_by_the_state_machine_itself() {
        let arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:millrace-retrain";
        assert_eq!(without_alias(&format!("{arn}:live")), arn);
        assert_eq!(without_alias(arn), arn);
    }
}
