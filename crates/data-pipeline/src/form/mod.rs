//! The forms of a definition: the file form of the AWS command line, the form of the API, mixtures
//! of both, and `CloudFormation` templates.

mod cloudformation;
mod intrinsic;
mod objects;

pub(crate) use objects::values;

use crate::pipeline::Pipeline;
use crate::text::{self, Input};
use crate::{ConvertError, json, yaml};
use serde_json::Value;
use std::collections::BTreeMap;

/// The form of a definition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Recognised by its fields.
    #[default]
    Auto,
    /// `objects`, `parameters`, `values`: what `aws datapipeline get-pipeline-definition` prints.
    File,
    /// `pipelineObjects`, `parameterObjects`, `parameterValues`: what SDKs return.
    Api,
    /// A template with resources of type `AWS::DataPipeline::Pipeline`.
    CloudFormation,
}

const TERRAFORM: &str = "this is Terraform, which is not read: convert what it deployed, with `aws \
                         datapipeline get-pipeline-definition --pipeline-id df-… | millrace \
                         convert -`";

/// The pipelines of a file. `sets` are values from options, which a template's parameters take too;
/// `resource` selects one of a template.
///
/// # Errors
/// If it is not text, no JSON or YAML, or of no known form.
pub(crate) fn read(
    input: &Input,
    form: Form,
    resource: Option<&str>,
    sets: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<Pipeline>, ConvertError> {
    let text = text::decode(input)?;
    let file = input.name.as_str();
    let no = |why: &str| ConvertError::Form {
        file: file.to_owned(),
        why: why.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(no("it is empty"));
    }
    if is_terraform(file, &text) {
        return Err(no(TERRAFORM));
    }
    let value = if is_yaml(file, &text) {
        yaml::read(file, &text)?
    } else {
        json::read(file, &text)?
    };
    if value["terraform_version"].is_string() {
        return Err(no(TERRAFORM));
    }
    let form = match form {
        Form::Auto => recognise(&value).ok_or_else(|| no(&unknown(&value)))?,
        form => form,
    };
    match form {
        Form::CloudFormation => cloudformation::read(file, &value, resource, sets),
        _ if resource.is_some() => Err(no(
            "it is no CloudFormation template, so --resource names nothing in it",
        )),
        _ => objects::read(file, &value).map(|pipeline| vec![pipeline]),
    }
}

fn recognise(value: &Value) -> Option<Form> {
    let has = |key: &str| value.get(key).is_some();
    if has("Resources") {
        Some(Form::CloudFormation)
    } else if has("pipelineObjects") {
        Some(Form::Api)
    } else if has("objects") {
        Some(Form::File)
    } else {
        None
    }
}

fn unknown(value: &Value) -> String {
    let found = match value {
        Value::Object(fields) => {
            let keys: Vec<_> = fields
                .keys()
                .take(5)
                .map(|key| text::visible(key))
                .collect();
            format!("its fields are {}", keys.join(", "))
        }
        _ => "it is no object".to_owned(),
    };
    format!(
        "this is no pipeline: {found}. A definition has `objects` or `pipelineObjects`, a template \
         `Resources`"
    )
}

fn is_terraform(file: &str, text: &str) -> bool {
    let is_tf = file
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending == "tf");
    is_tf || text.contains("resource \"aws_datapipeline")
}

fn is_yaml(file: &str, text: &str) -> bool {
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    let starts_as_json = text.trim_start().starts_with(['{', '[']);
    !starts_as_json && (ending != "json")
}
