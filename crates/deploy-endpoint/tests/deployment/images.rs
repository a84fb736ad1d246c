//! Models of images: one image in a request, and as many right as the training job had.

use crate::support::{PIPELINE, World, name_of};
use bytes::Bytes;
use contract::{ErrorName, Named};
use definition::{Format, ImageFiles};
use format::images::{Archive, ImageRow, augmented_line, record, sample_channel};
use lake::ObjectStore;
use serde_json::{Value, json};

const IMAGES: u32 = 120;
const ASKED: u32 = 100;
const JSON: &str = "application/json";

/// A run of a dataset of images, of which a job classified 99 of 100 right.
async fn promoted(world: &World, format: &Format, channel: &str) {
    let keys = world.keys();
    let spelt = json!(format);
    let dataset = json!({"label": "label", "labelEncoding": "classes", "format": spelt});
    world.define(json!({"dataset": dataset})).await;
    let (mut file, mut archive) = (Vec::new(), Archive::new());
    for number in 0..IMAGES {
        let digest = format!("{number:032x}");
        let image = format!("image {number}");
        let row = ImageRow {
            number: number.into(),
            class: number % 2,
            digest: &digest,
            extension: "jpg",
            file: image.as_bytes(),
        };
        match format {
            Format::WebDataset(_) => archive.push(&row, &json!({}), &mut file),
            _ => record(&row, &mut file).unwrap(),
        }
    }
    let mut files = vec![(channel.to_owned(), format.extension(), file)];
    if *format == Format::AugmentedManifest || format.is_of_objects() {
        // The channel's file has no image in it.
        files[0].0 = sample_channel(channel);
        files[0].1 = "rec";
        let line = augmented_line("fleet", "images/1.jpg", 0);
        let manifest = line.repeat(IMAGES as usize).into_bytes();
        files.insert(0, (channel.to_owned(), format.extension(), manifest));
    }
    let mut listed = Vec::new();
    for (channel, extension, file) in files {
        let key = keys.channel_whole(&channel, extension);
        let bytes = file.len();
        world.store.put(&key, Bytes::from(file)).await.unwrap();
        listed.push(json!({"channel": channel, "key": key, "rows": IMAGES, "bytes": bytes}));
    }
    world
        .put(
            &keys.dataset(),
            &json!({
                "run": world.run, "rows": {"train": 9, "validation": IMAGES, "rejected": 0},
                "channels": ["train", "validation"], "contentType": format.content_type(),
                "columns": {}, "classes": 2, "files": listed,
            }),
        )
        .await;
    let mut training: Value =
        serde_json::from_slice(&world.store.get(&keys.training()).await.unwrap()).unwrap();
    training["metrics"]["validation:accuracy"] = json!(0.99);
    world.put(&keys.training(), &training).await;
}

/// What the endpoint answers about the images, in their order: all right but every `wrong`th.
fn script(world: &World, wrong: u32) {
    for number in 0..ASKED {
        let sees_one = (number % 2 == 1) != number.is_multiple_of(wrong);
        let answer = if sees_one { "[0.1, 0.9]" } else { "[0.8, 0.2]" };
        world.sagemaker.script_answer(JSON, answer);
    }
}

fn records() -> Format {
    Format::ImageRecordIo(ImageFiles::default())
}

#[tokio::test]
async fn a_hundred_images_are_sent_one_by_one() {
    let archives = Format::WebDataset(ImageFiles::default());
    let folders = Format::ImageFolders(ImageFiles::default());
    for format in [records(), archives, Format::AugmentedManifest, folders] {
        let world = World::new(20).await;
        promoted(&world, &format, "validation").await;
        script(&world, 40);
        world.drive().await.unwrap();
        assert_eq!(world.record().await.unwrap().smoke_rows, ASKED);
        let log = world.sagemaker.log();
        let asked = log.iter().filter(|call| call.starts_with("InvokeEndpoint"));
        let asked: Vec<_> = asked.collect();
        assert_eq!(asked.len(), ASKED as usize);
        assert_eq!(*asked[7], format!("InvokeEndpoint {PIPELINE} image 7"));
    }
}

#[tokio::test]
async fn an_endpoint_that_sees_other_pixels_is_taken_back() {
    let world = World::new(20).await;
    promoted(&world, &records(), "validation").await;
    script(&world, 100);
    world.drive().await.unwrap();

    let next = world.next(21).await;
    promoted(&next, &records(), "validation").await;
    // Well-formed, and no better than a coin.
    script(&next, 2);
    let error = next.drive().await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{text}");
    for part in [
        "0.500",
        "0.990",
        "sees other pixels than training did",
        "rolled back",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(next.config().await, name_of(20));
    assert_eq!(next.champion().await.unwrap().run, world.run);
}

#[tokio::test]
async fn an_answer_that_is_no_class_is_wrong_whatever_the_job_measured() {
    for answer in ["[0.2, 0.3, 0.5]", "0.5", "[0.9, 0.9]"] {
        let world = World::new(20).await;
        promoted(&world, &records(), "validation").await;
        for _ in 0..ASKED {
            world.sagemaker.script_answer(JSON, answer);
        }
        let error = world.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
    }
}

#[tokio::test]
async fn of_training_images_no_accuracy_is_expected() {
    for format in [records(), Format::AugmentedManifest] {
        let world = World::new(20).await;
        promoted(&world, &format, "train").await;
        script(&world, 2);
        world.drive().await.unwrap();
        assert_eq!(world.record().await.unwrap().smoke_rows, ASKED);
    }
}

/// A run of a dataset of `shards` shards of 30 images each, named by shard and number; in one joined
/// file, or in a file of each shard. Those of the shards `large` have 5 MB.
async fn promoted_in_shards(world: &World, format: &Format, shards: u32, large: &[u32]) {
    promoted(world, format, "validation").await;
    let keys = world.keys();
    let (mut files, mut whole, mut pieces) = (Vec::new(), Vec::new(), Vec::new());
    for shard in 0..shards {
        let (mut file, mut archive) = (Vec::new(), Archive::new());
        for number in 0..30 {
            let digest = format!("{shard:016x}{number:016x}");
            let mut image = format!("image {shard}/{number}").into_bytes();
            if large.contains(&shard) && number < 2 {
                image.resize(5_000_000, b' ');
            }
            let row = ImageRow {
                number: u64::from(shard) << 32 | number,
                class: shard % 2,
                digest: &digest,
                extension: "jpg",
                file: &image,
            };
            match format {
                Format::WebDataset(_) => archive.push(&row, &json!({}), &mut file),
                _ => record(&row, &mut file).unwrap(),
            }
        }
        let bytes = file.len();
        if let Format::WebDataset(_) = format {
            archive.finish(&mut file);
            let key = keys.channel_file("validation", shard, format.extension());
            let bytes = file.len();
            world.store.put(&key, Bytes::from(file)).await.unwrap();
            files.push(json!({"channel": "validation", "key": key, "rows": 30, "bytes": bytes}));
        } else {
            pieces.push(json!({"bytes": bytes, "digest": "0000000000000000"}));
            whole.extend(file);
        }
    }
    if files.is_empty() {
        let key = keys.channel_whole("validation", format.extension());
        files.push(json!({
            "channel": "validation", "key": key, "rows": 30 * shards, "bytes": whole.len(), "pieces": pieces,
        }));
        world.store.put(&key, Bytes::from(whole)).await.unwrap();
    }
    let dataset = world.store.get(&keys.dataset()).await.unwrap();
    let mut dataset: Value = serde_json::from_slice(&dataset).unwrap();
    dataset["files"] = json!(files);
    world.put(&keys.dataset(), &dataset).await;
}

/// The images that the endpoint was asked about, as `shard/number`.
fn asked(world: &World) -> Vec<String> {
    let log = world.sagemaker.log();
    let asked = log.iter().filter(|call| call.starts_with("InvokeEndpoint"));
    let name = |call: &String| call.rsplit("image ").next().unwrap().trim().to_owned();
    asked.map(name).collect()
}

/// Answers that the images of these shards have their class.
fn script_right(world: &World, shards: &[(u32, u32)]) {
    for (shard, images) in shards {
        for _ in 0..*images {
            let answer = if shard % 2 == 1 {
                "[0.1, 0.9]"
            } else {
                "[0.8, 0.2]"
            };
            world.sagemaker.script_answer(JSON, answer);
        }
    }
}

#[tokio::test]
async fn images_of_all_shards_are_asked_about() {
    for format in [records(), Format::WebDataset(ImageFiles::default())] {
        // Of three shards each, and of thirty every third.
        for (shards, expected) in [
            (3, vec![(0, 30), (1, 30), (2, 30)]),
            (5, vec![(0, 20), (1, 20), (2, 20), (3, 20), (4, 20)]),
            (30, (0..10).map(|at| (at * 3, 10)).collect()),
        ] {
            let world = World::new(20).await;
            promoted_in_shards(&world, &format, shards, &[]).await;
            script_right(&world, &expected);
            world.drive().await.unwrap();
            let names = expected
                .iter()
                .flat_map(|(shard, images)| (0..*images).map(move |at| format!("{shard}/{at}")));
            let names: Vec<_> = names.collect();
            assert_eq!(asked(&world), names, "{} in {shards}", format.as_str());
        }
    }
}

#[tokio::test]
async fn images_above_four_megabytes_are_passed_over() {
    for format in [records(), Format::WebDataset(ImageFiles::default())] {
        let world = World::new(20).await;
        promoted_in_shards(&world, &format, 2, &[1]).await;
        script_right(&world, &[(0, 30), (1, 28)]);
        world.drive().await.unwrap();
        assert_eq!(world.record().await.unwrap().smoke_rows, 58);
        assert_eq!(asked(&world)[30], "1/2", "{}", format.as_str());
    }
}

#[tokio::test]
async fn a_dataset_of_large_images_alone_is_refused_with_what_makes_them_smaller() {
    let world = World::new(20).await;
    promoted(&world, &records(), "validation").await;
    let keys = world.keys();
    let row = ImageRow {
        number: 0,
        class: 0,
        digest: "00112233445566778899aabbccddeeff",
        extension: "jpg",
        file: &vec![b' '; 4_000_001],
    };
    let mut file = Vec::new();
    record(&row, &mut file).unwrap();
    let key = keys.channel_whole("validation", "rec");
    let dataset = world.store.get(&keys.dataset()).await.unwrap();
    let mut dataset: Value = serde_json::from_slice(&dataset).unwrap();
    dataset["files"][0]["bytes"] = json!(file.len());
    world.put(&keys.dataset(), &dataset).await;
    world.store.put(&key, Bytes::from(file)).await.unwrap();
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition, "{error}");
    let text = error.to_string();
    assert!(text.contains("4 MB") && text.contains("`resize`"), "{text}");
    assert!(asked(&world).is_empty());
}
