//! Checks a definition against the account that it is for: the table and a sample of its items, the
//! lake, and what SageMaker has. Only reads.
//!
//! The source is checked by the planner of `plan-export`, as a run does.

mod models;
mod quotas;

use crate::exit::Exit;
use crate::place::{Place, PlaceError, Settings, StackError};
use aws::capture::Captures;
use aws::dynamodb::Tables;
use aws::identity;
use aws::s3::S3Store;
use aws::secrets::SecretsManager;
use contract::{ServiceError, chain};
use definition::{Definition, FieldError};
use lake::records::ItemSample;
use lake::{keys, store};
use plan_export::{PlanExportError, Sources};
use raw_export::PlanSource;
use schemars::JsonSchema;
use serde::Serialize;

/// The account that definitions are checked against.
#[derive(Debug)]
pub struct Account<'a> {
    place: &'a Place,
    id: String,
}

/// What was found about one definition.
#[derive(Debug, Default)]
pub struct Found {
    /// What would make a run fail.
    pub faults: Vec<FieldError>,
    /// The items that were read to find the label and the columns.
    pub sample: Option<ItemSample>,
    /// What is not known.
    pub unchecked: Vec<Unchecked>,
}

/// Something that was not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unchecked {
    /// What was not checked.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
    /// The exit code, if it could have been checked.
    #[serde(skip)]
    pub exit: Option<Exit>,
}

impl Found {
    /// Something that no read of a service answers, or that need not exist yet.
    fn unknowable(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.unchecked.push(Unchecked {
            what: what.into(),
            why: why.into(),
            exit: None,
        });
    }

    /// Something that a permission or a service is missing for.
    fn hindered(&mut self, what: impl Into<String>, error: &dyn std::error::Error) {
        self.unchecked.push(Unchecked {
            what: what.into(),
            why: chain(error),
            exit: Some(Exit::Partly),
        });
    }
}

/// The account of the place's credentials; `None` if there are no credentials.
///
/// # Errors
/// If the service refuses the credentials or cannot be reached.
pub async fn account(place: &Place) -> Result<Option<Account<'_>>, ServiceError> {
    match identity::caller(place.config()).await {
        Ok(caller) => Ok(Some(Account {
            place,
            id: caller.account,
        })),
        Err(error) if error.code == aws::classify::NO_CREDENTIALS => Ok(None),
        Err(error) => Err(error),
    }
}

impl Account<'_> {
    /// Checks a definition that is valid by itself.
    pub async fn check(&self, definition: &Definition) -> Found {
        let mut found = Found::default();
        let mut definition = definition.clone();
        if let Some(stack) = self.place.stack() {
            definition.name_resources(stack);
        }
        self.source(&definition, &mut found).await;
        self.lake(&definition, &mut found).await;
        self.training(&definition, &mut found);
        self.quotas(&definition, &mut found).await;
        self.names(&definition, &mut found).await;
        self.alarms(&definition, &mut found).await;
        found
    }

    async fn source(&self, definition: &Definition, found: &mut Found) {
        // What hinders it is said of the lake.
        let settings = self.place.settings().await.ok().flatten();
        let settings = settings.unwrap_or(Settings::DEFAULT);
        let tables = Tables::new(self.place.config());
        let secrets = SecretsManager::new(self.place.config());
        // Whether there is one is another check.
        let lake = self.place.lake().await.ok();
        let mapping = self.place.capture_mapping().await.unwrap_or_default();
        let captures = Captures::new(self.place.config(), mapping);
        let sources = Sources {
            tables: &tables,
            databases: &database::Drivers::AT_ONCE,
            secrets: &secrets,
            lake: lake.as_ref(),
            captures: &captures,
            concurrency: settings.map_concurrency,
        };
        match Box::pin(sources.plan(definition)).await {
            Ok(planned) => {
                found.sample = planned.sample;
                let is_table = definition.source.dynamodb().is_some();
                if planned.sample.is_none() && definition.dataset.is_some() && is_table {
                    let why = "the table is too busy for a sample: validate again later";
                    found.unknowable("the label and the columns", why);
                }
            }
            Err(PlanExportError::NoLake) => {
                found.unknowable("the source", chain(&PlanExportError::NoLake));
            }
            Err(error) => found.add("the source", &error),
        }
    }

    async fn lake(&self, definition: &Definition, found: &mut Found) {
        match self.place.lake().await {
            Ok(store) => {
                if let Err(error) = Self::in_lake(&store, definition).await {
                    found.add("the lake", &error);
                }
            }
            Err(error @ PlaceError::Stack(StackError::Missing { .. })) => {
                found.unknowable("the stack with its lake and roles", chain(&error));
            }
            Err(error) => found.hindered("the lake", &error),
        }
    }

    /// Whether the lake can be read, and the endpoint of its champion be updated.
    async fn in_lake(store: &S3Store, definition: &Definition) -> Result<(), PlanExportError> {
        store::get_if_there(store, &keys::definition(&definition.pipeline))
            .await
            .map_err(lake::DocumentError::from)?;
        plan_export::check_endpoint(store, definition).await
    }
}

impl Found {
    /// Adds the faults of the definition, or else that it is not checked for this reason.
    fn add(&mut self, what: &str, error: &PlanExportError) {
        let faults = error.faults();
        if faults.is_empty() {
            self.hindered(what, error);
        }
        self.faults.extend(faults);
    }
}
