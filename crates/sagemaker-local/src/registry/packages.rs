//! The API's operations on model packages: the versions of a model package group, with their
//! approval.
//!
//! Packages without a group, as in AWS Marketplace, are not supported.

use crate::app::App;
use crate::protocol::listing::{self, Row};
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, S3_URI, check, optional, required, text as within};
use crate::registry::groups;
use crate::registry::records::{ModelPackage, ModelPackageGroup, record};
use crate::store::table::now;
use crate::tags;
use serde_json::{Value, json};

/// The resource type in ARNs.
pub const KIND: &str = "model-package";
const APPROVAL: Kind = Kind::OneOf(&["Approved", "Rejected", "PendingManualApproval"]);
const RULES: &[Rule] = &[
    required("ModelPackageGroupName", within(170, "")),
    optional(
        "ModelPackageDescription",
        Kind::Text {
            min: 0,
            max: 1024,
            pattern: r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*",
        },
    ),
    optional("ClientToken", within(36, "[a-zA-Z0-9-]+")),
    optional("ModelApprovalStatus", APPROVAL),
    optional("InferenceSpecification", Kind::Object),
    required(
        "InferenceSpecification.Containers",
        Kind::List { min: 1, max: 15 },
    ),
    required(
        "InferenceSpecification.Containers[].Image",
        within(255, r"[\S]+"),
    ),
    optional(
        "InferenceSpecification.Containers[].ModelDataUrl",
        within(1024, S3_URI),
    ),
    optional("ModelMetrics", Kind::Object),
    optional(
        "CustomerMetadataProperties",
        Kind::TextMap {
            entries: 50,
            key: 128,
            value: 256,
        },
    ),
];
const UPDATE_RULES: &[Rule] = &[
    required("ModelPackageArn", within(2048, "")),
    optional("ModelApprovalStatus", APPROVAL),
    optional(
        "ApprovalDescription",
        Kind::Text {
            min: 0,
            max: 1024,
            pattern: "",
        },
    ),
];

/// `CreateModelPackage`.
pub fn create(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    tags::validate(request)?;
    let group = groups::name_of(app, text(request, "ModelPackageGroupName")?).to_owned();
    if let Some(arn) = created_before(app, &group, request) {
        return Ok(json!({"ModelPackageArn": arn}));
    }
    let number = |group: &mut ModelPackageGroup| {
        group.versions += 1;
        Ok(group.versions)
    };
    let version = app.table::<ModelPackageGroup>().update(&group, number)?;
    let version = version.ok_or_else(|| groups::not_found(app, &group))?;
    let time = now();
    let approval = request["ModelApprovalStatus"].as_str();
    let package = ModelPackage {
        request: request.clone(),
        version,
        created: time,
        modified: time,
        approval: approval.unwrap_or("PendingManualApproval").to_owned(),
        approval_description: None,
        group,
    };
    let name = format!("{}/{version}", package.group);
    let record_name = record(&package.group, &version.to_string());
    app.table::<ModelPackage>().insert(&record_name, package)?;
    tags::store(app, KIND, &name, request)?;
    Ok(json!({"ModelPackageArn": app.arn(KIND, &name)}))
}

/// The ARN of the version that an earlier request with the same token created.
fn created_before(app: &App, group: &str, request: &Value) -> Option<String> {
    let token = request["ClientToken"].as_str()?;
    let mut packages = app.table::<ModelPackage>().all().into_iter();
    let (_, made) =
        packages.find(|(_, it)| it.group == group && it.request["ClientToken"] == *token)?;
    Some(app.arn(KIND, &format!("{}/{}", made.group, made.version)))
}

/// The name of the record of the version with this ARN.
pub fn record_name(app: &App, arn: &str) -> Result<String, Refusal> {
    let name = arn.strip_prefix(&app.arn(KIND, ""));
    let record_name = name
        .and_then(|name| name.rsplit_once('/'))
        .map(|(group, version)| record(group, version));
    record_name
        .filter(|record_name| app.table::<ModelPackage>().get(record_name).is_some())
        .ok_or_else(|| Refusal::validation(format!("ModelPackage {arn} does not exist.")))
}

fn summary(app: &App, package: &ModelPackage) -> Value {
    let arn = app.arn(KIND, &format!("{}/{}", package.group, package.version));
    let mut summary = json!({
        "ModelPackageGroupName": package.group,
        "ModelPackageVersion": package.version,
        "ModelPackageArn": arn,
        "CreationTime": package.created,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": package.approval,
    });
    if let Some(description) = package.request["ModelPackageDescription"].as_str() {
        summary["ModelPackageDescription"] = json!(description);
    }
    summary
}

/// `DescribeModelPackage`, by the version's ARN.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let arn = text(request, "ModelPackageName")?;
    let record_name = record_name(app, arn)?;
    let package = app.seen::<ModelPackage>(&record_name);
    let package = package
        .ok_or_else(|| Refusal::validation(format!("ModelPackage {arn} does not exist.")))?;
    let mut answer = summary(app, &package);
    // The answer requires a name, but a version has none of its own.
    answer["ModelPackageName"] = json!(package.group);
    for member in [
        "InferenceSpecification",
        "ModelMetrics",
        "CustomerMetadataProperties",
        "MetadataProperties",
        "Domain",
        "Task",
        "SourceUri",
    ] {
        if !package.request[member].is_null() {
            answer[member] = package.request[member].clone();
        }
    }
    answer["ModelPackageStatusDetails"] = json!({"ValidationStatuses": []});
    answer["LastModifiedTime"] = json!(package.modified);
    if let Some(description) = package.approval_description {
        answer["ApprovalDescription"] = json!(description);
    }
    Ok(answer)
}

/// `UpdateModelPackage`: the approval and the metadata.
pub fn update(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, UPDATE_RULES)?;
    let arn = text(request, "ModelPackageArn")?;
    let record_name = record_name(app, arn)?;
    let changed = app
        .table::<ModelPackage>()
        .update(&record_name, |package| {
            if let Some(approval) = request["ModelApprovalStatus"].as_str() {
                approval.clone_into(&mut package.approval);
            }
            if let Some(description) = request["ApprovalDescription"].as_str() {
                package.approval_description = Some(description.to_owned());
            }
            for (name, value) in request["CustomerMetadataProperties"]
                .as_object()
                .into_iter()
                .flatten()
            {
                package.request["CustomerMetadataProperties"][name] = value.clone();
            }
            package.modified = now();
            Ok(())
        })?;
    changed.ok_or_else(|| Refusal::validation(format!("ModelPackage {arn} does not exist.")))?;
    Ok(json!({"ModelPackageArn": arn}))
}

/// `DeleteModelPackage`, by the version's ARN.
pub fn delete(app: &App, request: &Value) -> Result<Value, Refusal> {
    let arn = text(request, "ModelPackageName")?;
    let record_name = record_name(app, arn)?;
    app.table::<ModelPackage>().remove(&record_name)?;
    // `record_name` has found this prefix.
    tags::remove(app, KIND, &arn[app.arn(KIND, "").len()..])?;
    Ok(json!({}))
}

/// `ListModelPackages`, of one group or of all.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let group = request["ModelPackageGroupName"].as_str();
    let group = group.map(|group| groups::name_of(app, group));
    let approval = request["ModelApprovalStatus"].as_str();
    let packages = app.table::<ModelPackage>().all().into_iter();
    let rows = packages
        .filter(|(_, package)| {
            group.is_none_or(|group| package.group == group)
                && approval.is_none_or(|approval| package.approval == approval)
        })
        .map(|(name, package)| Row {
            summary: summary(app, &package),
            created: package.created,
            modified: package.modified,
            status: "Completed".to_owned(),
            name,
        });
    listing::page(
        request,
        "ModelPackageSummaryList",
        "Descending",
        rows.collect(),
    )
}
