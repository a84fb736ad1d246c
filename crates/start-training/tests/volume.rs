//! Files of training data and the instances that read them: what would not fit or leave one without a
//! file is refused before anything is paid for, and nothing else.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::{ErrorName, Named};
use lake::documents;
use lake::records::{ChannelFile, DatasetRecord};
use serde_json::{Value, json};
use support::{World, keys};

const GIB: u64 = 1 << 30;

/// What becomes of a job with these fields of `training`, for files of these sizes in GiB.
async fn refused(training: Value, train: &[u64], validation: u64, classes: Option<u32>) -> String {
    let world = World::new(1).await;
    world.plan(training).await;
    let mut dataset: DatasetRecord = documents::read(&world.store, &keys().dataset(), "a dataset")
        .await
        .unwrap();
    let file = |channel: &str, number, gib: u64| ChannelFile {
        channel: channel.to_owned(),
        key: keys().channel_file(channel, number, "csv"),
        rows: 9,
        bytes: gib * GIB,
        digest: None,
        pieces: Vec::new(),
        checksum: None,
        objects: None,
    };
    let files = (0..).zip(train).map(|(at, gib)| file("train", at, *gib));
    dataset.files = files.chain([file("validation", 0, validation)]).collect();
    dataset.classes = classes;
    documents::write(&world.store, &keys().dataset(), &dataset)
        .await
        .unwrap();
    match world.call().await {
        Ok(_) => String::new(),
        Err(error) => {
            assert_eq!(error.name(), ErrorName::InvalidDefinition, "{error}");
            assert!(world.sagemaker.log().is_empty(), "nothing is begun");
            error.to_string()
        }
    }
}

#[tokio::test]
async fn a_volume_holds_the_files_that_its_instance_gets() {
    let shared = json!({"distribution": "shardedByS3Key", "instanceCount": 4, "volumeGb": 30});
    let all = json!({"instanceCount": 4, "volumeGb": 30});
    for (training, train, validation, says) in [
        (&all, vec![29], 1, ""),
        (&all, vec![30], 1, "are 31 GiB"),
        // A quarter of the training files, and all that validate.
        (&shared, vec![20; 4], 1, ""),
        (&shared, vec![29; 4], 1, ""),
        (
            &shared,
            vec![30; 4],
            1,
            "share of each of 4 instances in the training files is 31 GiB",
        ),
        // One instance gets two of five files.
        (&shared, vec![14; 5], 1, ""),
        (&shared, vec![15; 5], 1, "is 31 GiB"),
        // The instance that gets the largest file.
        (&shared, vec![1, 1, 1, 31], 0, "is 31 GiB"),
    ] {
        let found = refused(training.clone(), &train, validation, None).await;
        assert_eq!(found.is_empty(), says.is_empty(), "{train:?}: {found}");
        assert!(found.contains(says), "{train:?}: {found}");
    }
}

#[tokio::test]
async fn what_needs_no_volume_is_not_compared_with_it() {
    for (training, is_refused) in [
        (json!({"volumeGb": 30}), true),
        (json!({"volumeGb": 30, "inputMode": "fastFile"}), false),
        (json!({"instanceType": "ml.m5.large"}), true),
        (json!({"instanceType": "ml.g5.2xlarge"}), false),
        (json!({"instanceType": "ml.g4dn.xlarge"}), false),
        (json!({"instanceType": "ml.p4de.24xlarge"}), false),
        (json!({"instanceType": "ml.m5d.large"}), false),
        (json!({"instanceType": "ml.p3.2xlarge"}), true),
    ] {
        let found = refused(training.clone(), &[100], 1, None).await;
        assert_eq!(!found.is_empty(), is_refused, "{training}: {found}");
    }
}

#[tokio::test]
async fn too_few_files_are_refused_with_the_field_that_makes_more() {
    let shared = json!({"distribution": "shardedByS3Key", "instanceCount": 3});
    let table = refused(shared.clone(), &[1, 1], 1, None).await;
    assert!(
        table.contains("2 files") && table.contains("dataset.shardBytes"),
        "{table}"
    );
    let images = refused(shared.clone(), &[1, 1], 1, Some(2)).await;
    assert!(images.contains("fileMb"), "{images}");
    assert_eq!(refused(shared, &[1, 1, 1], 1, Some(2)).await, "");
}
