//! The API's operations on model package groups, each of which holds the versions of a model.

use crate::app::App;
use crate::protocol::listing::{self, Row};
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{self, Kind, NAME, Rule, check, optional, required};
use crate::registry::records::{ModelPackage, ModelPackageGroup, record};
use crate::store::table::now;
use crate::tags;
use serde_json::{Value, json};

/// The resource type in ARNs.
pub const KIND: &str = "model-package-group";
const RULES: &[Rule] = &[
    required("ModelPackageGroupName", validation::text(63, NAME)),
    optional(
        "ModelPackageGroupDescription",
        Kind::Text {
            min: 0,
            max: 1024,
            pattern: r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*",
        },
    ),
];

/// `CreateModelPackageGroup`.
pub fn create(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    tags::validate(request)?;
    let name = text(request, "ModelPackageGroupName")?;
    let group = ModelPackageGroup {
        description: request["ModelPackageGroupDescription"]
            .as_str()
            .map(str::to_owned),
        created: now(),
        versions: 0,
    };
    let arn = app.arn(KIND, name);
    if app
        .table::<ModelPackageGroup>()
        .insert(name, group)?
        .is_some()
    {
        return Err(Refusal::validation(format!(
            "Model Package Group already exists: {arn}"
        )));
    }
    tags::store(app, KIND, name, request)?;
    Ok(json!({"ModelPackageGroupArn": arn}))
}

/// The name of a group that a request gives as a name or as an ARN.
pub fn name_of<'a>(app: &App, given: &'a str) -> &'a str {
    given.strip_prefix(&app.arn(KIND, "")).unwrap_or(given)
}

/// The refusal of a request that names a missing group.
pub fn not_found(app: &App, name: &str) -> Refusal {
    Refusal::validation(format!(
        "ModelPackageGroup {} does not exist.",
        app.arn(KIND, name)
    ))
}

/// `DescribeModelPackageGroup`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = name_of(app, text(request, "ModelPackageGroupName")?);
    let group = app.seen::<ModelPackageGroup>(name);
    let group = group.ok_or_else(|| not_found(app, name))?;
    let mut answer = summary(app, name, &group);
    answer["CreatedBy"] = json!({});
    Ok(answer)
}

fn summary(app: &App, name: &str, group: &ModelPackageGroup) -> Value {
    let mut summary = json!({
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": app.arn(KIND, name),
        "CreationTime": group.created,
        "ModelPackageGroupStatus": "Completed",
    });
    if let Some(description) = &group.description {
        summary["ModelPackageGroupDescription"] = json!(description);
    }
    summary
}

/// `DeleteModelPackageGroup`. A group that still has versions is not deleted.
pub fn delete(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = name_of(app, text(request, "ModelPackageGroupName")?);
    let prefix = record(name, "");
    let mut packages = app.table::<ModelPackage>().all().into_iter();
    if packages.any(|(record, _)| record.starts_with(&prefix)) {
        return Err(Refusal::new(
            "ConflictException",
            format!(
                "Model Package Group {} cannot be deleted, because it still contains Model Packages",
                app.arn(KIND, name)
            ),
        ));
    }
    if !app.table::<ModelPackageGroup>().remove(name)? {
        return Err(not_found(app, name));
    }
    tags::remove(app, KIND, name)?;
    Ok(json!({}))
}

/// `ListModelPackageGroups`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, group): (String, ModelPackageGroup)| Row {
        summary: summary(app, &name, &group),
        created: group.created,
        modified: group.created,
        status: String::new(),
        name,
    };
    let rows = app
        .table::<ModelPackageGroup>()
        .all()
        .into_iter()
        .map(row)
        .collect();
    listing::page(request, "ModelPackageGroupSummaryList", "Descending", rows)
}
