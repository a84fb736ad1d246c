//! `CloudFormation` templates: every resource of type `AWS::DataPipeline::Pipeline`.

use super::intrinsic::Template;
use super::objects;
use crate::ConvertError;
use crate::pipeline::{Field, Pipeline};
use serde_json::Value;
use std::collections::BTreeMap;

const TYPE: &str = "AWS::DataPipeline::Pipeline";

/// The pipelines of a template.
///
/// # Errors
/// If there is none, or it has another form.
pub(super) fn read(
    file: &str,
    value: &Value,
    resource: Option<&str>,
    sets: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<Pipeline>, ConvertError> {
    let no = |why: String| ConvertError::Form {
        file: file.to_owned(),
        why,
    };
    let Some(Value::Object(resources)) = value.get("Resources") else {
        return Err(no("it has no `Resources`".to_owned()));
    };
    let all: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == TYPE)
        .collect();
    let ids: Vec<_> = all.iter().map(|(id, _)| id.as_str()).collect();
    if all.is_empty() {
        return Err(no(format!("no resource of it is of type {TYPE}")));
    }
    if let Some(resource) = resource
        && !ids.contains(&resource)
    {
        let ids = ids.join(", ");
        return Err(no(format!("it has no pipeline `{resource}`, but {ids}")));
    }
    let mut pipelines = Vec::new();
    for (id, found) in all {
        if resource.is_some_and(|resource| resource != id) {
            continue;
        }
        let mut template = Template::new(value, sets);
        let properties = template.resolve(&found["Properties"]);
        let mut pipeline = objects::read(file, &properties)?;
        let name = |field: &Field| field.key == "Name";
        let named = pipeline.properties.iter().find(|field| name(field));
        let named = named.and_then(|field| field.texts().next());
        pipeline.name = Some(named.unwrap_or(id).to_owned());
        pipeline.placeholders = template.placeholders;
        pipeline.other_secrets = template.secrets;
        pipeline.template_parameters = template.names;
        pipelines.push(pipeline);
    }
    Ok(pipelines)
}
