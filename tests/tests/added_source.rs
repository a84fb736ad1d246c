//! A kind of source that only this test has, from its plan to training files: it implements the two
//! traits in a module of its own, and every step after the export is the real one.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::Invocation;
use contract::states::{
    Execution, ExportTask, MergeToCsvInput, PlanExportInput, RowCounts, RunInput,
};
use end_to_end::in_process::NoOther;
use lake::records::Plan;
use lake::{MemoryStore, RunKeys, documents};
use raw_export::{Settings, TaskExport, TimeLimit};
use sagemaker_ports::MemorySageMaker;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// The source: bricks of a colour and a weight, numbered, made up when they are read.
mod bricks {
    use contract::ServiceError;
    use contract::states::{Estimate, ExportTask, Route};
    use definition::Definition;
    use raw_export::{Page, PlanSource, Planned, ReadSegments, SegmentRequest};
    use serde_json::json;
    use source::{PageBuffer, PageEnd};

    const PAGE: u64 = 7;

    pub struct Bricks {
        pub count: u64,
    }

    impl PlanSource for Bricks {
        type Error = ServiceError;

        async fn plan(&self, _: &Definition) -> Result<Planned, ServiceError> {
            Ok(Planned {
                key_attributes: vec!["number".to_owned()],
                route: Route::Scan,
                reason: "bricks are made up".to_owned(),
                segments: 5,
                tasks: ExportTask::share(5, 2),
                estimate: Estimate {
                    items: self.count,
                    bytes: self.count * 40,
                    read_units: 0,
                    minutes: None,
                    cost: None,
                },
                sample: None,
                source: None,
                changes: None,
            })
        }
    }

    impl ReadSegments for Bricks {
        async fn page(
            &self,
            request: &SegmentRequest<'_>,
            buffer: &mut PageBuffer,
        ) -> Result<Page, ServiceError> {
            buffer.clear();
            let (segment, step) = (
                u64::from(request.segment),
                u64::from(request.total_segments),
            );
            let first = request.cursor.and_then(|cursor| cursor["next"].as_u64());
            let first = first.unwrap_or(segment);
            let end = (first + PAGE * step).min(self.count);
            let numbers = (first..end).step_by(request.total_segments as usize);
            for number in numbers.clone() {
                let colour = match number % 3 {
                    0 => "red",
                    1 => "blue",
                    _ => "green",
                };
                let item = json!({"Item": {
                    "number": {"N": number.to_string()},
                    "colour": {"S": colour},
                    "weight": {"N": (number % 10 + 1).to_string()},
                }});
                buffer.push_with(|out| out.extend_from_slice(format!("{item}\n").as_bytes()));
            }
            let next = first + PAGE * step;
            let end = PageEnd {
                cursor: (next < self.count).then(|| json!({ "next": next })),
                scanned: numbers.count() as u64,
                read_units: 0.0,
            };
            Ok(Page::Read { end, asked_ms: 0 })
        }
    }
}

fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_hours(1),
    }
}

#[tokio::test]
async fn a_source_that_was_added_becomes_a_dataset() {
    let (store, source) = (MemoryStore::new(), bricks::Bricks { count: 200 });
    let input = PlanExportInput {
        execution: Execution {
            id: "arn:1".to_owned(),
            start_time: "2026-11-20T17:30:00Z".to_owned(),
        },
        // The kind's own fields are the business of the definition's enum.
        input: json!({
            "source": {"dynamodb": {"table": "bricks"}},
            "dataset": {"label": "weight", "exclude": ["number"], "split": {"validation": 0.2}},
            "training": {"image": "i"},
            "promotion": {"metric": "m", "goal": "minimize"},
        }),
    };
    let settings = plan_export::Settings {
        stack: "shop".to_owned(),
        overrides: plan_export::Overrides::default(),
        concurrency: 40,
    };
    let alarms = MemorySageMaker::new();
    let planned = plan_export::handle(
        &store,
        &source,
        &NoOther,
        &alarms,
        &::source::MemoryFunctions::default(),
        &settings,
        input,
    )
    .await
    .unwrap();
    let keys = RunKeys::new(&planned.pipeline, &planned.run);
    let plan: Plan = documents::read(&store, &keys.plan(), "the run's plan")
        .await
        .unwrap();
    assert_eq!(
        (plan.source.is_none(), plan.key_attributes.len()),
        (true, 1)
    );
    let tasks: Vec<ExportTask> = documents::read(&store, &planned.tasks_key, "tasks")
        .await
        .unwrap();
    assert_eq!(tasks.len(), 2);
    for task in &tasks {
        let export = TaskExport {
            store: &store,
            reader: &source,
            keys: &keys,
            source_name: "the bricks",
            total_segments: plan.segments,
            declared: &[],
            attempt: "a",
            settings: Settings::default(),
            time: TimeLimit::within(Duration::from_hours(1)),
            max_units: None,
        };
        let end = export.run(task).await.unwrap();
        assert!(end.segments.iter().all(|segment| segment.whole));
    }
    let run = RunInput {
        pipeline: planned.pipeline,
        run: planned.run,
    };
    assert_eq!(dataset(&store, &run).await.total(), 200);
}

async fn dataset(store: &MemoryStore, run: &RunInput) -> RowCounts {
    let planned = plan_dataset::handle(store, 40, run.clone(), invocation())
        .await
        .unwrap();
    for shard in 0..planned.shards {
        let input = MergeToCsvInput {
            pipeline: run.pipeline.clone(),
            run: run.run.clone(),
            shard,
        };
        merge_to_csv::handle(store, input, invocation())
            .await
            .unwrap();
    }
    let sealed = seal_dataset::handle(store, run.clone(), invocation()).await;
    sealed.unwrap().rows
}
