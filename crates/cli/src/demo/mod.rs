//! The demo: fills a table with invented interactions, runs the pipeline on it, and shows what the
//! endpoint recommends. It must not know how local AWS works.

mod catalogue;
pub mod data;
mod definition;
mod draw;
mod look_around;
mod predict;
mod recommend;
mod summary;
pub mod table;

pub use catalogue::Film;
pub use definition::{Algorithm, definition, definition_of};
pub use look_around::look_around;
pub use recommend::{Recommendation, columns, invocations, recommend};
pub use summary::{Shown, Summary};

use crate::execution::{self, ExecutionError, Finished};
use crate::local::{Local, LocalError};
use crate::progress::{Progress, count, duration};
use contract::states::{Outcome, PublishReportOutput};
use contract::{Names, RunId, ServiceError};
use data::Interactions;
use lake::VocabularyError;
use lake::documents::{self, DocumentError};
use lake::keys::{self, RunKeys};
use lake::records::VerdictRecord;
use lake::store::{ObjectStore, StoreError};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The table that the demo makes.
pub const TABLE: &str = "interactions";
const RECOMMENDATIONS: usize = 8;

/// What the demo is asked for.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Interactions in the table.
    pub items: usize,
    /// Seed of the interactions.
    pub seed: u64,
    /// Whom to recommend to; by default an active one.
    pub user: Option<String>,
    /// What learns.
    pub algorithm: Algorithm,
}

/// What keeps the demo from its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Local AWS failed.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The execution failed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The table could not be made and filled.
    #[error(transparent)]
    Table(#[from] Box<ServiceError>),
    /// The lake could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document of the lake is not there or not as it must be.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A vocabulary of the dataset cannot be read.
    #[error(transparent)]
    Vocabulary(#[from] VocabularyError),
    /// The execution's output or the dataset's columns are not as the contract says.
    #[error("what the pipeline tells of itself cannot be read")]
    Told(#[from] contract::read::ReadError),
    /// There is no such user to recommend to.
    #[error("there is no user {user:?} in the dataset: try u-00000")]
    UnknownUser {
        /// The user.
        user: String,
    },
    /// The endpoint recommends what is no item.
    #[error("the endpoint recommends the item {code}, which the dataset does not know")]
    UnknownItem {
        /// The item's code.
        code: u32,
    },
    /// The endpoint does not answer as it must.
    #[error("the endpoint {endpoint} does not answer as it must")]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The endpoint answers otherwise than with a number for each row.
    #[error("the endpoint {endpoint} answers {answered:?} to {rows} rows")]
    NoPredictions {
        /// The endpoint.
        endpoint: String,
        /// How many rows it was asked.
        rows: usize,
        /// The beginning of its answer.
        answered: String,
    },
    /// The dataset's columns do not encode.
    #[error(transparent)]
    Columns(#[from] dataset::ColumnsError),
    /// The model was not good enough, and there is no other.
    #[error("no model serves: {reason}: ask for more --items")]
    NothingServes {
        /// The verdict's reason.
        reason: String,
    },
    /// The table has too few items to recommend anything.
    #[error("--items {items} is too few: {} or more make a model", FEWEST_ITEMS)]
    TooFewItems {
        /// The wish.
        items: usize,
    },
}

const FEWEST_ITEMS: usize = 200;

impl Wishes {
    /// Refuses what cannot come to an end, before anything is started.
    ///
    /// # Errors
    /// [`DemoError::TooFewItems`].
    pub const fn check(&self) -> Result<(), DemoError> {
        if self.items < FEWEST_ITEMS {
            return Err(DemoError::TooFewItems { items: self.items });
        }
        Ok(())
    }
}

/// Fills the table, puts the definition into the lake, runs the pipeline, and asks the endpoint.
///
/// # Errors
/// If any of it fails.
pub async fn run(
    local: &Local,
    wishes: &Wishes,
    progress: &Progress,
) -> Result<Summary, DemoError> {
    let step = progress.step(format!("Table {TABLE}"));
    let interactions = Interactions::generate(wishes.seed, wishes.items);
    let items = interactions.items();
    table::fill(local.aws_config(), TABLE, items, &step)
        .await
        .map_err(Box::new)?;
    step.done(&format!("{} items", count(wishes.items as u64)));

    let lake = local.lake();
    let key = keys::definition(Names::DEFAULT_PIPELINE);
    let definition = definition::text(wishes.algorithm);
    lake.put(&key, definition.into()).await?;

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
    let user = wishes
        .user
        .clone()
        .unwrap_or_else(|| active_user(&interactions));
    let url = local.sagemaker_url();
    let recommended = match wishes.algorithm {
        Algorithm::Recommender => {
            recommend(&url, &endpoint, &columns, &user, RECOMMENDATIONS).await?
        }
        Algorithm::Xgboost => {
            predict::best(
                &url,
                &endpoint,
                &columns,
                &interactions,
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
        &interactions,
        user,
        recommended,
    )
    .await
}

async fn execute(local: &Local, progress: &Progress) -> Result<Finished, DemoError> {
    let machines = aws::sfn::StateMachines::new(local.aws_config());
    let step = progress.step("State machine");
    let execution = execution::start(&machines, local.alias_arn(), &json!({})).await?;
    step.say(execution.name());
    let finished = execution.watch(step.inner()).await?;
    let outcome = finished.output["outcome"]
        .as_str()
        .unwrap_or("ended")
        .to_owned();
    step.done_after(finished.took, &outcome);
    Ok(finished)
}

/// An active user, but not one of those who have seen everything: a tenth are more active.
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

/// What an outcome means, in a few words.
const fn outcome_in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed => "deployed",
        Outcome::KeptChampion => "not better: the champion stays",
    }
}
