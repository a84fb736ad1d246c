//! What every adapter of the ports must do; each adapter's tests call it. It leaves a training job and a
//! tuning job, whose names are then used up, and removes the rest.

use crate::{
    AlarmSpec, Alarms, Capture, Channel, ConfigSpec, Endpoints, ModelPackages, ModelSpec, Owner,
    PackageApproval, PackageSpec, Scaling, TrainingJobs, TrainingSpec, TrainingStatus,
    TransformSpec, TransformStatus, Transforms, TuningJobs, TuningSpec, TuningStatus, Update,
};
use contract::{ErrorName, Named, ServiceError};
use definition::{
    Autoscaling, Compute, Distribution, Goal, InputMode, Scalar, TuningRange, TuningScale,
    TuningStrategy, Vpc,
};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A specification that says something in every field.
pub fn job_spec(name: &str, lake: &str) -> TrainingSpec {
    let channel = |channel: &str, distribution| {
        let prefix = format!("{lake}/processed/{channel}/");
        let it = Channel {
            prefix,
            attributes: Vec::new(),
            content_type: "text/csv".to_owned(),
            distribution,
        };
        (channel.to_owned(), it)
    };
    let text = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    TrainingSpec {
        name: name.to_owned(),
        image: "000000000000.dkr.ecr.us-east-1.amazonaws.com/recommender:1".to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/training".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instance_count: 1,
        volume_gb: 30,
        max_runtime_seconds: 3600,
        max_wait_seconds: Some(7200),
        checkpoints: Some(format!("{lake}/checkpoints")),
        input_mode: InputMode::FastFile,
        hyperparameters: text("factors", "16"),
        metrics: text("validation:rmse", "validation:rmse=([0-9.]+)"),
        channels: BTreeMap::from([
            channel("train", Distribution::ShardedByS3Key),
            channel("validation", Distribution::FullyReplicated),
        ]),
        output: format!("{lake}/models"),
        environment: text("LEVEL", "info"),
        vpc: Some(vpc()),
        network_isolation: true,
        encrypt_traffic: true,
        volume_key: Some("alias/volumes".to_owned()),
        output_key: Some("alias/models".to_owned()),
        tags: text("millrace:pipeline", "default"),
    }
}

/// A specification of a tuning job that says something in every field.
pub fn tuning_spec(name: &str, lake: &str) -> TuningSpec {
    let ranges = [
        (
            "factors",
            TuningRange::Integer {
                minimum: 4,
                maximum: 64,
                scale: TuningScale::Logarithmic,
            },
        ),
        (
            "loss",
            TuningRange::Categorical(vec![
                Scalar::Text("rmse".to_owned()),
                Scalar::Text("mae".to_owned()),
            ]),
        ),
        (
            "rate",
            TuningRange::Continuous {
                minimum: 0.01,
                maximum: 0.5,
                scale: TuningScale::Auto,
            },
        ),
    ];
    let mut training = job_spec(name, lake);
    training.hyperparameters = BTreeMap::from([("epochs".to_owned(), "9".to_owned())]);
    TuningSpec {
        name: name.to_owned(),
        strategy: TuningStrategy::Random,
        metric: "validation:rmse".to_owned(),
        goal: Goal::Minimize,
        max_jobs: Some(3),
        max_parallel_jobs: 2,
        early_stopping: true,
        seed: Some(7),
        ranges: ranges.map(|(name, range)| (name.to_owned(), range)).into(),
        training,
    }
}

/// Tuning jobs: absent, created, described as created, refused a second time, stopped.
///
/// # Panics
/// With the first deviation found.
pub async fn tuning_jobs(jobs: &impl TuningJobs, spec: &TuningSpec) {
    let absent = jobs.describe_tuning(&spec.name).await.expect("describe");
    assert!(absent.is_none(), "{absent:?} is there before its creation");
    jobs.create_tuning(spec).await.expect("create");
    let info = jobs.describe_tuning(&spec.name).await.expect("describe");
    let info = info.expect("the tuning job is there after its creation");
    let mut wanted = spec.clone();
    wanted.training.tags.clear();
    assert_eq!(info.spec, wanted);
    refuses(
        jobs.create_tuning(spec).await,
        ErrorName::Conflict,
        "a second tuning job",
    );
    let failures = jobs.tuning_failures(&spec.name).await;
    failures.expect("its failures");
    assert!(jobs.stop_tuning("absent").await.is_err());
    let stopped = jobs.stop_tuning(&spec.name).await;
    let info = jobs.describe_tuning(&spec.name).await.expect("describe");
    let status = info.expect("the tuning job stays").status;
    assert_ne!(status, TuningStatus::InProgress, "{stopped:?}");
}

fn vpc() -> Vpc {
    Vpc {
        subnets: vec!["subnet-0123456789abcdef0".to_owned()],
        security_group_ids: vec!["sg-0123456789abcdef0".to_owned()],
    }
}

/// Alarms of the endpoint: absent, put, put again, in no alarm for want of requests.
///
/// # Panics
/// With the first deviation found.
pub async fn alarms(alarms: &impl Alarms, endpoint: &str) {
    let owner = Owner::new("stack", "pipeline");
    let topic = "arn:aws:sns:us-east-1:000000000000:notices";
    let specs = AlarmSpec::of_endpoint(&owner, endpoint, 250, topic);
    let mut names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    let absent = alarms.in_alarm(&names).await.expect("states");
    assert_eq!(absent, BTreeMap::new());
    for spec in specs.iter().chain(&specs) {
        alarms.put_alarm(spec).await.expect("an alarm");
    }
    names.push("absent".to_owned());
    let found = alarms.in_alarm(&names).await.expect("states");
    let quiet = names[..2].iter().map(|name| (name.clone(), false));
    assert_eq!(found, quiet.collect());
}

/// Training jobs: absent, created, described as created, refused a second time, stopped.
///
/// # Panics
/// With the first deviation found.
pub async fn training_jobs(jobs: &impl TrainingJobs, spec: &TrainingSpec) {
    let absent = jobs.describe(&spec.name).await.expect("describe");
    assert!(absent.is_none(), "{absent:?} is there before its creation");
    jobs.create(spec).await.expect("create");
    let info = jobs.describe(&spec.name).await.expect("describe");
    let info = info.expect("the job is there after its creation");
    let wanted = TrainingSpec {
        tags: BTreeMap::new(),
        ..spec.clone()
    };
    assert_eq!(info.spec, wanted);
    refuses(jobs.create(spec).await, ErrorName::Conflict, "a second job");
    assert!(jobs.stop("absent").await.is_err());
    // Refused if the job has ended meanwhile.
    let stopped = jobs.stop(&spec.name).await;
    let info = jobs.describe(&spec.name).await.expect("describe");
    let status = info.expect("the job stays").status;
    assert_ne!(status, TrainingStatus::InProgress, "{stopped:?}");
}

/// Model packages: a group made once, a version found again, its approval changed, and a request that is
/// repeated making no second version.
///
/// # Panics
/// With the first deviation found.
pub async fn model_packages(packages: &impl ModelPackages, group: &str, image: &str, lake: &str) {
    assert_eq!(packages.group_tags(group).await.expect("tags"), None);
    let one = BTreeMap::from([("millrace:stack".to_owned(), "suite".to_owned())]);
    packages.create_group(group, &one).await.expect("a group");
    refuses(
        packages.create_group(group, &one).await,
        ErrorName::Conflict,
        "a second group",
    );
    let tags = packages.group_tags(group).await.expect("tags");
    assert_eq!(tags, Some(one));
    let other = BTreeMap::from([("millrace:pipeline".to_owned(), "other".to_owned())]);
    packages.tag_group(group, &other).await.expect("tagged");
    let tags = packages.group_tags(group).await.expect("tags");
    assert_eq!(tags.map(|tags| tags.len()), Some(2), "one more tag");
    let spec = |run: &str| PackageSpec {
        group: group.to_owned(),
        description: format!("run {run}"),
        token: run.to_owned(),
        image: image.to_owned(),
        artifact: format!("{lake}/model.tar.gz"),
        content_type: "text/csv".to_owned(),
        metrics: format!("{lake}/metrics.json"),
        properties: BTreeMap::from([("run".to_owned(), run.to_owned())]),
        approval: PackageApproval::PendingManualApproval,
    };
    let found = packages.find_package(group, "run one").await;
    assert_eq!(found.expect("find"), None);
    let mut arns = Vec::new();
    for run in ["one", "two"] {
        let arn = packages.create_package(&spec(run)).await.expect("create");
        let again = packages.create_package(&spec(run)).await.expect("create");
        assert_eq!(again, arn, "the token is the same");
        let found = packages.find_package(group, &format!("run {run}")).await;
        assert_eq!(found.expect("find").as_ref(), Some(&arn));
        arns.push(arn);
    }
    assert_ne!(arns[0], arns[1]);
    for approval in [PackageApproval::Approved, PackageApproval::Rejected] {
        let changed = packages.approve_package(&arns[0], approval, "why").await;
        changed.expect("its approval is changed");
    }
    let nobody = format!("{}9", arns[0]);
    let changed = packages.approve_package(&nobody, PackageApproval::Approved, "why");
    refuses(
        changed.await,
        ErrorName::NotFound,
        "a package that is not there",
    );
}

/// A model that says something in every field.
pub fn model(name: &str, image: &str, artifact: &str) -> ModelSpec {
    ModelSpec {
        name: name.to_owned(),
        image: image.to_owned(),
        artifact: artifact.to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/training".to_owned(),
        environment: BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())]),
        vpc: Some(vpc()),
        network_isolation: true,
        tags: BTreeMap::from([("millrace:pipeline".to_owned(), "default".to_owned())]),
    }
}

/// A specification that says something in every field.
pub fn transform_spec(name: &str, model: &str) -> TransformSpec {
    TransformSpec {
        name: name.to_owned(),
        model: model.to_owned(),
        input: "s3://lake/processed/validation/".to_owned(),
        content_type: "text/csv".to_owned(),
        columns: Some("$[1:]".to_owned()),
        output: "s3://lake/predictions".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instance_count: 2,
        max_payload_mb: Some(8),
        volume_key: Some("alias/volumes".to_owned()),
        output_key: Some("alias/output".to_owned()),
        tags: BTreeMap::from([("millrace:pipeline".to_owned(), "default".to_owned())]),
    }
}

/// A transform job of a model that is there. It stays, and may come to any end.
///
/// # Panics
/// With the first deviation found.
pub async fn transforms(transforms: &impl Transforms, spec: &TransformSpec) {
    let there = async || {
        transforms
            .describe_transform(&spec.name)
            .await
            .expect("describe")
    };
    assert_eq!(there().await, None);
    transforms.create_transform(spec).await.expect("create");
    let info = there().await.expect("the job is there after its creation");
    assert!(info.spec.tags.is_empty(), "the service does not tell tags");
    assert!(crate::differences(spec, &info.spec).is_empty());
    let again = transforms.create_transform(spec).await;
    refuses(again, ErrorName::Conflict, "a second job");
    assert!(transforms.stop_transform("absent").await.is_err());
    let stopped = transforms.stop_transform(&spec.name).await;
    let status = there().await.expect("the job stays").status;
    assert_ne!(status, TransformStatus::InProgress, "{stopped:?}");
}

/// Models, configurations and endpoints' absence. No endpoint is created: that takes minutes and
/// costs money where the adapter is a real one.
///
/// # Panics
/// With the first deviation found.
pub async fn endpoints(endpoints: &impl Endpoints, name: &str, image: &str, artifact: &str) {
    let model = model(name, image, artifact);
    assert_eq!(
        endpoints.describe_model(name).await.expect("describe"),
        None
    );
    endpoints
        .create_model(&model)
        .await
        .expect("create a model");
    let there = endpoints.describe_model(name).await.expect("describe");
    let untagged = ModelSpec {
        tags: BTreeMap::new(),
        ..model.clone()
    };
    assert_eq!(there.as_ref(), Some(&untagged));
    refuses(
        endpoints.create_model(&model).await,
        ErrorName::Conflict,
        "a second model",
    );

    let computes = [
        Compute::default(),
        Compute::Instances {
            instance_type: "ml.m5.large".to_owned(),
            count: 2,
        },
    ];
    for (number, compute) in computes.into_iter().enumerate() {
        let instances = !compute.is_serverless();
        let config = ConfigSpec {
            name: format!("{name}-{number}"),
            model: name.to_owned(),
            compute,
            capture: instances.then(|| Capture {
                percent: 20,
                destination: "s3://lake/captured".to_owned(),
                key: Some("alias/lake".to_owned()),
            }),
            startup_seconds: instances.then_some(600),
            volume_key: instances.then(|| "alias/volumes".to_owned()),
            tags: BTreeMap::new(),
        };
        let there = endpoints.describe_config(&config.name).await;
        assert_eq!(there.expect("describe"), None);
        endpoints
            .create_config(&config)
            .await
            .expect("create a configuration");
        let there = endpoints.describe_config(&config.name).await;
        assert_eq!(there.expect("describe").as_ref(), Some(&config));
        refuses(
            endpoints.create_config(&config).await,
            ErrorName::Conflict,
            "a second configuration",
        );
    }
    let (first, second) = (format!("{name}-0"), format!("{name}-1"));
    let listed = endpoints.list_configs(&format!("{name}-")).await;
    assert_eq!(listed.expect("list"), [first.clone(), second.clone()]);

    let there = endpoints.describe_endpoint(name).await.expect("describe");
    assert_eq!(there, None);
    refuses(
        endpoints
            .update_endpoint(name, &first, Update::default())
            .await,
        ErrorName::NotFound,
        "an update of nothing",
    );

    // Twice: removing what is not there succeeds.
    for _ in 0..2 {
        endpoints.delete_config(&first).await.expect("delete");
        endpoints.delete_config(&second).await.expect("delete");
        endpoints.delete_model(name).await.expect("delete");
    }
    assert_eq!(
        endpoints.describe_model(name).await.expect("describe"),
        None
    );
    assert_eq!(
        endpoints.describe_config(&first).await.expect("describe"),
        None
    );
}

/// The tags of an endpoint: those it was created with, then those that replaced them. It stays.
///
/// # Panics
/// With the first deviation found.
pub async fn endpoint_tags(endpoints: &impl Endpoints, name: &str, image: &str, artifact: &str) {
    let tags = |key: &str| BTreeMap::from([(key.to_owned(), "suite".to_owned())]);
    assert_eq!(endpoints.endpoint_tags(name).await.expect("tags"), None);
    let model = model(name, image, artifact);
    endpoints.create_model(&model).await.expect("a model");
    let config = ConfigSpec {
        name: name.to_owned(),
        model: name.to_owned(),
        compute: Compute::default(),
        capture: None,
        startup_seconds: None,
        volume_key: None,
        tags: tags("millrace:stack"),
    };
    endpoints.create_config(&config).await.expect("a config");
    let tags = tags("millrace:stack");
    let created = endpoints.create_endpoint(name, name, &tags);
    created.await.expect("an endpoint");
    let found = endpoints.endpoint_tags(name).await.expect("tags");
    assert_eq!(found, Some(tags));
    let other = BTreeMap::from([("millrace:stack".to_owned(), "other".to_owned())]);
    endpoints.tag_endpoint(name, &other).await.expect("tagged");
    let found = endpoints.endpoint_tags(name).await.expect("tags");
    assert_eq!(found, Some(other));
}

/// The scaling of an endpoint: put, put again, replaced, removed.
///
/// # Panics
/// With the first deviation found.
pub async fn scaling(scaling: &impl Scaling, endpoint: &str) {
    let there = async || scaling.describe_scaling(endpoint).await.expect("describe");
    assert_eq!(there().await, None);
    scaling.remove_scaling(endpoint).await.expect("remove");
    let first = Autoscaling {
        min_instances: 1,
        max_instances: 4,
        invocations_per_instance: 600,
        scale_in_cooldown_seconds: 300,
        scale_out_cooldown_seconds: 60,
    };
    let second = Autoscaling {
        min_instances: 2,
        invocations_per_instance: 900,
        ..first
    };
    for wanted in [first, first, second] {
        scaling.put_scaling(endpoint, &wanted).await.expect("put");
        assert_eq!(there().await, Some(wanted));
        assert!(scaling.is_scaled(endpoint).await.expect("describe"));
    }
    // Twice: removing what is not there succeeds.
    for _ in 0..2 {
        scaling.remove_scaling(endpoint).await.expect("remove");
        assert_eq!(there().await, None);
        assert!(!scaling.is_scaled(endpoint).await.expect("describe"));
    }
}

fn refuses<T: Debug>(answer: Result<T, ServiceError>, name: ErrorName, what: &str) {
    match answer {
        Err(error) => assert_eq!(error.name(), name, "{what}: {error}"),
        Ok(answer) => panic!("{what} is answered with {answer:?}"),
    }
}
