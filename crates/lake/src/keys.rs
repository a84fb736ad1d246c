//! Every key of the bucket, derived from pipeline, run and number, so that a step called again
//! finds what it left.

use contract::RunId;

/// Key of a pipeline's definition.
pub fn definition(pipeline: &str) -> String {
    format!("config/{pipeline}.json")
}

/// Prefix of all pipelines' definitions.
pub const DEFINITIONS: &str = "config/";

/// The pipeline whose definition has this key.
pub fn pipeline_of_definition(key: &str) -> Option<&str> {
    let name = key.strip_prefix(DEFINITIONS)?.strip_suffix(".json")?;
    (!name.contains('/')).then_some(name)
}

/// Record of the last notice of this kind about a pipeline.
pub fn notice_of_pipeline(pipeline: &str, kind: &str) -> String {
    format!("reports/{pipeline}/notice-{kind}.json")
}

/// Key of the champion's record.
pub fn champion(pipeline: &str) -> String {
    format!("champion/{pipeline}.json")
}

/// Prefix of all pipelines' records of their newest good data.
pub const LATEST: &str = "latest/";

/// Key of the record of the newest good data.
pub fn latest(pipeline: &str) -> String {
    format!("{LATEST}{pipeline}.json")
}

/// Prefix of what is reported of a pipeline's runs.
pub fn reports(pipeline: &str) -> String {
    format!("reports/{pipeline}/")
}

/// Key of the page that lists a pipeline's runs.
pub fn runs_page(pipeline: &str) -> String {
    format!("reports/{pipeline}/index.html")
}

/// Prefix of the records of a pipeline's running runs.
pub fn current_runs(pipeline: &str) -> String {
    format!("current/{pipeline}/")
}

/// Key of the record of a running run.
pub fn current_run(pipeline: &str, run: &RunId) -> String {
    format!("current/{pipeline}/{run}.json")
}

/// Prefix of the indexes of a pipeline's images.
pub fn indexes(pipeline: &str) -> String {
    format!("index/{pipeline}/")
}

/// Key of the newest index of a pipeline's images.
pub fn image_index(pipeline: &str) -> String {
    format!("{}index.json", indexes(pipeline))
}

/// The keys of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKeys {
    pipeline: String,
    run: RunId,
}

impl RunKeys {
    /// The keys of this run of this pipeline.
    pub fn new(pipeline: &str, run: &RunId) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            run: run.clone(),
        }
    }

    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }

    /// The run's id.
    pub const fn run(&self) -> &RunId {
        &self.run
    }

    fn below(&self, tier: &str, rest: &str) -> String {
        format!("{tier}/{}/run={}/{rest}", self.pipeline, self.run)
    }

    /// The frozen definition and plan of the run.
    pub fn plan(&self) -> String {
        self.below("raw", "plan.json")
    }

    /// The tasks of the export, for the Distributed Map's `ItemReader`.
    pub fn tasks(&self) -> String {
        self.below("raw", "tasks.json")
    }

    /// The prefix of a native export's objects, of one attempt, without a trailing slash.
    pub fn native(&self, attempt: u32) -> String {
        self.below("raw", &format!("native/attempt-{attempt:05}"))
    }

    /// How far the request for a native export has come.
    pub fn native_request(&self) -> String {
        self.below("raw", "native-request.json")
    }

    /// The completed native export: its files, which are the run's segments.
    pub fn native_export(&self) -> String {
        self.below("raw", "native-export.json")
    }

    /// The prefix of the objects of the incremental export of a window of changes, of one attempt,
    /// without a trailing slash.
    pub fn native_window(&self, window: usize, attempt: u32) -> String {
        self.below(
            "raw",
            &format!("native/window-{window:05}/attempt-{attempt:05}"),
        )
    }

    /// How far the requests for the windows of changes have come.
    pub fn window_requests(&self) -> String {
        self.below("raw", "window-requests.json")
    }

    /// Why the whole table is exported where changes were to be merged; there only in that case.
    pub fn whole_export(&self) -> String {
        self.below("raw", "whole-export.json")
    }

    /// What an incremental run merges: the base's parts, and the files of the changes.
    pub fn changes(&self) -> String {
        self.below("raw", "changes.json")
    }

    /// The keys that changed, of one attempt.
    pub fn changed_keys(&self, attempt: &str) -> String {
        self.below("raw", &format!("changed/keys-{attempt}.bin"))
    }

    /// The last change that was merged of each key that changed lately, of one attempt.
    pub fn applied_sequences(&self, attempt: &str) -> String {
        self.below("raw", &format!("changed/applied-{attempt}.bin"))
    }

    /// The record of the keys that changed; there if and only if all changes are compacted.
    pub fn changed(&self) -> String {
        self.below("raw", "changed.json")
    }

    /// What the exported items are a state of, where a later run may merge changes into them; there
    /// if and only if the items are exactly that state.
    pub fn snapshot(&self) -> String {
        self.below("raw", "snapshot.json")
    }

    /// A part of a segment, of one attempt.
    pub fn part(&self, segment: u32, part: u32, attempt: &str) -> String {
        self.below(
            "raw",
            &format!("segment-{segment:05}/part-{part:05}-{attempt}.jsonl.zst"),
        )
    }

    /// A part of a segment that is an index of images, of one attempt. Later runs list it again, so it
    /// lies where nothing expires.
    pub fn index_part(&self, segment: u32, part: u32, attempt: &str) -> String {
        self.below(
            "index",
            &format!("segment-{segment:05}/part-{part:05}-{attempt}.jsonl.zst"),
        )
    }

    /// A copy of the manifest of a segment that is an index of images, for later runs.
    pub fn index_manifest(&self, segment: u32) -> String {
        self.below("index", &format!("segment-{segment:05}.manifest.json"))
    }

    /// The prefix of all segments: their parts, checkpoints and manifests.
    pub fn segments(&self) -> String {
        self.below("raw", "segment-")
    }

    /// Whether a key below [`RunKeys::segments`] is a part's, of whatever attempt.
    pub fn is_part(key: &str) -> bool {
        key.rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with("part-"))
    }

    /// A segment's progress after its `number`th commit, from 1.
    pub fn checkpoint(&self, segment: u32, number: u32) -> String {
        self.below(
            "raw",
            &format!("segment-{segment:05}/checkpoint-{number:05}.json"),
        )
    }

    /// A segment's manifest: it is there if and only if the segment is exported whole.
    pub fn segment_manifest(&self, segment: u32) -> String {
        self.below("raw", &format!("segment-{segment:05}.manifest.json"))
    }

    /// The prefix of the records that tasks of the export are finished; nothing else lies below it.
    pub fn finished_tasks(&self) -> String {
        self.below("raw", "finished/")
    }

    /// The record that a task of the export reads no more.
    pub fn finished_task(&self, task: u32) -> String {
        self.below("raw", &format!("finished/task-{task:05}.json"))
    }

    /// The prefix of everything that was exported.
    pub fn raw(&self) -> String {
        self.below("raw", "")
    }

    /// The list of the run's parts, for readers that know no manifests, such as Athena: an S3 URI a
    /// line. Nothing else lies below its prefix.
    pub fn parts_list(&self) -> String {
        self.below("raw", "lines/parts.txt")
    }

    /// What was exported; there if and only if the export is whole and passed its gate.
    pub fn export(&self) -> String {
        self.below("reports", "export.json")
    }

    /// The plan of the dataset: columns, encoders, shards.
    pub fn dataset_plan(&self) -> String {
        self.below("processed", "dataset-plan.json")
    }

    /// What the table held: the joined profile without its values.
    pub fn profile(&self) -> String {
        self.below("processed", "profile.json")
    }

    /// The numbers of the shards, for the Distributed Map's `ItemReader`.
    pub fn shards(&self) -> String {
        self.below("processed", "shards.json")
    }

    /// A vocabulary that is an object of its own.
    pub fn vocabulary(&self, number: u32) -> String {
        self.below("processed", &format!("vocabularies/{number:05}.jsonl.zst"))
    }

    /// The prefix of a channel; nothing but training data lies below it.
    pub fn channel(&self, channel: &str) -> String {
        self.below("processed", &format!("{channel}/"))
    }

    /// A shard's only file in a channel, with the ending of its format.
    pub fn channel_file(&self, channel: &str, shard: u32, extension: &str) -> String {
        self.below(
            "processed",
            &format!("{channel}/part-{shard:05}.{extension}"),
        )
    }

    /// One of a shard's several files in a channel.
    pub fn channel_file_of_many(
        &self,
        channel: &str,
        shard: u32,
        file: u32,
        extension: &str,
    ) -> String {
        self.below(
            "processed",
            &format!("{channel}/part-{shard:05}-{file:05}.{extension}"),
        )
    }

    /// A file of packed images, of one attempt at a shard. It lies below no channel's prefix.
    pub fn packed(&self, channel: &str, shard: u32, attempt: &str, extension: &str) -> String {
        self.below(
            "processed",
            &format!("packed/{channel}/part-{shard:05}-{attempt}.{extension}"),
        )
    }

    /// The prefix of a channel of images that are objects of their own, of one attempt at a shard.
    pub fn objects(&self, channel: &str, shard: u32, attempt: &str) -> String {
        self.below(
            "processed",
            &format!("objects/{channel}-{shard:05}-{attempt}/"),
        )
    }

    /// The only file of a channel whose reader wants one.
    pub fn channel_whole(&self, channel: &str, extension: &str) -> String {
        self.below("processed", &format!("{channel}/{channel}.{extension}"))
    }

    /// The names of the classes of images, in the order of their numbers.
    pub fn classes(&self) -> String {
        self.below("processed", "classes.txt")
    }

    /// The items of a shard that could not become rows, with reasons.
    pub fn rejected(&self, shard: u32) -> String {
        self.below("processed", &format!("rejected/part-{shard:05}.jsonl"))
    }

    /// A shard's manifest: it is there if and only if its files are whole.
    pub fn shard_manifest(&self, shard: u32) -> String {
        self.below(
            "processed",
            &format!("shards/shard-{shard:05}.manifest.json"),
        )
    }

    /// The contract between training and serving; there if and only if the dataset is whole.
    pub fn dataset(&self) -> String {
        self.below("processed", "dataset.json")
    }

    /// The prefix that training jobs write their artifacts below, without a trailing slash.
    pub fn models(&self) -> String {
        format!("models/{}/run={}", self.pipeline, self.run)
    }

    /// Which attempt at training is on; absent during the first.
    pub fn training_attempt(&self) -> String {
        self.below("reports", "training-attempt.json")
    }

    /// The record of the completed training job.
    pub fn training(&self) -> String {
        self.below("reports", "training.json")
    }

    /// Which attempt at a transform job is on; absent during the first.
    pub fn transform_attempt(&self) -> String {
        self.below("reports", "transform-attempt.json")
    }

    /// The prefix of a run's batch predictions, without a trailing slash.
    pub fn predictions(&self) -> String {
        format!("predictions/{}/run={}", self.pipeline, self.run)
    }

    /// Which champion the model is compared with, on the same rows.
    pub fn comparison(&self) -> String {
        self.below("reports", "comparison.json")
    }

    /// Which attempt at the comparison's transform job of this one of the two is on; absent during
    /// the first.
    pub fn comparison_attempt(&self, role: &str) -> String {
        self.below("reports", &format!("comparison-attempt-{role}.json"))
    }

    /// The rows of the comparison: how many, and what was left out. There if and only if they are
    /// whole.
    pub fn judged_sample(&self) -> String {
        self.below("judging", "sample.json")
    }

    /// The labels of the comparison's rows, and their weights, where no model is asked about them.
    pub fn judged_labels(&self) -> String {
        self.below("judging", "labels.csv")
    }

    /// The prefix of the comparison's rows as one of the two models takes them; nothing else lies
    /// below it.
    pub fn judged_rows(&self, role: &str) -> String {
        self.below("judging", &format!("{role}/"))
    }

    /// The only object below [`RunKeys::judged_rows`].
    pub fn judged_rows_file(&self, role: &str) -> String {
        self.below("judging", &format!("{role}/rows.csv"))
    }

    /// The prefix of what one of the two models predicts, by one transform job, without a trailing
    /// slash.
    pub fn judged_predictions(&self, role: &str, attempt: u32) -> String {
        self.below("judging", &format!("predictions/{role}-{attempt}"))
    }

    /// The decision on the model.
    pub fn verdict(&self) -> String {
        self.below("reports", "verdict.json")
    }

    /// What the rule says of the model, while a person has yet to decide.
    pub fn proposal(&self) -> String {
        self.below("reports", "proposal.json")
    }

    /// When a person was asked, and the task token that resumes the state machine.
    pub fn approval_request(&self) -> String {
        self.below("reports", "approval-request.json")
    }

    /// What a person decided, or that the time was over: the first to write it.
    pub fn approval(&self) -> String {
        self.below("reports", "approval.json")
    }

    /// That this run found the champion's endpoint gone and recreated it.
    pub fn endpoint_recreated(&self) -> String {
        self.below("reports", "endpoint-recreated.json")
    }

    /// The model's metrics for the model registry, and nothing else.
    pub fn model_metrics(&self) -> String {
        self.below("reports", "model-metrics.json")
    }

    /// The model's version in the model registry.
    pub fn model_package(&self) -> String {
        self.below("reports", "model-package.json")
    }

    /// What an endpoint's update was asked to do, and whether the service took it.
    pub fn deployment_intent(&self) -> String {
        self.below("reports", "deployment-intent.json")
    }

    /// The record of the verified deployment.
    pub fn deployment(&self) -> String {
        self.below("reports", "deployment.json")
    }

    /// The gate's results on the data, and its distance from the champion's data.
    pub fn quality(&self) -> String {
        self.below("reports", "quality.json")
    }

    /// The run's page: everything known about it, for people.
    pub fn page(&self) -> String {
        self.below("reports", "index.html")
    }

    /// The content of the run's page, for programs.
    pub fn page_data(&self) -> String {
        self.below("reports", "run.json")
    }

    /// Record of the notice sent after this many redrives.
    pub fn notice(&self, redrives: u32) -> String {
        self.below("reports", &format!("notice-{redrives:05}.json"))
    }

    /// Record of the notice of this kind about the run.
    pub fn notice_of(&self, kind: &str) -> String {
        self.below("reports", &format!("notice-{kind}.json"))
    }

    /// The run's report for programs.
    pub fn report(&self) -> String {
        self.below("reports", "report.json")
    }

    /// The run's Markdown report.
    pub fn report_for_people(&self) -> String {
        self.below("reports", "report.md")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_hold_nothing_but_training_data() {
        let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
        let keys = RunKeys::new("default", &run);
        let channels = [keys.channel("train"), keys.channel("validation")];
        let others = [
            keys.dataset(),
            keys.dataset_plan(),
            keys.profile(),
            keys.shards(),
            keys.shard_manifest(0),
            keys.rejected(0),
            keys.packed("train", 0, "a", "rec"),
            keys.objects("train", 0, "a"),
            keys.classes(),
        ];
        for other in others {
            assert!(
                channels.iter().all(|c| !other.starts_with(c)),
                "{other} is in a channel"
            );
        }
        let asked = ["challenger", "champion"].map(|role| keys.judged_rows(role));
        let beside = [
            keys.judged_sample(),
            keys.judged_labels(),
            keys.judged_predictions("champion", 1),
        ];
        for other in beside {
            let is_beside = asked.iter().all(|prefix| !other.starts_with(prefix));
            assert!(is_beside, "{other} is asked about");
        }
        assert!(
            keys.channel_file("train", 7, "csv")
                .starts_with(&channels[0])
        );
    }
}
