//! SageMaker in memory, for tests of code that uses the ports: it stores its resources,
//! refuses duplicates, plays statuses forward on each description, and ends as scripted.
//!
//! Every operation pauses once before its effect and once after it, so that a test which drops its
//! caller after a number of polls sees a crash at each such point.

mod alarms;
mod endpoints;
mod jobs;
mod packages;
mod scaling;
mod transforms;
mod tuning;

pub use endpoints::EndpointOutcome;
pub use jobs::JobOutcome;
pub use packages::Package;
pub use transforms::TransformOutcome;
pub use tuning::TuningOutcome;

use crate::{ConfigSpec, Guard, ModelSpec, Prediction, Tags, TrainingSpec, TransformSpec};
use contract::{ErrorName, ServiceError};
use definition::Autoscaling;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

const SERVICE: &str = "SageMaker";

/// Training and tuning jobs, models, configurations and endpoints, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct MemorySageMaker {
    // A std mutex: it is never held across an await.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    jobs: BTreeMap<String, jobs::Job>,
    next_jobs: VecDeque<JobOutcome>,
    /// The lines that every training job has logged.
    job_log: Vec<String>,
    tunings: BTreeMap<String, tuning::Tuning>,
    next_tunings: VecDeque<TuningOutcome>,
    groups: BTreeMap<String, Tags>,
    /// In the order of their creation.
    packages: Vec<Package>,
    models: BTreeMap<String, ModelSpec>,
    /// In the order of their creation.
    configs: Vec<ConfigSpec>,
    endpoints: BTreeMap<String, endpoints::Endpoint>,
    endpoint_tags: BTreeMap<String, Tags>,
    next_endpoints: VecDeque<EndpointOutcome>,
    /// Of the last update.
    guard: Option<Guard>,
    alarms: BTreeMap<String, alarms::Alarm>,
    /// By their endpoints.
    scaled: BTreeMap<String, Autoscaling>,
    /// Endpoints that have a policy of somebody else.
    scaled_by_others: BTreeSet<String>,
    /// Whether the last update of an endpoint kept the number of its instances.
    retained: Option<bool>,
    transforms: BTreeMap<String, transforms::Transform>,
    next_transforms: VecDeque<TransformOutcome>,
    answers: VecDeque<Prediction>,
    refusals: BTreeMap<&'static str, VecDeque<Box<ServiceError>>>,
    log: Vec<String>,
    calls: usize,
    fault: Option<(usize, Fault)>,
}

/// How a call fails without a word of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request never arrives.
    RequestLost,
    /// The request takes effect, and its answer is lost.
    AnswerLost,
}

impl MemorySageMaker {
    /// An account with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the next training job to be created, and not yet scripted, ends. Without a script a job
    /// completes with the metrics `validation:rmse` 0.5 and `validation:ndcg` 0.25.
    pub fn script_job(&self, outcome: JobOutcome) {
        self.state().next_jobs.push_back(outcome);
    }

    /// The lines that every training job has logged. Without a script a job has no log.
    pub fn script_log<L: Into<String>, const N: usize>(&self, lines: [L; N]) {
        self.state().job_log = lines.map(Into::into).into();
    }

    /// How the next creation or update of an endpoint, not yet scripted, ends. Without a script the
    /// endpoint serves.
    pub fn script_endpoint(&self, outcome: EndpointOutcome) {
        self.state().next_endpoints.push_back(outcome);
    }

    /// How the next transform job to be created, and not yet scripted, ends. Without a script it
    /// completes.
    pub fn script_transform(&self, outcome: TransformOutcome) {
        self.state().next_transforms.push_back(outcome);
    }

    /// The specification a transform job was created with.
    pub fn transform(&self, name: &str) -> Option<TransformSpec> {
        let state = self.state();
        state.transforms.get(name).map(|job| TransformSpec {
            tags: job.tags.clone(),
            ..job.info.spec.clone()
        })
    }

    /// What the next invocation answers. Without a script it is one line `0.5` for each row.
    pub fn script_answer(&self, content_type: &str, body: &str) {
        self.state().answers.push_back(Prediction {
            body: body.as_bytes().to_vec(),
            content_type: Some(content_type.to_owned()),
        });
    }

    /// Refuses the next call of an operation such as `CreateTrainingJob`, without an effect.
    pub fn refuse(&self, operation: &'static str, name: ErrorName, code: &str, message: &str) {
        let error = refusal(operation, "a test", name, code, message);
        let mut state = self.state();
        state
            .refusals
            .entry(operation)
            .or_default()
            .push_back(Box::new(error));
    }

    /// Lets the `number`th call from now on, from 0, end in `ServiceUnavailable`.
    pub fn fail_call(&self, number: usize, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.calls + number, fault));
    }

    /// Whether the call that was to fail has been made.
    pub fn has_failed(&self) -> bool {
        let state = self.state();
        state.fault.is_some_and(|(number, _)| number < state.calls)
    }

    /// Puts a training job there that somebody else created.
    pub fn plant_job(&self, spec: &TrainingSpec) {
        self.state().start_job(spec);
    }

    /// The operations that took effect, as `CreateModel name`, in their order.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// The names of the models.
    pub fn models(&self) -> Vec<String> {
        self.state().models.keys().cloned().collect()
    }

    /// The names of the endpoint configurations, oldest first.
    pub fn configs(&self) -> Vec<String> {
        let state = self.state();
        state.configs.iter().map(|spec| spec.name.clone()).collect()
    }

    /// How the last update of an endpoint was to shift traffic.
    pub fn guard(&self) -> Option<Guard> {
        self.state().guard.clone()
    }

    /// Whether the last update of an endpoint kept the number of its instances.
    pub fn retained(&self) -> Option<bool> {
        self.state().retained
    }

    /// The specification a training job was created with.
    pub fn job(&self, name: &str) -> Option<TrainingSpec> {
        self.state().jobs.get(name).map(|job| job.spec.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call: a pause, a refusal if one is scripted, else the effect, and a pause.
    async fn call<T>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, Box<ServiceError>> + Send,
    ) -> Result<T, ServiceError> {
        pause().await;
        let answer = {
            let mut state = self.state();
            let number = state.calls;
            state.calls += 1;
            let fault = state.fault.filter(|(at, _)| *at == number);
            let refused = state.refusals.get_mut(operation);
            match (fault, refused.and_then(VecDeque::pop_front)) {
                (Some((_, Fault::RequestLost)), _) => Err(Box::new(lost(operation))),
                (_, Some(error)) => Err(error),
                (Some((_, Fault::AnswerLost)), None) => {
                    effect(&mut state).and_then(|_| Err(Box::new(lost(operation))))
                }
                (None, None) => effect(&mut state),
            }
        };
        pause().await;
        answer.map_err(|error| *error)
    }
}

impl State {
    fn took_effect(&mut self, operation: &str, name: &str) {
        self.log.push(format!("{operation} {name}"));
    }
}

fn refusal(
    operation: &'static str,
    subject: &str,
    name: ErrorName,
    code: &str,
    message: &str,
) -> ServiceError {
    ServiceError {
        name,
        service: SERVICE,
        operation,
        subject: subject.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
        source: None,
    }
}

fn lost(operation: &'static str) -> ServiceError {
    let name = ErrorName::ServiceUnavailable;
    refusal(
        operation,
        "a test",
        name,
        "Timeout",
        "there was no answer in time",
    )
}

/// Gives way to the caller's executor once.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::MemorySageMaker;
    use crate::conformance;

    #[tokio::test]
    async fn the_memory_passes_the_suite() {
        let sagemaker = MemorySageMaker::new();
        conformance::training_jobs(&sagemaker, &conformance::job_spec("job", "s3://lake")).await;
        let model = conformance::model("scored", "image", "s3://lake/model.tar.gz");
        crate::Endpoints::create_model(&sagemaker, &model)
            .await
            .unwrap();
        conformance::transforms(
            &sagemaker,
            &conformance::transform_spec("transform", "scored"),
        )
        .await;
        conformance::scaling(&sagemaker, "suite").await;
        conformance::alarms(&sagemaker, "suite").await;
        conformance::tuning_jobs(&sagemaker, &conformance::tuning_spec("tuning", "s3://lake"))
            .await;
        conformance::model_packages(&sagemaker, "suite", "image", "s3://lake").await;
        conformance::endpoints(&sagemaker, "suite", "image", "s3://lake/model.tar.gz").await;
        conformance::endpoint_tags(&sagemaker, "tagged", "image", "s3://lake/model.tar.gz").await;
    }
}
