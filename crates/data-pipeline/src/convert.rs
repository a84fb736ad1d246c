//! The conversion of pipelines: plans every activity, evaluates every field, and gives every field
//! its line.

use crate::export::{Export, Finding, Planner};
use crate::expression::Evaluator;
use crate::ledger::Ledger;
use crate::names::Names;
use crate::output::{self, Conversion};
use crate::pipeline::{Object, Pipeline};
use crate::report::{Counts, Report};
use crate::schedule::Clock;
use crate::secrets::Secrets;
use crate::text::visible;
use crate::{ConvertError, Form, Input, form, json};
use std::collections::{BTreeMap, BTreeSet};

/// What decides about a conversion, beside the pipelines.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form of the files.
    pub form: Form,
    /// The resource to convert of a template; all if absent.
    pub resource: Option<String>,
    /// A file with values of parameters.
    pub values: Option<Input>,
    /// Values of single parameters, which outrank all others.
    pub sets: Vec<(String, String)>,
    /// When now is, and the time zone of schedules.
    pub clock: Clock,
    /// The label of datasets; without one, exports end after their source.
    pub label: Option<String>,
    /// The folder of the output as commands name it; empty for the current one.
    pub folder: String,
}

/// Values of parameters.
type Values = BTreeMap<String, Vec<String>>;

/// Converts pipelines.
///
/// # Errors
/// If a file cannot be read, contradicts itself, or an export lacks a value. Nothing is made then.
pub fn convert(inputs: &[Input], options: &Options) -> Result<Conversion, ConvertError> {
    let (sets, hidden) = overrides(options)?;
    let mut pipelines = Vec::new();
    for input in inputs {
        pipelines.extend(form::read(
            input,
            options.form,
            options.resource.as_deref(),
            &sets,
        )?);
    }
    check_sets(&pipelines, &sets)?;
    for pipeline in &mut pipelines {
        pipeline.overrides.clone_from(&sets);
        pipeline.other_secrets.extend(hidden.iter().cloned());
        pipeline.check()?;
    }
    let secrets = Secrets::of(&pipelines);
    let mut names = Names::default();
    let mut converted = Vec::new();
    let mut needs = BTreeSet::new();
    for pipeline in &pipelines {
        let one = Converted::of(pipeline, &secrets, &options.clock, &mut names)?;
        needs.extend(one.needs.clone());
        converted.push(one);
    }
    if !needs.is_empty() {
        return Err(ConvertError::NeedsValues {
            names: needs.iter().map(|name| visible(name)).collect(),
        });
    }
    let mut report = Report {
        pipelines: Vec::new(),
        counts: Counts::default(),
        next: Vec::new(),
    };
    for (pipeline, one) in pipelines.iter().zip(&converted) {
        let made = one.report(pipeline, &secrets);
        made.fields
            .iter()
            .for_each(|line| report.counts.add(line.outcome));
        report.pipelines.push(made);
    }
    let exports: Vec<_> = converted.iter().flat_map(|one| &one.exports).collect();
    output::write(&pipelines, &exports, options, report, &secrets)
}

/// The values of options, those of a file and single ones; and which of them are secrets by `*`.
fn overrides(options: &Options) -> Result<(Values, BTreeSet<String>), ConvertError> {
    let mut all = BTreeMap::new();
    let mut hidden = BTreeSet::new();
    if let Some(input) = &options.values {
        let text = crate::text::decode(input)?;
        let value = json::read(&input.name, &text)?;
        let part = ["values", "parameterValues", "ParameterValues"]
            .iter()
            .find_map(|key| value.get(*key));
        for field in form::values(&input.name, "values", part.unwrap_or(&value))? {
            let texts = field.texts().map(str::to_owned);
            if field.is_secret() {
                hidden.extend(field.texts().map(str::to_owned));
            }
            all.entry(field.name().to_owned())
                .or_insert_with(Vec::new)
                .extend(texts);
        }
    }
    let mut single = Values::new();
    for (name, value) in &options.sets {
        if name.starts_with('*') {
            hidden.insert(value.clone());
        }
        let name = name.trim_start_matches('*').to_owned();
        single.entry(name).or_default().push(value.clone());
    }
    all.extend(single);
    Ok((all, hidden))
}

/// A misspelt name would leave a default in place.
fn check_sets(pipelines: &[Pipeline], sets: &Values) -> Result<(), ConvertError> {
    for name in sets.keys() {
        let is_of = |pipeline: &Pipeline| {
            pipeline.has_parameter(name)
                || pipeline.template_parameters.contains(name)
                || pipeline.objects.iter().any(|object| {
                    let named = |text: &str| text.contains("#{") && text.contains(name);
                    object.fields.iter().any(|field| field.texts().any(named))
                })
        };
        if !pipelines.iter().any(is_of) {
            let known: BTreeSet<_> = pipelines
                .iter()
                .flat_map(|pipeline| {
                    let own = pipeline.parameters.iter().map(|parameter| &parameter.id);
                    own.chain(&pipeline.template_parameters)
                })
                .map(|id| visible(id.trim_start_matches('*')))
                .collect();
            let known: Vec<_> = known.into_iter().collect();
            return Err(ConvertError::NoParameter {
                place: "--set or --values".to_owned(),
                name: visible(name),
                known: if known.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("there are {}", known.join(", "))
                },
            });
        }
    }
    Ok(())
}

/// One pipeline, planned.
pub(crate) struct Converted {
    pub exports: Vec<Export>,
    pub others: BTreeMap<String, String>,
    pub ledger: Ledger,
    pub served: BTreeSet<String>,
    /// Fields that read each field and each parameter, as `object.field`.
    pub readers: BTreeMap<(String, String), BTreeSet<String>>,
    pub parameters: BTreeMap<String, BTreeSet<(String, String)>>,
    pub needs: BTreeSet<String>,
}

impl Converted {
    fn of(
        pipeline: &Pipeline,
        secrets: &Secrets,
        clock: &Clock,
        names: &mut Names,
    ) -> Result<Self, ConvertError> {
        let mut one = Self {
            exports: Vec::new(),
            others: BTreeMap::new(),
            ledger: Ledger::default(),
            served: BTreeSet::new(),
            readers: BTreeMap::new(),
            parameters: BTreeMap::new(),
            needs: BTreeSet::new(),
        };
        // First, so that an expression that cannot be evaluated is named whatever it is for.
        one.read_all(pipeline, &Evaluator::new(pipeline, secrets))?;
        let mut planner = Planner {
            pipeline,
            secrets,
            evaluator: Evaluator::new(pipeline, secrets),
            clock,
            names,
            ledger: Ledger::default(),
            needs: BTreeSet::new(),
        };
        for object in &pipeline.objects {
            if !pipeline.type_of(object).ends_with("Activity") {
                continue;
            }
            match planner.plan(object)? {
                Finding::Export(export) => {
                    serve(pipeline, object, &mut one.served);
                    one.exports.push(*export);
                }
                Finding::Other(why) => {
                    one.others.insert(object.id.clone(), why);
                }
            }
        }
        one.ledger = planner.ledger;
        one.needs = planner.needs;
        Ok(one)
    }

    /// Evaluates every field of every object, inherited ones in the object's own context.
    fn read_all(&mut self, pipeline: &Pipeline, evaluator: &Evaluator) -> Result<(), ConvertError> {
        for object in &pipeline.objects {
            // What only others inherit may name fields that they alone have.
            if pipeline.type_of(object).is_empty() {
                evaluator.check(object)?;
                continue;
            }
            let mut seen = BTreeSet::new();
            for owner in pipeline.lineage(object) {
                for field in &owner.fields {
                    let has_expression = field.texts().any(|text| text.contains("#{"));
                    if !seen.insert(field.name()) || !has_expression {
                        continue;
                    }
                    let (_, trace) = evaluator.field(object, field.name())?;
                    let reader = (owner.id.clone(), field.name().to_owned());
                    let shown = format!("{}.{}", reader.0, reader.1);
                    for read in trace.fields {
                        self.readers.entry(read).or_default().insert(shown.clone());
                    }
                    for read in trace.parameters {
                        self.parameters
                            .entry(read)
                            .or_default()
                            .insert(reader.clone());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The objects that an export refers to, directly or not; other activities are no part of it.
fn serve(pipeline: &Pipeline, activity: &Object, served: &mut BTreeSet<String>) {
    let mut open = vec![activity];
    while let Some(object) = open.pop() {
        if !served.insert(object.id.clone()) {
            continue;
        }
        for owner in pipeline.lineage(object) {
            if owner.id != object.id {
                served.insert(owner.id.clone());
            }
            for field in &owner.fields {
                if matches!(field.name(), "dependsOn" | "parent") {
                    continue;
                }
                let referred = field.refs().filter_map(|id| pipeline.object(id));
                open.extend(
                    referred.filter(|object| !pipeline.type_of(object).ends_with("Activity")),
                );
            }
        }
    }
}
