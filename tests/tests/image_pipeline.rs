//! From a bucket of images to an endpoint that classifies them, on local AWS with the deployed
//! functions: handwritten digits as the cameras of a fleet store them, some of them spoilt and some
//! twice; then the same again, and a hundred more. The steps are the demo's.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::sagemaker::SageMaker;
use contract::states::{Outcome, RowCounts};
use end_to_end::pipeline::Pipeline;
use end_to_end::{python, workspace};
use image::Digest;
use lake::records::{DatasetRecord, DeploymentRecord, TrainingRecord};
use lake::{ObjectStore, RunKeys, documents};
use millrace::demo::images::{self, Again, LATER, Upload, digits};
use millrace::progress::Progress;
use record_io::Records;
use sagemaker_ports::Endpoints as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The image of a container that serves otherwise than it trained.
const TURNED: &str = "tests/turned-classifier:local";

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_images_becomes_a_serving_classifier() {
    let program = workspace::target().join("debug/image-classifier");
    let words = [
        python::program("python"),
        workspace::root().join("tests/python/turned_classifier.py"),
        program,
    ];
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let pipeline = Pipeline::start_with_image((TURNED, words.to_vec())).await;
    let progress = Progress::plain();
    let all = digits(&pipeline.local.digits(&progress).await.unwrap()).unwrap();
    assert_eq!(all.len(), 1797);
    let early = &all[..all.len() - LATER];
    let uploads: Vec<Upload> = (0..)
        .zip(early)
        .flat_map(|(number, digit)| digit.uploads(number))
        .collect();

    let summary = images::run(&pipeline.local, &progress).await.unwrap();
    println!("{summary}");
    let output = &summary.output;
    assert_eq!(
        (output.outcome, output.items),
        (Outcome::Deployed, uploads.len() as u64)
    );
    assert!(summary.accuracy().unwrap() >= 0.97, "{summary}");
    assert_eq!(summary.deployment.smoke_rows, 100);
    let right = summary.classified.iter();
    assert!(right.clone().all(|one| one.class == one.label), "{summary}");
    assert_eq!(right.count(), 5);
    quarantined_by_their_reasons(&uploads, &summary.rejected);

    let keys = RunKeys::new(&output.pipeline, &output.run);
    let (dataset, _) = pipeline.dataset(&keys).await;
    packed_once(&pipeline, &keys, &dataset, &uploads).await;
    let verified = pipeline.verify(&keys).await;
    assert!(
        verified.contains("every object holds what was committed"),
        "{verified}"
    );

    // Nothing is read again; a hundred images more are a hundred reads.
    let images = uploads.len() as u64;
    let [same, more] = summary.again;
    let nothing_new = Again {
        outcome: Outcome::NothingNew,
        images,
        read: 0,
        adopted: 8,
    };
    assert_eq!(same, nothing_new);
    assert_eq!((more.images, more.read), (images + LATER as u64, 100));
    assert!(
        [Outcome::Deployed, Outcome::KeptChampion].contains(&more.outcome),
        "{more:?}"
    );
    named_images_train_through_pipes(&pipeline, images + LATER as u64).await;
    single_images_train_as_they_are(&pipeline).await;
    what_sees_other_pixels_is_taken_back(&pipeline).await;
    pipeline.local.stop().await.unwrap();
}

/// The images stay where they are: the job reads what a manifest names, through a pipe. Packed images
/// come through a pipe as well.
async fn named_images_train_through_pipes(pipeline: &Pipeline, images: u64) {
    for (format, content) in [
        (json!("augmentedManifest"), "manifest"),
        (json!({"imageRecordIo": {}}), "rec"),
    ] {
        let input = json!({
            "dataset": {"format": format},
            "training": {"inputMode": "pipe"},
            "promotion": {"minimumGain": -1.0},
        });
        let output = pipeline.run_well(&input).await;
        assert_eq!((output.outcome, output.items), (Outcome::Deployed, images));
        let keys = RunKeys::new(&output.pipeline, &output.run);
        let (dataset, _) = pipeline.dataset(&keys).await;
        assert_eq!(dataset.channels, ["train", "validation"]);
        for channel in ["train", "validation"] {
            let key = keys.channel_whole(channel, content);
            let listed = pipeline.lake.list(&keys.channel(channel)).await.unwrap();
            let listed: Vec<_> = listed.into_iter().map(|object| object.key).collect();
            assert_eq!(listed, [key], "one file");
        }
        let training: TrainingRecord =
            documents::read(&pipeline.lake, &keys.training(), "the training record")
                .await
                .unwrap();
        let accuracy = training.metrics["validation:accuracy"];
        assert!(accuracy >= 0.97, "{content}: {accuracy}");
        let deployment: DeploymentRecord =
            documents::read(&pipeline.lake, &keys.deployment(), "the deployment")
                .await
                .unwrap();
        assert_eq!(deployment.smoke_rows, 100);
        let verified = pipeline.verify(&keys).await;
        assert!(
            verified.contains("every object holds what was committed"),
            "{verified}"
        );
        if content == "manifest" {
            named_once(pipeline, &keys, &dataset).await;
        }
    }
}

/// Each line names an image of the lake, and no image, nor one like it, is named twice.
async fn named_once(pipeline: &Pipeline, keys: &RunKeys, dataset: &DatasetRecord) {
    let mut digests = BTreeSet::new();
    let rows = dataset.rows;
    for (channel, count) in [("train", rows.train), ("validation", rows.validation)] {
        let key = keys.channel_whole(channel, "manifest");
        let text = pipeline.lake.get(&key).await.unwrap();
        let before = digests.len() as u64;
        for line in text.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                continue;
            }
            let line: Value = serde_json::from_slice(line).unwrap();
            let uri = line["source-ref"].as_str().unwrap();
            let bucket = format!("s3://{}/", pipeline.lake.bucket());
            let image = pipeline.lake.get(uri.strip_prefix(&bucket).unwrap()).await;
            let image = image.unwrap();
            assert!(digests.insert(Digest::of(&image).to_string()), "{uri}");
            ::image::inspect(&image, &::image::Accept::default()).unwrap();
            // The demo's keys have the digit as a folder.
            let class = line["class"].as_str().unwrap();
            assert!(uri.contains(&format!("/{class}/")), "{line}");
        }
        assert_eq!(digests.len() as u64 - before, count, "{channel}");
    }
}

/// Each image is an object of its own, in a folder of its class or named by a list.
async fn single_images_train_as_they_are(pipeline: &Pipeline) {
    for format in ["imageFolders", "imageList"] {
        let input = json!({
            "dataset": {"format": {"imageRecordIo": null, format: {}}},
            "promotion": {"minimumGain": -1.0},
        });
        let output = pipeline.run_well(&input).await;
        assert_eq!(output.outcome, Outcome::Deployed);
        let keys = RunKeys::new(&output.pipeline, &output.run);
        let (dataset, _) = pipeline.dataset(&keys).await;
        assert_eq!(dataset.channels, ["train", "validation"]);
        let rows = dataset.rows;
        let mut first = None;
        for (channel, count) in [("train", rows.train), ("validation", rows.validation)] {
            let mut files = dataset.files.iter();
            let file = files.find(|file| file.channel == channel).unwrap();
            let prefix = &file.objects.as_ref().unwrap().prefix;
            let there = pipeline.lake.list(prefix).await.unwrap();
            assert_eq!((file.rows, there.len() as u64), (count, count));
            first = there.into_iter().next();
        }
        let training: TrainingRecord =
            documents::read(&pipeline.lake, &keys.training(), "the training record")
                .await
                .unwrap();
        let accuracy = training.metrics["validation:accuracy"];
        assert!(accuracy >= 0.97, "{format}: {accuracy}");
        let verified = pipeline.verify(&keys).await;
        let sound = "every object holds what was committed";
        assert!(verified.contains(sound), "{verified}");

        let key = first.unwrap().key;
        pipeline.lake.put(&key, "other".into()).await.unwrap();
        let verified = pipeline.verify(&keys).await;
        assert!(
            !verified.contains(sound) && verified.contains(&key),
            "{verified}"
        );
    }
}

/// A container that turns images when it serves trains as well as any, and its answers are
/// well-formed.
async fn what_sees_other_pixels_is_taken_back(pipeline: &Pipeline) {
    let config = aws::local(&pipeline.local.sagemaker_url()).await;
    let sagemaker = SageMaker::new(&config);
    let serving = async || {
        let endpoint = sagemaker.describe_endpoint("digits").await.unwrap();
        endpoint.unwrap().config
    };
    let before = serving().await;
    let input = json!({
        "training": {"image": TURNED},
        "promotion": {"minimumGain": -1.0},
    });
    let (error, cause) = pipeline.run_badly(&input).await;
    assert_eq!(error, "SmokeTestFailed", "{cause}");
    for part in [
        "sees other pixels than training did",
        "validation:accuracy",
        "rolled back",
    ] {
        assert!(cause.contains(part), "{part}: {cause}");
    }
    assert_eq!(serving().await, before);
}

/// Each spoilt file under its own reason, and no other.
fn quarantined_by_their_reasons(uploads: &[Upload], rejected: &[lake::records::Rejection]) {
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in uploads.iter().filter_map(|upload| upload.spoilt) {
        *expected.entry(reason).or_default() += 1;
    }
    assert_eq!(expected.len(), 8);
    let found: BTreeMap<&str, u64> = rejected
        .iter()
        .map(|one| (one.example.split(": ").next().unwrap(), one.items))
        .collect();
    assert_eq!(found, expected);
}

/// Every sound image is in one record of one channel, with its class; one vehicle's are all on one
/// side, and so are copies.
async fn packed_once(
    pipeline: &Pipeline,
    keys: &RunKeys,
    dataset: &DatasetRecord,
    uploads: &[Upload],
) {
    let mut sound: BTreeMap<Digest, u8> = BTreeMap::new();
    for upload in uploads.iter().filter(|upload| upload.spoilt.is_none()) {
        sound.insert(Digest::of(&upload.bytes), upload.label);
    }
    let rows = dataset.rows;
    assert_eq!(RowCounts::total(rows), uploads.len() as u64);
    assert_eq!(rows.train + rows.validation, sound.len() as u64);
    let spoilt = uploads.iter().filter(|upload| upload.spoilt.is_some());
    assert_eq!(rows.rejected, spoilt.count() as u64);
    assert!(rows.duplicates > 40 && rows.validation > 200, "{rows:?}");
    assert_eq!(dataset.classes, Some(10));
    assert_eq!(dataset.content_type, "application/x-recordio");

    let (mut numbers, mut classes) = (BTreeSet::new(), BTreeMap::new());
    for (channel, count) in [("train", rows.train), ("validation", rows.validation)] {
        let key = keys.channel_whole(channel, "rec");
        let listed = pipeline.lake.list(&keys.channel(channel)).await.unwrap();
        let listed: Vec<_> = listed.into_iter().map(|object| object.key).collect();
        assert_eq!(listed, std::slice::from_ref(&key), "one file");
        let file = pipeline.lake.get(&key).await.unwrap();
        let before = numbers.len() as u64;
        for record in Records::new(file.as_ref()) {
            let record = record.unwrap();
            let image = record_io::Image::of_record(&record).unwrap();
            assert!(numbers.insert(image.id), "{} comes twice", image.id);
            *classes.entry(format!("{}", image.label)).or_insert(0) += 1;
            let seen = ::image::inspect(image.file, &::image::Accept::default()).unwrap();
            assert_eq!((seen.orientation, seen.width, seen.height), (1, 32, 32));
        }
        assert_eq!(numbers.len() as u64 - before, count, "{channel}");
    }
    let mut expected = BTreeMap::new();
    for label in sound.values() {
        *expected.entry(label.to_string()).or_insert(0) += 1;
    }
    assert_eq!(classes, expected);
    let names = pipeline.lake.get(&keys.classes()).await.unwrap();
    assert_eq!(names.as_ref(), b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}
