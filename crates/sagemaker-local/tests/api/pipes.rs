//! Channels in Pipe mode: several files in order, passes, a reader that leaves early, augmented
//! manifests.

use crate::bench::{Bench, IMAGE, algorithm, channel};
use crate::training::unpacked;
use aws_sdk_sagemaker::error::ProvideErrorMetadata;
use aws_sdk_sagemaker::operation::create_training_job::builders::CreateTrainingJobFluentBuilder;
use aws_sdk_sagemaker::types::{
    Channel, RecordWrapper, S3DataSource, S3DataType, ShuffleConfig, TrainingInputMode,
    TrainingJobStatus,
};
use lake::store::ObjectStore;
use record_io::Records;
use serde_json::Value;

/// A job that reads its channel three times, the first time four bytes of it.
fn piped(bench: &Bench, name: &str, train: Channel) -> CreateTrainingJobFluentBuilder {
    let mut algorithm = algorithm(IMAGE);
    algorithm.training_input_mode = Some(TrainingInputMode::Pipe);
    let job = bench.job(name, &[("mode", "pipes")]);
    let job = job.set_algorithm_specification(Some(algorithm));
    job.set_input_data_config(Some(vec![train]))
}

fn manifest(uri: &str, attributes: &[&str]) -> Channel {
    let mut channel = channel("train", uri);
    let source = S3DataSource::builder()
        .s3_data_type(S3DataType::AugmentedManifestFile)
        .s3_uri(uri);
    let names = attributes.iter().map(ToString::to_string).collect();
    let source = source.set_attribute_names(Some(names)).build();
    channel.data_source.as_mut().unwrap().s3_data_source = Some(source);
    channel.record_wrapper_type = Some(RecordWrapper::Recordio);
    channel
}

/// What the program read in each pass.
async fn passes(bench: &Bench, name: &str) -> [Vec<u8>; 3] {
    let job = bench.ended(name).await;
    let status = job.training_job_status();
    assert_eq!(status, Some(&TrainingJobStatus::Completed), "{job:?}");
    let files = unpacked(bench, &format!("models/{name}/output/model.tar.gz")).await;
    let model: Value = serde_json::from_str(&files["model.json"]).unwrap();
    [0, 1, 2].map(|pass| bytes_of(model["files"][pass].as_str().unwrap()))
}

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    Records::new(bytes).map(Result::unwrap).collect()
}

#[tokio::test]
async fn every_pass_has_the_files_in_their_order_and_may_be_left() {
    let bench = Bench::start().await;
    // More than a pipe holds, so that the server finds it closed while it writes.
    let first = vec![b'a'; 300_000];
    bench
        .store
        .put("pipe/0", first.clone().into())
        .await
        .unwrap();
    bench.store.put("pipe/1/b", "b".into()).await.unwrap();
    bench.store.put("pipe/2", "c".into()).await.unwrap();
    let job = piped(&bench, "job-1", channel("train", "s3://lake/pipe/"));
    job.send().await.unwrap();
    let whole = [&first[..], b"bc"].concat();
    assert_eq!(
        passes(&bench, "job-1").await,
        [b"aaaa".to_vec(), whole.clone(), whole]
    );
}

#[tokio::test]
async fn each_object_can_be_a_record_of_its_own() {
    let bench = Bench::start().await;
    let magic = 0xced7_230a_u32.to_le_bytes();
    let second = [&magic[..], b"rest"].concat();
    bench.store.put("pipe/0", "first".into()).await.unwrap();
    bench
        .store
        .put("pipe/1", second.clone().into())
        .await
        .unwrap();
    let mut train = channel("train", "s3://lake/pipe/");
    train.record_wrapper_type = Some(RecordWrapper::Recordio);
    piped(&bench, "job-1", train).send().await.unwrap();
    let [early, whole, again] = passes(&bench, "job-1").await;
    assert_eq!(early, magic);
    assert_eq!(records(&whole), [b"first".to_vec(), second]);
    assert_eq!(whole, again);
}

#[tokio::test]
async fn a_manifests_attributes_come_in_the_order_of_the_request() {
    let bench = Bench::start().await;
    for number in 0..40 {
        let image = format!("image {number}");
        let key = format!("images/{number}.jpg");
        bench.store.put(&key, image.into()).await.unwrap();
    }
    let line = |number: u32| {
        let class = number % 3;
        format!(
            "{{\"class\":\"{class}\",\"width\":{number},\"source-ref\":\"s3://lake/images/{number}.jpg\"}}\n"
        )
    };
    let lines: String = (0..40).map(line).collect();
    bench
        .store
        .put("train.manifest", lines.into())
        .await
        .unwrap();
    let attributes = ["source-ref", "class", "width"];
    let train = manifest("s3://lake/train.manifest", &attributes);
    piped(&bench, "job-1", train).send().await.unwrap();
    let [_, whole, again] = passes(&bench, "job-1").await;
    let expected = (0..40).flat_map(|number| {
        let class = number % 3;
        [
            format!("image {number}"),
            class.to_string(),
            number.to_string(),
        ]
        .map(String::into_bytes)
    });
    assert_eq!(records(&whole), expected.collect::<Vec<_>>());
    assert_eq!(whole, again);
    let described = bench.describe_job("job-1").await;
    let source = described.input_data_config()[0].data_source().unwrap();
    let source = source.s3_data_source().unwrap();
    assert_eq!(source.attribute_names(), attributes);
}

#[tokio::test]
async fn a_pass_that_cannot_be_read_to_its_end_fails_the_job() {
    let bench = Bench::start().await;
    bench.store.put("images/1.jpg", "one".into()).await.unwrap();
    let good = "{\"source-ref\":\"s3://lake/images/1.jpg\",\"class\":\"0\"}\n";
    for (name, line, part) in [
        (
            "gone",
            "{\"source-ref\":\"s3://lake/images/2.jpg\",\"class\":\"0\"}",
            "line 2, source-ref: there is no object s3://lake/images/2.jpg",
        ),
        (
            "unlabelled",
            "{\"source-ref\":\"s3://lake/images/1.jpg\"}",
            "line 2, has no attribute \"class\"",
        ),
        ("text", "images/1.jpg", "line 2, is no JSON object"),
    ] {
        let key = format!("{name}.manifest");
        bench
            .store
            .put(&key, format!("{good}{line}").into())
            .await
            .unwrap();
        let train = manifest(&format!("s3://lake/{key}"), &["source-ref", "class"]);
        piped(&bench, name, train).send().await.unwrap();
        let job = bench.ended(name).await;
        let reason = job.failure_reason().unwrap();
        assert!(
            reason.starts_with("ClientError: Data download failed: ") && reason.contains(part),
            "{reason}"
        );
        let artifact = format!("models/{name}/output/model.tar.gz");
        assert!(bench.store.get(&artifact).await.is_err());
    }
    let nothing = piped(&bench, "nothing", channel("train", "s3://lake/nothing"));
    nothing.send().await.unwrap();
    let job = bench.ended("nothing").await;
    let reason = job.failure_reason().unwrap();
    assert!(reason.contains("No S3 objects found"), "{reason}");
}

#[tokio::test]
async fn a_program_need_not_open_its_pipes() {
    let bench = Bench::start().await;
    let job = piped(&bench, "job-1", channel("train", "s3://lake/data/train"));
    job.hyper_parameters("mode", "none").send().await.unwrap();
    let job = bench.ended("job-1").await;
    let status = job.training_job_status();
    assert_eq!(status, Some(&TrainingJobStatus::Completed), "{job:?}");
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let bench = Bench::start().await;
    let uri = "s3://lake/train.manifest";
    let file = manifest(uri, &["source-ref"]);
    let file = bench
        .job("file", &[])
        .set_input_data_config(Some(vec![file]));
    let mut shuffled = manifest(uri, &["source-ref"]);
    shuffled.shuffle_config = Some(ShuffleConfig::builder().seed(1).build());
    for (job, part) in [
        (
            file,
            "AugmentedManifestFile is supported in input mode Pipe only",
        ),
        (
            piped(&bench, "none", manifest(uri, &[])),
            "needs AttributeNames",
        ),
        (piped(&bench, "shuffled", shuffled), "ShuffleConfig"),
    ] {
        let error = job.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("ValidationException"));
        let message = error.message().unwrap();
        assert!(message.contains(part), "{message}");
    }
}
