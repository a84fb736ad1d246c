//! The lines of the report: one for each field of a pipeline.

use crate::convert::Converted;
use crate::export::{Export, definition_file, schedule_file};
use crate::ledger::Use;
use crate::pipeline::{Field, Object, Pipeline};
use crate::report::{ExportReport, Line, Outcome, Part, PipelineReport};
use crate::rules::Rules;
use crate::secrets::Secrets;
use crate::text::visible;
use std::collections::{BTreeMap, BTreeSet};

impl Converted {
    /// What became of the pipeline.
    pub(crate) fn report(&self, pipeline: &Pipeline, secrets: &Secrets) -> PipelineReport {
        let rules = Rules {
            pipeline,
            served: &self.served,
            others: &self.others,
            readers: &self.readers,
        };
        let line = |part: Part, object: Option<(&str, &str)>, field: &Field, made: Use| {
            let hide = |text: &str| secrets.mask(&visible(text));
            let is_secret = field.is_secret()
                || (part != Part::Object
                    && object.is_some_and(|(id, _)| id.starts_with('*'))
                    && matches!(field.name(), "default" | "allowedValues"));
            let value = if is_secret {
                crate::secrets::MASK.to_owned()
            } else {
                hide(&field.shown())
            };
            Line {
                part,
                object: object.map(|(id, _)| hide(id)),
                kind: object
                    .map(|(_, kind)| hide(kind))
                    .filter(|kind| !kind.is_empty()),
                field: hide(&field.key),
                value,
                outcome: made.outcome,
                to: made.to.iter().map(|to| hide(to)).collect(),
                why: hide(&made.why),
            }
        };
        let mut fields = Vec::new();
        for property in &pipeline.properties {
            fields.push(line(Part::Pipeline, None, property, of_pipeline(property)));
        }
        let mut uses: BTreeMap<(String, String), Use> = BTreeMap::new();
        for object in &pipeline.objects {
            let kind = pipeline.type_of(object);
            for field in &object.fields {
                let marked = self.ledger.get(&object.id, field.name()).cloned();
                let made = marked.unwrap_or_else(|| rules.of(object, field));
                uses.insert((object.id.clone(), field.name().to_owned()), made.clone());
                fields.push(line(Part::Object, Some((&object.id, kind)), field, made));
            }
        }
        for parameter in &pipeline.parameters {
            for field in &parameter.fields {
                let made = self.of_attribute(pipeline, parameter, field, &uses);
                fields.push(line(
                    Part::Parameter,
                    Some((&parameter.id, "")),
                    field,
                    made,
                ));
            }
        }
        for value in &pipeline.values {
            let made = if pipeline.overrides.contains_key(value.name()) {
                Use::new(Outcome::Dropped, "an option gives another value")
            } else {
                self.of_value(value.name(), &uses)
            };
            let is_secret = pipeline.is_secret_parameter(value.name());
            let mut made = line(Part::Value, None, value, made);
            if is_secret {
                crate::secrets::MASK.clone_into(&mut made.value);
            }
            fields.push(made);
        }
        PipelineReport {
            file: visible(&pipeline.file),
            name: pipeline
                .name
                .as_deref()
                .map(|name| secrets.mask(&visible(name))),
            objects: pipeline.objects.len(),
            exports: self.exports.iter().map(export_report).collect(),
            notes: self
                .exports
                .iter()
                .flat_map(|export| {
                    let notes = export.notes.iter();
                    notes.map(|note| secrets.mask(&visible(&format!("{}: {note}", export.name))))
                })
                .collect(),
            fields,
        }
    }

    /// What becomes of an attribute of a parameter.
    fn of_attribute(
        &self,
        pipeline: &Pipeline,
        parameter: &Object,
        field: &Field,
        uses: &BTreeMap<(String, String), Use>,
    ) -> Use {
        let name = parameter.id.trim_start_matches('*');
        match field.name() {
            "default" => {
                let is_given = pipeline.overrides.contains_key(name)
                    || pipeline.values.iter().any(|value| value.name() == name);
                if is_given {
                    Use::new(Outcome::Dropped, "another value is given")
                } else {
                    self.of_value(name, uses)
                }
            }
            "type" | "description" | "optional" | "isArray" | "allowedValues" | "watermark"
            | "helpText" | "helpLink" | "name" => {
                let why = "it describes a parameter; a definition holds the value itself";
                Use::new(Outcome::Dropped, why)
            }
            field if field.starts_with("my") => {
                Use::new(Outcome::Dropped, "an attribute of your own")
            }
            _ => {
                let why = "AWS Data Pipeline documents no such attribute of parameters";
                Use::new(Outcome::Unknown, why)
            }
        }
    }

    /// What becomes of a parameter's value: the best of the fields that read it.
    fn of_value(&self, name: &str, uses: &BTreeMap<(String, String), Use>) -> Use {
        let Some(readers) = self.parameters.get(name) else {
            return Use::new(Outcome::Dropped, "no field reads it");
        };
        let mut to = BTreeSet::new();
        let mut best = Outcome::Unknown;
        for used in readers.iter().filter_map(|reader| uses.get(reader)) {
            best = best.min(used.outcome);
            to.extend(used.to.iter().cloned());
        }
        let best = match best {
            Outcome::Taken => Outcome::Derived,
            other => other,
        };
        let readers: Vec<_> = readers
            .iter()
            .map(|(id, key)| format!("{id}.{key}"))
            .collect();
        let why = format!("its value is in {}", readers.join(", "));
        Use {
            outcome: best,
            to,
            why,
        }
    }
}

/// What becomes of a field of the pipeline itself.
fn of_pipeline(field: &Field) -> Use {
    match field.key.as_str() {
        "PipelineTags" | "pipelineTags" | "tags" => {
            let why = "tags of the stack: `sam deploy --tags`";
            Use::new(Outcome::Derived, why).to("stack:tags")
        }
        "Activate" => {
            let why = "schedules are deployed disabled: enable them after a first run";
            Use::new(Outcome::Derived, why)
        }
        "Name" | "name" | "Description" | "description" => {
            Use::new(Outcome::Dropped, "pipelines are named after their tables")
        }
        "pipelineId"
        | "uniqueId"
        | "pipelineIdList"
        | "version"
        | "ResponseMetadata"
        | "pipelineCreationTime" => Use::new(Outcome::Dropped, "the service sets it"),
        _ => Use::new(
            Outcome::Unknown,
            "AWS Data Pipeline documents no such field of a pipeline",
        ),
    }
}

fn export_report(export: &Export) -> ExportReport {
    ExportReport {
        pipeline: export.name.clone(),
        activity: visible(&export.activity),
        table: visible(&export.table),
        definition: definition_file(&export.name),
        schedule: export
            .timing
            .expression
            .as_ref()
            .map(|_| schedule_file(&export.name)),
        runs: export.timing.words.clone(),
    }
}
