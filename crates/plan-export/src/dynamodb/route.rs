//! Chooses the route of the items: scan, or the table's native export.
//!
//! A scan costs about a sixth of an export per gigabyte on demand, and nothing in idle provisioned
//! capacity. So the table is scanned unless only an export is within the limits.

use super::estimate;
use crate::PlanExportError;
use contract::ErrorName;
use contract::states::{Estimate, Route};
use definition::{Definition, DynamoDbSource, FieldError, Mode};
use source::{DescribeRecovery, PointInTimeRecovery, Recoverable};

/// The chosen route, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The route.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Its estimate.
    pub estimate: Estimate,
}

/// Chooses the route. `scan` is the estimate of a scan.
///
/// Point-in-time recovery is only described where it decides: if it cannot be described, a table
/// that can be scanned is scanned.
pub async fn choose(
    definition: &Definition,
    source: &DynamoDbSource,
    scan: Estimate,
    tables: &impl DescribeRecovery,
) -> Result<Chosen, PlanExportError> {
    let mode = source.whole_mode();
    let within_limits = estimate::check_limits(definition, &scan);
    let export = estimate::export(&definition.limits, &scan);
    match (mode, source.needs_scan(), within_limits) {
        // An incremental run comes here only as a whole export.
        (Mode::Export | Mode::Incremental, ..) => {
            if let Some(obstacle) = obstacle(definition, source, &export, tables).await? {
                return Err(obstacle.refuse(definition));
            }
            Ok(Chosen {
                route: Route::Export,
                reason: format!(
                    "source.dynamodb.mode is export: {} bytes leave without a read unit, where a scan takes {}",
                    scan.bytes, scan.read_units
                ),
                estimate: export,
            })
        }
        (Mode::Scan, field, Ok(())) => Ok(scanned("source.dynamodb.mode is scan", field, scan)),
        (Mode::Auto, Some(field), Ok(())) => {
            let reason = format!("source.dynamodb.{field} needs a scan");
            Ok(scanned(&reason, Some(field), scan))
        }
        (Mode::Auto, None, Ok(())) => {
            let reason = "a scan is within the limits and costs a sixth of an export or less";
            Ok(scanned(reason, None, scan))
        }
        // Only a scan is possible, and it is above a limit.
        (Mode::Scan, _, Err(above)) | (Mode::Auto, Some(_), Err(above)) => Err(above),
        (Mode::Auto, None, Err(above)) => {
            match obstacle(definition, source, &export, tables).await? {
                Some(obstacle) => Err(PlanExportError::NoRoute {
                    obstacle: obstacle.to_string(),
                    source: Box::new(above),
                }),
                None => Ok(Chosen {
                    route: Route::Export,
                    reason: format!(
                        "{}, and the table has point-in-time recovery",
                        too_much(&above)
                    ),
                    estimate: export,
                }),
            }
        }
    }
}

/// Why a scan is refused, without the advice that belongs to a refusal.
fn too_much(above: &PlanExportError) -> String {
    match above {
        PlanExportError::LimitExceeded {
            estimate,
            field,
            cap,
            ..
        } => format!("a scan is estimated at {estimate}, above {field} of {cap}"),
        other => format!("a scan is refused ({other})"),
    }
}

fn scanned(reason: &str, field: Option<&str>, scan: Estimate) -> Chosen {
    // A user who leaves out most of a table may expect to pay for less of it.
    let all_the_same = match field {
        Some(field @ ("projection" | "filter")) => {
            format!(", which the {field} does not lower: DynamoDB charges for what it reads")
        }
        _ => String::new(),
    };
    let minutes = scan
        .minutes
        .map(|minutes| format!(" and {minutes:.1} minutes"))
        .unwrap_or_default();
    let takes = if scan.minutes.is_none() {
        "what it takes is not known, as DynamoDB has not counted the table yet".to_owned()
    } else {
        format!("it takes {} read units{minutes}", scan.read_units)
    };
    Chosen {
        route: Route::Scan,
        reason: format!("{reason}; {takes}{all_the_same}"),
        estimate: scan,
    }
}

/// Why the table cannot be exported.
enum Obstacle {
    AboveLimit(PlanExportError),
    RecoveryOff { table: String },
    RecoveryUnknown { message: String },
}

/// Why an export is not possible, or `None` if it is.
async fn obstacle(
    definition: &Definition,
    source: &DynamoDbSource,
    export: &Estimate,
    tables: &impl DescribeRecovery,
) -> Result<Option<Obstacle>, PlanExportError> {
    if let Err(above) = estimate::check_limits(definition, export) {
        return Ok(Some(Obstacle::AboveLimit(above)));
    }
    let table = source.table.clone();
    match tables.recovery(&table).await {
        Ok(PointInTimeRecovery::On(_)) => Ok(None),
        Ok(PointInTimeRecovery::Off) => Ok(Some(Obstacle::RecoveryOff { table })),
        // The role or the server lacks that operation: a retry does not help.
        Err(error)
            if matches!(
                error.name,
                ErrorName::AccessDenied | ErrorName::ServiceRejected
            ) && source.whole_mode() == Mode::Auto =>
        {
            let message = error.to_string();
            Ok(Some(Obstacle::RecoveryUnknown { message }))
        }
        Err(error) => Err(error.into()),
    }
}

/// How much of the table's past can be read.
///
/// # Errors
/// If the table has no point-in-time recovery, or it cannot be described.
pub async fn recoverable(
    definition: &Definition,
    source: &DynamoDbSource,
    tables: &impl DescribeRecovery,
) -> Result<Recoverable, PlanExportError> {
    let table = source.table.clone();
    match tables.recovery(&table).await? {
        PointInTimeRecovery::On(recoverable) => Ok(recoverable),
        PointInTimeRecovery::Off => Err(Obstacle::RecoveryOff { table }.refuse(definition)),
    }
}

impl Obstacle {
    fn refuse(self, definition: &Definition) -> PlanExportError {
        match self {
            Self::AboveLimit(above) => above,
            other => PlanExportError::Invalid {
                pipeline: definition.pipeline.clone(),
                faults: FieldError::new("source.dynamodb.mode", other.to_string()).into(),
            },
        }
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AboveLimit(above) => write!(f, "{above}"),
            Self::RecoveryOff { table } => write!(
                f,
                "an export needs point-in-time recovery, which table {table:?} does not have: turn it on (aws dynamodb update-continuous-backups --table-name {table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true), or choose scan"
            ),
            Self::RecoveryUnknown { message } => write!(
                f,
                "whether the table can be exported is not known: {message}"
            ),
        }
    }
}
