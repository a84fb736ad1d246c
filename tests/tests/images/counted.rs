//! What a run reads, as S3 counts it and not the index: over HTTP, by a proxy in front of an S3 server.

use crate::bucket::jpeg;
use aws::s3::S3Store;
use contract::states::{Execution, ExportSegmentInput, ExportTask, PlanExportInput, Status};
use end_to_end::counted::{Counted, Kind};
use end_to_end::in_process::{NoOther, invocation};
use index_images::Settings;
use lake::records::{Listing, SegmentRecord};
use lake::{ObjectStore, RunKeys, documents, segment};
use local_servers::s3::S3;
use profile::Profile;
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::memory::MemoryTable;
use source::{MemoryFunctions, MemoryItems};

const LAKE: &str = "lake";
const IMAGES: Kind = Kind::Get("images/");

async fn fill(store: &S3Store, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let class = ["cat", "dog", "emu"][number as usize % 3];
        let key = format!("images/{class}/{number:04}");
        let image = jpeg(number);
        store
            .put(&format!("{key}.jpg"), image.into())
            .await
            .unwrap();
        let label = format!("{class}-{}", number % 7);
        store
            .put(&format!("{key}.txt"), label.into())
            .await
            .unwrap();
    }
}

/// Plans and indexes over HTTP, and returns what the ranges say.
async fn run(store: &S3Store, labels: &Value, number: u32) -> Listing {
    let pipeline = if labels.get("key").is_some() {
        "keys"
    } else {
        "sidecars"
    };
    let definition = json!({"pipeline": pipeline, "source": {"images": {
        "keys": "images/{class}/{name}.{ext}", "labels": labels, "ranges": 4,
    }}});
    let source = serde_json::from_value(definition["source"]["images"].clone()).unwrap();
    let images = plan_export::Images {
        source: &source,
        tables: &MemoryTable::new("signs", Vec::new(), 1),
        lake: store,
        concurrency: 40,
    };
    let settings = plan_export::Settings {
        stack: "fleet".to_owned(),
        overrides: plan_export::Overrides::default(),
        concurrency: 40,
    };
    let input = PlanExportInput {
        execution: Execution {
            id: format!("arn:{pipeline}-{number}"),
            start_time: format!("2026-11-20T17:30:0{number}Z"),
        },
        input: definition,
    };
    let (alarms, functions) = (MemorySageMaker::new(), MemoryFunctions::default());
    let planned = plan_export::handle(
        store, &images, &NoOther, &alarms, &functions, &settings, input,
    );
    let planned = Box::pin(planned).await.unwrap();
    let tasks: Vec<ExportTask> = documents::read(store, &planned.tasks_key, "tasks")
        .await
        .unwrap();
    let mut sum = Listing::default();
    let keys = RunKeys::new(&planned.pipeline, &planned.run);
    for task in tasks {
        let segments = task.first_segment..task.first_segment + task.segment_count;
        let input = ExportSegmentInput {
            pipeline: planned.pipeline.clone(),
            run: planned.run.clone(),
            task,
        };
        let (items, settings) = (MemoryItems::default(), Settings::default());
        let output = index_images::handle(store, &items, settings, input, invocation());
        assert_eq!(Box::pin(output).await.unwrap().status, Status::Done);
        for number in segments {
            let record: Option<SegmentRecord<Profile>> =
                segment::manifest(store, &keys, number).await.unwrap();
            sum += record.unwrap().listing.unwrap();
        }
    }
    let input = contract::states::RunInput {
        pipeline: planned.pipeline,
        run: planned.run,
    };
    let checked = plan_dataset::handle(store, 40, input, invocation());
    Box::pin(checked).await.unwrap();
    sum
}

#[tokio::test]
async fn a_hundred_images_more_are_a_hundred_gets_and_no_other() {
    let server = S3::start(&[LAKE]).await;
    let proxy = Counted::start(&server, &["images/"]).await;
    // What is put does not pass the proxy.
    let behind = S3Store::new(&aws::local(server.url()).await, LAKE);
    let store = S3Store::new(&aws::local(proxy.url()).await, LAKE);
    fill(&behind, 0..150).await;
    let by_key = json!({"key": "class"});
    let first = run(&store, &by_key, 1).await;
    assert_eq!((proxy.count(IMAGES), first.read), (150, 150));
    assert_eq!((first.not_included, first.quarantined), (150, 0));

    let second = run(&store, &by_key, 2).await;
    assert_eq!((proxy.count(IMAGES), second.read), (150, 0));

    fill(&behind, 150..250).await;
    let listed = proxy.count(Kind::List);
    let third = run(&store, &by_key, 3).await;
    assert_eq!((proxy.count(IMAGES), third.read), (250, 100));
    assert!(proxy.count(Kind::List) > listed, "it was seen by listing");

    // Another pipeline with labels in sidecars: one request more for each image.
    let by_sidecar = json!({"sidecar": {"suffix": ".txt"}});
    let fourth = run(&store, &by_sidecar, 4).await;
    assert_eq!((fourth.read, fourth.label_reads), (250, 250));
    assert_eq!(proxy.count(IMAGES), 250 + 500);
    // A sidecar that changed is one request, and no image.
    let sidecar = "images/cat/0003.txt";
    behind.put(sidecar, "other".into()).await.unwrap();
    let fifth = run(&store, &by_sidecar, 5).await;
    assert_eq!((fifth.read, fifth.label_reads), (0, 1));
    assert_eq!(proxy.count(IMAGES), 250 + 501);
}
