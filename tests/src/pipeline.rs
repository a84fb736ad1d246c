//! A pipeline on local AWS: the stack deployed, a table filled, a definition in the lake. Every
//! tested part is the deployed one.

use aws::s3::S3Store;
use aws::sfn::StateMachines;
use contract::states::PublishReportOutput;
use dataset::Columns;
use lake::records::{DatasetRecord, Plan, SegmentRecord};
use lake::{ObjectStore, RunKeys, documents, native, part, segment};
use millrace::demo;
use millrace::demo::data::Interactions;
use millrace::execution::{self, Execution, ExecutionError, Finished};
use millrace::local::{Local, Options};
use millrace::progress::Progress;
use millrace::verify;
use profile::Profile;
use serde_json::Value;

/// Local AWS with a filled table and a definition.
pub struct Pipeline {
    /// The servers and the stack.
    pub local: Local,
    /// The lake.
    pub lake: S3Store,
}

impl Pipeline {
    /// Starts local AWS and deploys the stack.
    ///
    /// # Panics
    /// If it cannot be started: without it nothing can be tested.
    pub async fn start() -> Self {
        Self::start_by(&Options::new(Progress::plain())).await
    }

    /// Starts local AWS and deploys the stack with a parameter of this name and value.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start_with((name, value): (&str, &str)) -> Self {
        let mut options = Options::new(Progress::plain());
        options.parameters.insert(name.to_owned(), value.to_owned());
        Self::start_by(&options).await
    }

    /// Starts local AWS with a container image of this name and the words of its command.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start_with_image((name, words): (&str, Vec<String>)) -> Self {
        let mut options = Options::new(Progress::plain());
        options.images.insert(name.to_owned(), words);
        Self::start_by(&options).await
    }

    async fn start_by(options: &Options) -> Self {
        let local = Local::start(options).await.expect("local AWS");
        let lake = local.lake();
        Self { local, lake }
    }

    /// Makes the demo's table and fills it.
    ///
    /// # Panics
    /// If the table cannot be filled.
    pub async fn fill(&self, table: &str, interactions: &Interactions) {
        let step = Progress::quiet().step("table");
        demo::table::fill(self.local.aws_config(), table, interactions.items(), &step)
            .await
            .expect("filling the table");
    }

    /// Puts a definition into the lake.
    ///
    /// # Panics
    /// If the lake cannot be written.
    pub async fn define(&self, pipeline: &str, definition: &str) {
        let key = lake::keys::definition(pipeline);
        self.lake
            .put(&key, definition.to_owned().into())
            .await
            .expect("putting the definition");
    }

    /// Starts an execution.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start_run(&self, input: &Value) -> Execution {
        let machines = StateMachines::new(self.local.aws_config());
        execution::start(&machines, self.local.alias_arn(), input)
            .await
            .expect("starting an execution")
    }

    /// Runs the pipeline to its end.
    ///
    /// # Errors
    /// How the execution failed.
    pub async fn run(&self, input: &Value) -> Result<Finished, ExecutionError> {
        self.start_run(input).await.wait().await
    }

    /// Runs the pipeline to a good end.
    ///
    /// # Panics
    /// If the execution fails, or its output is not the contract's.
    pub async fn run_well(&self, input: &Value) -> PublishReportOutput {
        let finished = self.run(input).await.expect("the execution succeeds");
        contract::read::from_value(finished.output).expect("the output is the contract's")
    }

    /// Runs the pipeline to a failure; returns the error's name and its cause.
    ///
    /// # Panics
    /// If the execution does not fail in a state.
    pub async fn run_badly(&self, input: &Value) -> (String, String) {
        match self.run(input).await {
            Err(ExecutionError::Failed { error, cause, .. }) => (error, cause),
            other => panic!("{input} ended as {other:?}"),
        }
    }

    /// Every raw item of a run, parsed, as the manifests list them.
    ///
    /// # Panics
    /// If a manifest is missing, or a part is not what it says.
    pub async fn raw_items(&self, keys: &RunKeys) -> Vec<Value> {
        raw_items(&self.lake, keys).await
    }

    /// Compares the raw parts of a run with the table: every item once, and nothing else.
    ///
    /// # Panics
    /// With the first difference.
    pub async fn assert_exported(&self, keys: &RunKeys, interactions: &Interactions) {
        assert_same_items(&self.raw_items(keys).await, interactions.items());
    }

    /// What `millrace verify` says of a run.
    ///
    /// # Panics
    /// If the lake cannot be read.
    pub async fn verify(&self, keys: &RunKeys) -> String {
        let (pipeline, run) = (keys.pipeline(), keys.run());
        let verification = verify::read_again(&self.lake, pipeline, run, &Progress::quiet())
            .await
            .expect("reading the run again");
        verify::summary(&verification, self.lake.bucket(), pipeline, run)
    }

    /// The sealed dataset of a run, and its columns.
    ///
    /// # Panics
    /// If it is not there.
    pub async fn dataset(&self, keys: &RunKeys) -> (DatasetRecord, Columns) {
        let record: DatasetRecord = documents::read(&self.lake, &keys.dataset(), "the dataset")
            .await
            .expect("the dataset is sealed");
        let columns =
            contract::read::from_value(record.columns.clone()).expect("columns are readable");
        (record, columns)
    }

    /// Asks the endpoint of a run what two users may like, and checks the answers: ten films of the
    /// table each, the best first, and not the same ones.
    ///
    /// # Panics
    /// If there is no endpoint, or it answers otherwise.
    pub async fn assert_recommends(
        &self,
        keys: &RunKeys,
        interactions: &Interactions,
        output: &PublishReportOutput,
    ) {
        let (_, columns) = self.dataset(keys).await;
        let url = self.local.sagemaker_url();
        let endpoint = output.endpoint.as_deref().expect("the run deployed");
        let mut rows = interactions.rows.iter();
        let one = &rows.next().expect("interactions").user;
        let other = rows.find(|row| row.user != *one);
        let mut recommended = Vec::new();
        for user in [one, &other.expect("two users").user] {
            let items = demo::recommend(&url, endpoint, &columns, user, 10)
                .await
                .expect("the endpoint answers");
            assert_eq!(items.len(), 10);
            assert!(
                items.windows(2).all(|pair| pair[0].score >= pair[1].score),
                "best first: {items:?}"
            );
            let is_known = |item: &demo::Recommendation| interactions.film(&item.item).is_some();
            assert!(items.iter().all(is_known), "{items:?}");
            let films = items.into_iter().map(|item| item.item);
            recommended.push(films.collect::<Vec<_>>());
        }
        assert_ne!(recommended[0], recommended[1], "they are the user's own");
    }

    /// Every line of every object below a channel's prefix.
    ///
    /// # Panics
    /// If an object cannot be read.
    pub async fn csv(&self, keys: &RunKeys, channel: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let objects = self
            .lake
            .list(&keys.channel(channel))
            .await
            .expect("listing");
        for object in objects {
            let text = self.lake.get(&object.key).await.expect("reading");
            let text = std::str::from_utf8(&text).expect("CSV is ASCII");
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }
}

/// Every raw item of a run, parsed, as the manifests list them.
///
/// # Panics
/// If a manifest is missing, or a part is not what it says.
pub async fn raw_items(lake: &S3Store, keys: &RunKeys) -> Vec<Value> {
    let plan: Plan = documents::read(lake, &keys.plan(), "the plan")
        .await
        .expect("plan");
    let mut items = Vec::new();
    let segments = native::segments(lake, &plan)
        .await
        .expect("the export has completed");
    for number in segments {
        let manifest: SegmentRecord<Profile> = segment::manifest(lake, keys, number)
            .await
            .expect("the manifest is readable")
            .expect("the segment is whole");
        for listed in &manifest.parts {
            part::read_lines(lake, listed, |line| {
                let line: Value = serde_json::from_slice(line).expect("a line is JSON");
                items.push(line["Item"].clone());
            })
            .await
            .expect("the part is as committed");
        }
    }
    items
}

/// Compares exported items with those expected: every item once, and nothing else.
///
/// # Panics
/// With the first difference.
pub fn assert_same_items<'a>(exported: &[Value], wanted: impl Iterator<Item = &'a Value>) {
    let mut exported: Vec<_> = exported.iter().map(canonical).collect();
    let mut wanted: Vec<_> = wanted.map(canonical).collect();
    exported.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(exported.len(), wanted.len(), "as many items as there are");
    for (exported, item) in exported.iter().zip(&wanted) {
        assert_eq!(exported, item);
    }
}

/// DynamoDB JSON whose sets and names have one order, so that equal items are equal text.
pub(crate) fn canonical(item: &Value) -> String {
    fn sorted(value: &Value, in_set: bool) -> Value {
        match value {
            Value::Object(object) => {
                let mut names: Vec<_> = object.keys().collect();
                names.sort_unstable();
                let entries = names.into_iter().map(|name| {
                    let is_set = matches!(name.as_str(), "SS" | "NS" | "BS");
                    (name.clone(), sorted(&object[name], is_set))
                });
                Value::Object(entries.collect())
            }
            Value::Array(elements) => {
                let mut elements: Vec<_> = elements.iter().map(|e| sorted(e, false)).collect();
                if in_set {
                    elements.sort_by_key(ToString::to_string);
                }
                Value::Array(elements)
            }
            other => other.clone(),
        }
    }
    sorted(item, false).to_string()
}

/// The ids of the processes that run a function of this stack now.
///
/// # Panics
/// Where there is no `/proc`.
pub fn processes_of(local: &Local, function: &str) -> Vec<i32> {
    let port = format!("GATEWAY_PORT={}", local.ministack_port());
    let processes = std::fs::read_dir("/proc").expect("a machine with /proc");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id: &i32| {
            // A process that has just ended, or is somebody else's, is none of ours.
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            let (mut ours, mut named) = (false, false);
            variables
                .by_ref()
                .filter_map(|v| std::str::from_utf8(v).ok())
                .for_each(|variable| {
                    ours |= variable == port;
                    named |= variable
                        .strip_prefix("AWS_LAMBDA_FUNCTION_NAME=")
                        .is_some_and(|name| name.contains(function));
                });
            ours && named
        })
        .collect()
}
