//! Models of images: one image in a request, and as many right as the training job had.

use crate::support::{PIPELINE, World, name_of};
use bytes::Bytes;
use contract::{ErrorName, Named};
use definition::{Format, ImageFiles};
use format::images::{Archive, ImageRow, record};
use lake::ObjectStore;
use serde_json::{Value, json};

const IMAGES: u32 = 120;
const ASKED: u32 = 100;
const JSON: &str = "application/json";

/// A run of a dataset of images, of which a job classified 99 of 100 right.
async fn promoted(world: &World, format: &Format, channel: &str) {
    let keys = world.keys();
    let spelt = json!({format.as_str(): ImageFiles::default()});
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
    let key = keys.channel_whole(channel, format.extension());
    let bytes = file.len();
    world.store.put(&key, Bytes::from(file)).await.unwrap();
    let files = json!([{"channel": channel, "key": key, "rows": IMAGES, "bytes": bytes}]);
    world
        .put(
            &keys.dataset(),
            &json!({
                "run": world.run, "rows": {"train": 9, "validation": IMAGES, "rejected": 0},
                "channels": ["train", "validation"], "contentType": format.content_type(),
                "columns": {}, "classes": 2, "files": files,
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
    for format in [records(), Format::WebDataset(ImageFiles::default())] {
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
    let world = World::new(20).await;
    promoted(&world, &records(), "train").await;
    script(&world, 2);
    world.drive().await.unwrap();
    assert_eq!(world.record().await.unwrap().smoke_rows, ASKED);
}
