//! What a run would take and cost, before anything happens: the export's plan by the function's own
//! library, the other steps by earlier runs or by their bounds. Reads a sample of the table, and
//! writes nothing.

mod deployed;
mod earlier;
mod error;
mod images;
mod kept;
mod limits;
mod schedule;
mod serving;
mod steps;
mod text;

pub use earlier::{FieldChange, LastRun};
pub use error::PlanError;
pub use images::{ClassRow, ImagesRow, SizeRow};
pub use kept::{LogsRow, StorageRow};
pub use limits::LimitRow;
pub use serving::EndpointRow;
pub use steps::StepRow;

use crate::exit::{Exit, Explain};
use crate::place::{DEFAULT_STACK, Place, PlaceError, Settings};
use aws::capture::Captures;
use aws::cloudwatch::CloudWatch;
use aws::dynamodb::Tables;
use aws::s3::S3Store;
use aws::secrets::SecretsManager;
use contract::chain;
use contract::states::Route;
use definition::{Definition, prices};
use deployed::Deployed;
use earlier::Earlier;
use lake::records::ItemSample;
use plan_export::{BASIS, Sources};
use raw_export::{PlanSource, Planned};
use schemars::JsonSchema;
use serde::Serialize;

/// What a run would take and cost.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The pipeline.
    pub pipeline: String,
    /// The table.
    pub table: String,
    /// Its items, by the service's last count.
    pub items: u64,
    /// Its bytes, by the same count.
    pub bytes: u64,
    /// How the items leave the table.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Read units of the export; 0 for a native export.
    pub read_units: u64,
    /// Items that were read to check the definition; absent if it makes no dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_items: Option<u64>,
    /// Read units that they took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_read_units: Option<f64>,
    /// Tasks that the stack's functions work on at once, at most.
    pub functions: u32,
    /// What the run waits for before it reads the source; empty if it begins at once.
    pub waits_for: Vec<String>,
    /// Minutes that it waits at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_minutes: Option<u32>,
    /// The steps, in order.
    pub steps: Vec<StepRow>,
    /// Minutes of all steps; absent if one is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// US dollars of all steps; absent if one is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
    /// The endpoint; absent if none serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointRow>,
    /// What a run stores.
    pub storage: StorageRow,
    /// What the images cost where they are; absent if they are not in the lake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<ImagesRow>,
    /// What a run logs.
    pub logs: LogsRow,
    /// The limits of all steps.
    pub limits: Vec<LimitRow>,
    /// Whose prices these are, and of when.
    pub prices: String,
    /// What the definition may have wrong, a sentence each.
    pub warnings: Vec<String>,
    /// What is assumed or left out because something is not known, a sentence each.
    pub assumed: Vec<String>,
    /// The newest run, and what its definition differs in; absent if there is no run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
}

/// Plans a run of a definition: that of a file, or else the pipeline's in the lake. A file needs no
/// lake: what is not deployed yet is left out, and said.
///
/// # Errors
/// If a run would be refused, or the table or the lake cannot be read.
pub async fn plan(place: &Place, file: Option<Definition>) -> Result<Document, PlanError> {
    let has_file = file.is_some();
    let Deployed {
        lake,
        settings,
        is_known: is_deployed,
        mut assumed,
    } = Deployed::find(place, has_file).await?;
    let mut definition = match (file, &lake) {
        (Some(definition), _) => definition,
        (None, Some(store)) => {
            let input = serde_json::json!({});
            plan_export::load(store, place.pipeline(), input).await?
        }
        // `Deployed` leaves the lake out for a file alone.
        (None, None) => {
            return Err(PlaceError::NoBucket {
                by: "--state-machine-arn",
            }
            .into());
        }
    };
    let stack = place.stack().unwrap_or(DEFAULT_STACK);
    definition.name_resources(stack);
    let alarms = CloudWatch::new(place.config());
    match plan_export::check_alarms(&alarms, stack, &definition).await {
        Err(error) if error.kind().exit() == Exit::Denied => {
            assumed.push(format!("the alarms are not checked: {}", chain(&error)));
        }
        checked => checked?,
    }
    let mut earlier = Earlier::default();
    if let Some(store) = &lake {
        match of_lake(store, &definition).await {
            Ok(known) => earlier = known,
            Err(error) if has_file && error.kind().exit() == Exit::Denied => {
                assumed.push(format!("earlier runs are not known: {}", chain(&error)));
            }
            Err(error) => return Err(error),
        }
    }
    let tables = Tables::new(place.config());
    let secrets = SecretsManager::new(place.config());
    // What hinders it is said of the lake.
    let mapping = place.capture_mapping().await.unwrap_or_default();
    let captures = Captures::new(place.config(), mapping);
    let sources = Sources {
        tables: &tables,
        databases: &database::Drivers::AT_ONCE,
        secrets: &secrets,
        lake: lake.as_ref(),
        captures: &captures,
        concurrency: settings.map_concurrency,
    };
    let planned = Box::pin(sources.plan(&definition)).await?;
    let mut document = document(&definition, &planned, earlier, settings);
    match limits::of_account(place.config(), &definition).await {
        Ok(quotas) => document.limits.extend(quotas),
        Err(why) => assumed.push(why),
    }
    // Without a stack, there is no schedule.
    if is_deployed && let Some(expression) = place.schedule(&definition.pipeline).await? {
        let warning = document
            .minutes
            .and_then(|minutes| schedule::warning(expression, minutes));
        document.warnings.extend(warning);
    }
    document.assumed = assumed;
    Ok(document)
}

/// What earlier runs have left, and whether the endpoint of their champion can be updated.
async fn of_lake(store: &S3Store, definition: &Definition) -> Result<Earlier, PlanError> {
    plan_export::check_endpoint(store, definition).await?;
    Earlier::read(store, definition).await
}

fn document(
    definition: &Definition,
    planned: &Planned,
    earlier: Earlier,
    settings: Settings,
) -> Document {
    let Earlier { last_run, trained } = earlier;
    let estimate = &planned.estimate;
    let steps = [
        Some(steps::export(planned)),
        steps::dataset(definition, estimate, settings.map_concurrency),
        steps::training(definition, &trained),
        serving::comparison(definition),
        serving::deployment(definition),
    ];
    let steps: Vec<_> = steps.into_iter().flatten().collect();
    let ItemSample { items, read_units } = planned.sample.unwrap_or(ItemSample {
        items: 0,
        read_units: 0.0,
    });
    let is_sampled = planned.sample.is_some();
    let mut warnings = definition.warnings();
    if let Some(source) = &planned.source {
        warnings.extend_from_slice(source.warnings());
    }
    let images = images::kept(definition, planned, settings);
    warnings.extend(images.iter().flat_map(ImagesRow::warnings));
    let mut limits = limits::of_definition(definition, estimate, &steps);
    limits.extend(limits::of_images(definition, planned));
    let own = if definition.limits.prices.are_defaults() {
        ""
    } else {
        ", with those of `limits.prices`"
    };
    Document {
        pipeline: definition.pipeline.clone(),
        table: definition.source.name().to_owned(),
        items: estimate.items,
        bytes: estimate.bytes,
        route: planned.route,
        reason: planned.reason.clone(),
        read_units: estimate.read_units,
        sampled_items: is_sampled.then_some(items),
        sampled_read_units: is_sampled.then_some(read_units),
        functions: settings.map_concurrency,
        waits_for: definition
            .ready
            .iter()
            .flat_map(|ready| ready.when.iter().map(ToString::to_string))
            .collect(),
        waits_minutes: definition.ready.as_ref().map(|ready| ready.within_minutes),
        minutes: steps.iter().map(|step| step.minutes).sum(),
        dollars: steps.iter().map(|step| step.dollars).sum(),
        endpoint: serving::endpoint(definition),
        storage: kept::storage(definition, planned, settings),
        logs: kept::logs(definition, planned, &steps, settings),
        limits,
        images,
        steps,
        prices: format!("{BASIS}{own}, {}", prices::BASIS),
        warnings,
        assumed: Vec::new(),
        last_run,
    }
}

impl Document {
    /// Whether every step is within its limits.
    ///
    /// # Errors
    /// With the limits that are not kept.
    pub fn check_limits(&self) -> Result<(), PlanError> {
        let beyond = self.limits.iter().filter(|row| row.exceeded);
        let fields: Vec<_> = beyond.map(|row| row.field.clone()).collect();
        if fields.is_empty() {
            Ok(())
        } else {
            Err(PlanError::BeyondLimits { fields })
        }
    }
}
