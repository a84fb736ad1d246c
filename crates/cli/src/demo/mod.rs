//! The demo: fills a table with invented interactions, runs the pipeline on it, and shows the
//! endpoint's recommendations.

mod catalogue;
pub mod data;
mod definition;
mod draw;
pub mod events;
mod hints;
pub mod images;
pub mod incremental;
mod predict;
mod recommend;
pub mod relational;
mod summary;
pub mod table;

pub use catalogue::Film;
pub use definition::{Algorithm, definition, definition_of};
pub use hints::{hints, hints_of_images};
pub use recommend::{Recommendation, columns, invocations, recommend};
pub use summary::{ShownFilm, Summary};

use crate::execution::{self, ExecutionError, Finished, HistoryOnly};
use crate::local::{Local, LocalError};
use crate::progress::{Progress, count, duration};
use ::definition::Engine;
use contract::states::{Outcome, PublishReportOutput};
use contract::{Names, RunId, ServiceError};
use data::Interactions;
use lake::documents::{self, DocumentError};
use lake::keys::{self, RunKeys};
use lake::records::VerdictRecord;
use lake::store::{ObjectStore, StoreError};
use lake::{PartError, VocabularyError};
use relational::Database;
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The table that the demo creates.
pub const TABLE: &str = "interactions";
const RECOMMENDATIONS: usize = 8;

/// Settings of the demo.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Number of interactions in the table.
    pub items: usize,
    /// Seed of the interactions.
    pub seed: u64,
    /// The user to recommend films to; by default an active one.
    pub user: Option<String>,
    /// The training algorithm.
    pub algorithm: Algorithm,
    /// Where the interactions are.
    pub source: DemoSource,
    /// Whether the table changes, and a second run merges what was captured.
    pub incremental: bool,
}

/// Where the demo's interactions are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DemoSource {
    /// In DynamoDB.
    #[default]
    Dynamodb,
    /// In a PostgreSQL server, which is installed from `PyPI`.
    Postgres,
    /// In the SQL Server for tests.
    #[value(name = "sqlServer")]
    SqlServer,
    /// Nowhere: the interactions are events, which a delivery stream collects.
    Events,
}

impl DemoSource {
    /// The parameter that the stack needs for it, with its value.
    pub fn parameter(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Dynamodb => None,
            Self::Postgres | Self::SqlServer => Some(relational::PARAMETER),
            Self::Events => Some(events::PARAMETER),
        }
    }

    /// The engine of the relational database, if it is one.
    pub const fn engine(self) -> Option<Engine> {
        match self {
            Self::Dynamodb | Self::Events => None,
            Self::Postgres => Some(Engine::Postgres),
            Self::SqlServer => Some(Engine::SqlServer),
        }
    }
}

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Local AWS failed.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The execution failed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The table could not be created or filled.
    #[error(transparent)]
    Table(#[from] Box<ServiceError>),
    /// The lake could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document of the lake is missing or invalid.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An object of captured changes cannot be read.
    #[error(transparent)]
    Changes(#[from] PartError),
    /// A vocabulary of the dataset cannot be read.
    #[error(transparent)]
    Vocabulary(#[from] VocabularyError),
    /// The execution's output or the dataset's columns do not match the contract.
    #[error("the output of the pipeline cannot be read")]
    Output(#[from] contract::read::ReadError),
    /// The dataset does not hold the user.
    #[error("there is no user {user:?} in the dataset: try u-00000")]
    UnknownUser {
        /// The user.
        user: String,
    },
    /// The endpoint recommends an unknown item.
    #[error("the endpoint recommends the item {code}, which is not in the dataset")]
    UnknownItem {
        /// The item's code.
        code: u32,
    },
    /// The endpoint cannot be reached, or its answer cannot be read.
    #[error("the endpoint {endpoint} gives no valid answer")]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The endpoint does not answer with one number per row.
    #[error(
        "the endpoint {endpoint} answers {rows} rows with {answer:?}, not with one number each"
    )]
    NoPredictions {
        /// The endpoint.
        endpoint: String,
        /// Rows of the request.
        rows: usize,
        /// The beginning of its answer.
        answer: String,
    },
    /// The dataset's columns cannot encode items.
    #[error(transparent)]
    Columns(#[from] dataset::ColumnsError),
    /// The first model was not good enough to be deployed.
    #[error("no model serves: {reason}: run again with more --items")]
    NothingServes {
        /// The verdict's reason.
        reason: String,
    },
    /// The package has something else than digits.
    #[error(
        "line {line} of the digits is none: remove target/local/venv-demo-digits and run again"
    )]
    NoDigit {
        /// The line.
        line: usize,
    },
    /// The endpoint does not answer with classes.
    #[error("the endpoint {endpoint} does not classify an image: {what}")]
    NoClass {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with its answer.
        what: String,
    },
    /// The first model of images was not good enough to be deployed.
    #[error("no model serves: {reason}")]
    NoImagesServed {
        /// The verdict's reason.
        reason: String,
    },
    /// What the demo cannot do with a table in a relational database.
    #[error("a table in a relational database trains the recommender: leave --algorithm out")]
    OnlyRecommender,
    /// The delivery stream did not deliver.
    #[error(
        "{objects} of {records} records of events were delivered: run again, or see the logs with --keep"
    )]
    NotDelivered {
        /// Objects in the lake.
        objects: u64,
        /// Records that were put.
        records: u64,
    },
    /// The changes of the table were not captured.
    #[error("{captured} of {written} changes of the table were captured within {seconds} seconds")]
    NotCaptured {
        /// Changes that were captured.
        captured: u64,
        /// Changes that were made.
        written: u64,
        /// How long the demo has waited.
        seconds: u64,
    },
    /// What the demo cannot do with a table in a relational database.
    #[error("only a table in DynamoDB has a stream: leave --source or --incremental out")]
    OnlyDynamoDb,
    /// The table has too few items to train a model.
    #[error(
        "--items {items} is too few to train a model: use {} or more",
        FEWEST_ITEMS
    )]
    TooFewItems {
        /// The requested number.
        items: usize,
    },
}

const FEWEST_ITEMS: usize = 200;

impl Settings {
    /// Checks the settings before anything is started.
    ///
    /// # Errors
    /// [`DemoError::TooFewItems`], [`DemoError::OnlyRecommender`].
    pub fn check(&self) -> Result<(), DemoError> {
        if self.source.engine().is_some() && self.algorithm != Algorithm::Recommender {
            return Err(DemoError::OnlyRecommender);
        }
        if self.incremental && self.source.engine().is_some() {
            return Err(DemoError::OnlyDynamoDb);
        }
        if self.items < FEWEST_ITEMS {
            return Err(DemoError::TooFewItems { items: self.items });
        }
        Ok(())
    }
}

/// Fills the table, puts the definition into the lake, runs the pipeline, and queries the endpoint.
///
/// # Errors
/// If one of the steps fails.
pub async fn run(
    local: &Local,
    settings: &Settings,
    progress: &Progress,
) -> Result<Summary, DemoError> {
    let interactions = Interactions::generate(settings.seed, settings.items);
    let (definition, _database) = match settings.source.engine() {
        None if settings.source == DemoSource::Events => {
            events::put(local, &interactions, progress).await?;
            (events::definition(settings.algorithm).to_string(), None)
        }
        None => {
            fill_dynamodb(local, &interactions, progress).await?;
            (definition::text(settings.algorithm).to_owned(), None)
        }
        Some(engine) => {
            let database = Database::fill(engine, local, &interactions, progress).await?;
            let definition = database.definition(settings.algorithm);
            (definition.to_string(), Some(database))
        }
    };

    let key = keys::definition(Names::DEFAULT_PIPELINE);
    local.lake().put(&key, definition.into()).await?;
    run_once(local, settings, &interactions, progress).await
}

/// Runs the pipeline, and queries the endpoint.
async fn run_once(
    local: &Local,
    settings: &Settings,
    interactions: &Interactions,
    progress: &Progress,
) -> Result<Summary, DemoError> {
    let lake = local.lake();
    let finished = execute(local, progress).await?;
    let output: PublishReportOutput = contract::read::from_value(finished.output.clone())?;
    let run: &RunId = &output.run;
    let keys = RunKeys::new(&output.pipeline, run);

    let Some(endpoint) = output.endpoint.clone() else {
        let verdict: VerdictRecord =
            documents::read(&lake, &keys.verdict(), "the decision on the model").await?;
        return Err(DemoError::NothingServes {
            reason: verdict.reason,
        });
    };
    let step = progress.step("Recommendations");
    let columns = columns(&lake, &keys).await?;
    let user = settings
        .user
        .clone()
        .unwrap_or_else(|| active_user(interactions));
    let url = local.sagemaker_url();
    let recommended = match settings.algorithm {
        Algorithm::Recommender => {
            recommend(&url, &endpoint, &columns, &user, RECOMMENDATIONS).await?
        }
        Algorithm::Xgboost => {
            predict::best(
                &url,
                &endpoint,
                &columns,
                interactions,
                &user,
                RECOMMENDATIONS,
            )
            .await?
        }
    };
    step.done(&format!("for user {user} from endpoint {endpoint}"));
    Summary::gather(
        &lake,
        &keys,
        output,
        finished,
        interactions,
        user,
        recommended,
    )
    .await
}

async fn fill_dynamodb(
    local: &Local,
    interactions: &Interactions,
    progress: &Progress,
) -> Result<(), DemoError> {
    let step = progress.step(format!("Table {TABLE}"));
    let items = interactions.items();
    let total = items.len() as u64;
    table::fill(local.aws_config(), TABLE, items, &step)
        .await
        .map_err(Box::new)?;
    step.done(&format!("{} items", count(total)));
    Ok(())
}

async fn execute(local: &Local, progress: &Progress) -> Result<Finished, DemoError> {
    let machines = aws::sfn::StateMachines::new(local.aws_config());
    let step = progress.step("State machine");
    let execution = execution::start(&machines, local.alias_arn(), &json!({})).await?;
    step.say(execution.name());
    let finished = execution.watch(step.inner(), &mut HistoryOnly).await?;
    let outcome = finished.output["outcome"]
        .as_str()
        .unwrap_or("ended")
        .to_owned();
    step.done_after(finished.took, &outcome);
    Ok(finished)
}

/// An active user who has not seen everything: a tenth of the users are more active.
fn active_user(interactions: &Interactions) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for row in &interactions.rows {
        *counts.entry(&row.user).or_default() += 1;
    }
    let mut users: Vec<_> = counts.into_iter().collect();
    users.sort_by_key(|(_, count)| Reverse(*count));
    let user = users.get(users.len() / 10);
    user.map(|(user, _)| (*user).to_owned()).unwrap_or_default()
}

/// An outcome in words.
const fn outcome_in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Exported => "exported",
        Outcome::DatasetSealed => "training files made",
        Outcome::Trained => "trained, not deployed",
        Outcome::Deployed => "deployed",
        Outcome::KeptChampion => "not better: the champion stays",
        Outcome::NothingNew => "nothing new",
    }
}
