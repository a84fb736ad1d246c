//! Compares both models on the same rows: pins the champion, writes the rows, lets each model
//! predict them in a transform job, and computes the metric of both. The rule decides what follows.
//!
//! Each step is looked up before it is taken, so the next call resumes after a call that died.

mod job;
mod metric;
mod predictions;
mod rows;

use crate::{JudgeModelError, Settings};
use contract::{Conflict, ErrorName, Named as _, Names};
use dataset::Columns;
use definition::{PartMissing, Reevaluate, RowMetric};
use job::JobState;
use lake::records::{
    Champion, DatasetPlan, DatasetRecord, JudgedRows, Plan, Reevaluation, SampleRecord,
    TrainingRecord,
};
use lake::{ObjectStore, RunKeys, documents, vocabulary};
use metric::{Tally, Truth};
use sagemaker_ports::{Endpoints, Ensured, ModelSpec, Owner, Transforms};

/// The run's model, and the champion that it is compared with.
pub struct Comparison<'a, S, G> {
    pub store: &'a S,
    pub sagemaker: &'a G,
    pub settings: &'a Settings,
    pub run: &'a RunKeys,
    /// How often the execution was redriven.
    pub redrives: u32,
    pub plan: &'a Plan,
    pub training: &'a TrainingRecord,
    pub reevaluate: &'a Reevaluate,
    pub champion: Champion,
}

/// State of the comparison.
pub enum ComparisonState {
    /// Not finished: poll again later.
    InProgress {
        /// What is being waited for.
        how: String,
        /// Seconds until the next poll.
        wait: u32,
    },
    /// The two cannot be compared, for this reason.
    Incomparable(String),
    /// The metric of both.
    Compared(Reevaluation),
}

const SAMPLE: &str = "the rows of a comparison";

/// The champion that the run's model is compared with: the champion at the first call.
pub async fn pin_champion(
    store: &impl ObjectStore,
    run: &RunKeys,
    champion: Champion,
) -> Result<Champion, JudgeModelError> {
    documents::commit(store, &run.comparison(), &champion).await?;
    let pinned = documents::read(store, &run.comparison(), "the champion of a comparison").await?;
    Ok(pinned)
}

/// Removes the model that was created for the comparison, if there is one.
pub async fn remove_model(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    run: &RunKeys,
) -> Result<(), JudgeModelError> {
    let key = run.comparison();
    let pinned: Option<Champion> =
        documents::read_if_there(store, &key, "the champion of a comparison").await?;
    if pinned.is_some() {
        let name = Names::run_resource(run.pipeline(), run.run());
        endpoints.delete_model(&name).await?;
    }
    Ok(())
}

impl<S: ObjectStore, G: Endpoints + Transforms> Comparison<'_, S, G> {
    /// Takes the next steps, and returns the state of the comparison.
    pub async fn step(&self) -> Result<ComparisonState, JudgeModelError> {
        let metric_name = &self.plan.definition.promotion()?.metric;
        let Some(metric) = RowMetric::of(metric_name) else {
            let why = format!("{metric_name} cannot be computed from predictions and labels");
            return Ok(ComparisonState::Incomparable(why));
        };
        let key = self.run.judged_sample();
        let sample = match documents::read_if_there(self.store, &key, SAMPLE).await? {
            Some(sample) => sample,
            None => self.write_sample(metric).await?,
        };
        if let Some(why) = sample.incomparable {
            return Ok(ComparisonState::Incomparable(why));
        }
        match self.models().await? {
            Models::Exist => {}
            Models::Pending => {
                let how = "SageMaker does not show the models yet".to_owned();
                let wait = sagemaker_ports::wait_seconds(0);
                return Ok(ComparisonState::InProgress { how, wait });
            }
            Models::Missing(why) => return Ok(ComparisonState::Incomparable(why)),
        }
        self.compare(metric, sample.rows).await
    }

    /// Lets both models predict the rows, then computes the metric of both.
    async fn compare(
        &self,
        metric: RowMetric,
        rows: JudgedRows,
    ) -> Result<ComparisonState, JudgeModelError> {
        let mut attempts = [1; 2];
        let mut states = Vec::with_capacity(attempts.len());
        for (role, on) in [Names::CHALLENGER, Names::CHAMPION]
            .into_iter()
            .zip(&mut attempts)
        {
            *on = self.attempts(role).current().await??.attempt;
            let spec = self.job(role, *on)?;
            let state = self.poll(role, *on, &spec).await?;
            states.push((spec.name, state));
        }
        let unfinished = states.iter().filter_map(|(_, state)| match state {
            JobState::Completed => None,
            JobState::InProgress { age_seconds, .. } => Some(*age_seconds),
        });
        if let Some(age) = unfinished.max() {
            let jobs: Vec<_> = states
                .iter()
                .map(|(job, state)| format!("{job} {state}"))
                .collect();
            let how = format!(
                "this model and the champion (run {}) predict the same {} rows: {}",
                self.champion.run,
                rows.rows,
                jobs.join(", ")
            );
            let wait = sagemaker_ports::wait_seconds(age);
            return Ok(ComparisonState::InProgress { how, wait });
        }
        let truths = self.truths(rows).await?;
        Ok(ComparisonState::Compared(Reevaluation {
            value: self
                .value(metric, &truths, Names::CHALLENGER, attempts[0])
                .await?,
            champion: self
                .value(metric, &truths, Names::CHAMPION, attempts[1])
                .await?,
            rows,
        }))
    }

    /// Picks the rows and writes them, or records why there are none to compare on.
    async fn write_sample(&self, metric: RowMetric) -> Result<SampleRecord, JudgeModelError> {
        let mut rows = rows::Rows::default();
        let incomparable = match self.champions_columns().await? {
            Err(why) => Some(why),
            Ok((plan, columns)) => {
                let most = self.reevaluate.rows;
                rows = rows::pick(self.store, self.run, &plan, &columns, most).await?;
                self.why_not(metric, &rows)
            }
        };
        let record = SampleRecord {
            rows: rows.counts,
            incomparable,
        };
        if record.incomparable.is_none() {
            let labels = rows::to_lines(&rows.truths);
            for (key, body) in [
                (self.run.judged_labels(), labels),
                (
                    self.run.judged_rows_file(Names::CHALLENGER),
                    rows.challenger,
                ),
                (self.run.judged_rows_file(Names::CHAMPION), rows.champion),
            ] {
                self.store.put_if_absent(&key, body.into()).await?;
            }
        }
        // Written last: a reader of this record finds the rows complete.
        documents::commit(self.store, &self.run.judged_sample(), &record).await?;
        tracing::info!(rows = ?record.rows, reason = record.incomparable, "picked the rows to compare by");
        Ok(documents::read(self.store, &self.run.judged_sample(), SAMPLE).await?)
    }

    fn why_not(&self, metric: RowMetric, rows: &rows::Rows) -> Option<String> {
        if rows.truths.is_empty() {
            let JudgedRows { unfit, trained, .. } = rows.counts;
            return Some(format!(
                "no row of this run's validation data can be put to both: the champion (run {}) was trained on \
                 {trained}, and {unfit} do not fit its columns",
                self.champion.run
            ));
        }
        metric::check_labels(metric, &rows.truths).err()
    }

    /// How this run's rows were made, and the champion's columns, if both predict the same label.
    async fn champions_columns(
        &self,
    ) -> Result<Result<(DatasetPlan<Columns>, Columns), String>, JudgeModelError> {
        let key = self.run.dataset_plan();
        let mut plan: DatasetPlan<Columns> =
            documents::read(self.store, &key, "the dataset's plan").await?;
        let run = &self.champion.run;
        let key = &self.champion.dataset;
        let theirs: Option<DatasetRecord> =
            documents::read_if_there(self.store, key, "the champion's dataset").await?;
        let Some(theirs) = theirs else {
            return Ok(Err(format!("the champion's dataset {key} is gone")));
        };
        if !["text/csv", "application/x-parquet"].contains(&theirs.content_type.as_str()) {
            let of = &theirs.content_type;
            return Ok(Err(format!(
                "the champion (run {run}) was trained on {of}, so it does not take lines of CSV"
            )));
        }
        let mut columns: Columns = match contract::read::from_value(theirs.columns) {
            Ok(columns) => columns,
            Err(error) => {
                return Ok(Err(format!(
                    "this version cannot read the columns of the champion's dataset {key} ({error})"
                )));
            }
        };
        if columns.label != plan.columns.label {
            return Ok(Err(format!(
                "the champion (run {run}) predicts `{}`, and this model `{}`",
                columns.label, plan.columns.label
            )));
        }
        if columns.label_classes != plan.columns.label_classes {
            return Ok(Err(format!(
                "the classes of `{}` that the champion (run {run}) predicts differ from this model's",
                columns.label
            )));
        }
        match vocabulary::read(self.store, &theirs.vocabularies).await {
            Ok(vocabularies) => columns.set_vocabularies(vocabularies),
            Err(error) if error.name() == ErrorName::NotFound => {
                return Ok(Err(format!(
                    "a vocabulary of the champion's dataset {key} is gone"
                )));
            }
            Err(error) => return Err(error.into()),
        }
        // The champion may have been trained on any of several items with one key.
        columns.deduplicate = None;
        let vocabularies = vocabulary::read(self.store, &plan.vocabularies).await?;
        plan.columns.set_vocabularies(vocabularies);
        Ok(Ok((plan, columns)))
    }

    /// Ensures that both models exist; the champion's exists unless somebody deleted it.
    async fn models(&self) -> Result<Models, JudgeModelError> {
        let Champion { run, model, .. } = &self.champion;
        // A job that predicts loads the artifact, whether or not the model exists.
        let keys = RunKeys::new(self.run.pipeline(), run);
        lake::artifact::check_run(self.store, &keys).await??;
        if self.sagemaker.describe_model(model).await?.is_none() {
            let what = "the champion's plan or record of training";
            let plan = documents::read_if_there(self.store, &keys.plan(), what).await?;
            let training = documents::read_if_there(self.store, &keys.training(), what).await?;
            let (Some(plan), Some(training)) = (plan, training) else {
                return Ok(Models::Missing(format!(
                    "the champion's model {model} is gone, and so is the record to recreate it from"
                )));
            };
            let mut spec = self.spec(&plan, run, &training)?;
            spec.name.clone_from(model);
            if !self.ensure_model(&spec).await? {
                return Ok(Models::Pending);
            }
        }
        let own = self.spec(self.plan, self.run.run(), self.training)?;
        Ok(if self.ensure_model(&own).await? {
            Models::Exist
        } else {
            Models::Pending
        })
    }

    fn spec(
        &self,
        plan: &Plan,
        run: &contract::RunId,
        training: &TrainingRecord,
    ) -> Result<ModelSpec, PartMissing> {
        let (image, artifact) = (&training.image, &training.artifact);
        ModelSpec::of_run(
            &plan.definition,
            run,
            image,
            artifact,
            &self.settings.role_arn,
            Owner::new(&self.settings.stack, self.run.pipeline()).run_tags(run),
        )
    }

    async fn ensure_model(&self, spec: &ModelSpec) -> Result<bool, JudgeModelError> {
        match sagemaker_ports::ensure_model(self.sagemaker, spec).await? {
            Ensured::Exists => Ok(true),
            Ensured::Pending => Ok(false),
            Ensured::Conflicts(differences) => {
                Conflict::check("model", &spec.name, &differences)?;
                Ok(true)
            }
        }
    }

    async fn truths(&self, rows: JudgedRows) -> Result<Vec<Truth>, JudgeModelError> {
        let key = self.run.judged_labels();
        let text = self.store.get(&key).await?;
        let truths = rows::from_lines(&text).ok();
        let whole = truths.filter(|truths| truths.len() as u64 == rows.rows);
        whole.ok_or(JudgeModelError::Labels {
            key,
            rows: rows.rows,
        })
    }

    async fn value(
        &self,
        metric: RowMetric,
        truths: &[Truth],
        role: &'static str,
        attempt: u32,
    ) -> Result<f64, JudgeModelError> {
        let prefix = self.run.judged_predictions(role, attempt);
        let mut tally = Tally::new(metric, truths);
        let rows = truths.len() as u64;
        let read = predictions::read(self.store, &prefix, rows, |at, predicted| {
            tally.add(truths[at], predicted)
        });
        match read.await {
            Ok(()) => Ok(tally.finish()),
            Err(predictions::PredictionsError::Store(error)) => Err(error.into()),
            Err(predictions::PredictionsError::Invalid(what)) => {
                Err(JudgeModelError::Predictions {
                    role,
                    job: self.job(role, attempt)?.name,
                    what,
                })
            }
        }
    }
}

enum Models {
    Exist,
    Pending,
    Missing(String),
}
