//! How images are shared out among functions and instances.

use crate::bucket::Bucket;
use crate::run::{index, plan, plan_dataset, run};
use crate::{fill_trips, packing};
use contract::{ErrorName, Named};
use dataset::Columns;
use lake::records::DatasetPlan;
use lake::{RunKeys, documents};
use serde_json::{Value, json};

/// A definition that instances share the files of.
fn shared(instances: u32) -> Value {
    let mut definition = packing("webDataset", &json!({}));
    definition["training"] = json!({
        "image": "own", "instanceCount": instances, "distribution": "shardedByS3Key",
    });
    definition
}

#[tokio::test]
async fn a_part_of_the_index_is_shared_out_and_every_image_is_packed_once() {
    let bucket = Bucket::new();
    fill_trips(&bucket, 200).await;
    let run = run(&bucket, &shared(3), "1").await;
    let keys = RunKeys::new("default", &run.plan.run);
    let planned: DatasetPlan<Columns> =
        documents::read(&bucket, &keys.dataset_plan(), "the dataset's plan")
            .await
            .unwrap();
    let part = &planned.shards[0][0];
    assert_eq!(planned.shards, vec![vec![part.clone()]; 3], "one part");

    let dataset = run.packed(&bucket).await;
    assert_eq!((dataset.rows.total(), dataset.rows.rejected), (200, 0));
    let train = dataset.files.iter().filter(|file| file.channel == "train");
    let rows: Vec<_> = train.map(|file| file.rows).collect();
    assert_eq!((rows.len(), rows.iter().sum()), (3, dataset.rows.train));
    assert!(rows.iter().all(|rows| *rows > 20), "{rows:?}");
    let keys = RunKeys::new("default", &run.plan.run);
    let verified = lake::verify::verify(&bucket, &keys, &|_, _| ()).await;
    assert_eq!(verified.unwrap().findings, []);
}

#[tokio::test]
async fn fewer_images_than_instances_are_refused_before_any_is_packed() {
    let bucket = Bucket::new();
    fill_trips(&bucket, 12).await;
    let planned = plan(&bucket, &shared(20), "1").await.unwrap();
    index(&bucket, &planned).await.unwrap();
    let error = plan_dataset(&bucket, &planned).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition, "{error}");
    let says = "12 files at most for 20 instances";
    assert!(error.to_string().contains(says), "{error}");
}
