//! A release as a person installs it: its wheels are packed and installed into an empty virtual
//! environment, `millrace deploy` brings a stack up on local AWS, and a pipeline runs on it.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::cloudformation::{Stacks, Template};
use aws::sfn::StateMachines;
use end_to_end::pipeline::Pipeline;
use end_to_end::program::{self, Ended};
use end_to_end::{python, workspace};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use millrace::local::{self, Options};
use millrace::progress::Progress;
use millrace::template;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ITEMS: usize = 2000;
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "x86_64"
};
/// What a person waits for help.
const SOON: Duration = Duration::from_millis(50);
const GIVEN: &str = "--parameter TableName=interactions --parameter AlarmEmail=ada@example.com";

/// The program in an environment that holds nothing but the wheels.
struct Installed {
    folder: TempDir,
}

impl Installed {
    async fn from_wheels() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packages = local::packages(&Options::new(Progress::quiet())).await;
        let package = packages.unwrap().into_values().next().unwrap();
        let functions = package.parent().and_then(Path::parent).unwrap();
        let this = Self { folder };
        this.release(&["stack", ARCHITECTURE, functions.to_str().unwrap()]);
        this.fit_template_to_local_aws();
        this.release(&["stack-wheel", ARCHITECTURE]);
        let program = env!("CARGO_BIN_EXE_millrace-under-test");
        this.release(&["wheel", ARCHITECTURE, program]);

        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(this.path("venv")));
        let mut pip = Command::new(this.path("venv/bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--disable-pip-version-check",
        ]);
        run(pip
            .arg("--find-links")
            .arg(this.path("dist"))
            .arg("millrace"));
        this
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The files of `stack`, before they are packed.
    fn stack(&self) -> PathBuf {
        let version = env!("CARGO_PKG_VERSION");
        self.path(&format!("work/millrace-stack-{version}-{ARCHITECTURE}"))
    }

    /// A step of the release, with its packer.
    fn release(&self, words: &[&str]) {
        let packer = python::RELEASE.program("wheel");
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", packer.parent().unwrap().display());
        let mut step = Command::new(workspace::root().join(".ci/release"));
        step.args(words)
            .env("PATH", path)
            .env("RELEASE_DIST", self.path("dist"))
            .env("RELEASE_WORK", self.path("work"));
        run(&mut step);
    }

    fn fit_template_to_local_aws(&self) {
        let path = self.stack().join("template.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let whole = template::to_json(&text).unwrap();
        assert_eq!(whole["Parameters"]["Architecture"]["Default"], ARCHITECTURE);
        std::fs::write(&path, local::without_unsupported(whole).to_string()).unwrap();
        let mut sums = Command::new("bash");
        let step = "sha256sum -- *.zip template.yaml schedule.yaml retrain.asl.json >SHA256SUMS";
        run(sums.args(["-c", step]).current_dir(self.stack()));
    }

    fn program(&self) -> PathBuf {
        self.path("venv/bin/millrace")
    }

    fn command(&self, pipeline: &Pipeline, line: &str) -> tokio::process::Command {
        let mut command =
            program::command(&self.program(), &pipeline.local, self.folder.path(), line);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    async fn run(&self, pipeline: &Pipeline, line: &str) -> Ended {
        Ended::of(self.command(pipeline, line).output().await.unwrap())
    }

    async fn json(&self, pipeline: &Pipeline, line: &str) -> Value {
        let text = self.run(pipeline, &format!("{line} --json")).await.well();
        program::document("deploy", &text)
    }
}

fn run(command: &mut Command) {
    let output = python::output(command);
    assert!(
        output.status.success(),
        "{command:?}: {}",
        python::said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_release_deploys_a_stack_that_runs_a_pipeline() {
    let installed = Installed::from_wheels().await;
    help_comes_at_once(&installed);
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(42, ITEMS);
    pipeline.fill(TABLE, &interactions).await;

    a_deployment_needs_answers_and_a_confirmation(&installed, &pipeline).await;
    a_deployment_is_made_once(&installed, &pipeline).await;
    the_pipeline_runs(&installed, &pipeline).await;
    an_update_keeps_the_parameters(&installed, &pipeline).await;
    other_stacks_are_left_alone(&installed, &pipeline).await;
    a_changed_file_is_refused(&installed, &pipeline).await;
    pipeline.local.stop().await.unwrap();
}

fn help_comes_at_once(installed: &Installed) {
    let took = (0..10).map(|_| {
        let begun = Instant::now();
        let mut help = Command::new(installed.program());
        let output = python::output(help.env_clear().arg("--help"));
        assert!(output.status.success(), "{}", python::said(&output));
        begun.elapsed()
    });
    let least = took.min().unwrap();
    eprintln!("millrace --help takes {least:?}");
    assert!(least < SOON, "{least:?}");
}

async fn a_deployment_needs_answers_and_a_confirmation(installed: &Installed, pipeline: &Pipeline) {
    let refused = installed.run(pipeline, "deploy --stack second --yes").await;
    assert_eq!(refused.code, 2, "{}", refused.error);
    assert!(
        refused.error.contains("TableName is not given"),
        "{}",
        refused.error
    );
    let line = "deploy --stack second --parameter TabelName=interactions";
    let refused = installed.run(pipeline, line).await;
    assert_eq!(refused.code, 2, "{}", refused.error);
    assert!(
        refused.error.contains("the closest is `TableName`"),
        "{}",
        refused.error
    );
    let line = "deploy --stack second --yes --parameter TableName=interactions --parameter RawExpiryDays=7";
    let refused = installed.run(pipeline, line).await;
    assert_eq!(refused.code, 1, "{}", refused.error);
    assert!(refused.error.contains("RawExpiryDays"), "{}", refused.error);

    let refused = installed
        .run(pipeline, &format!("deploy --stack second {GIVEN}"))
        .await;
    assert_eq!(refused.code, 2, "{}", refused.error);
    let (error, administrators) = (
        &refused.error,
        "LakeAdministrators: arn:aws:iam::000000000000:root",
    );
    assert!(error.contains(administrators), "{error}");
    // Local AWS lists what the conditions leave out, too.
    assert!(error.contains("  +  17 AWS::Lambda::Function"), "{error}");
    assert!(error.contains("--yes, after a look"), "{error}");
    let planned = installed
        .json(
            pipeline,
            &format!("deploy --stack second --dry-run {GIVEN}"),
        )
        .await;
    assert_eq!(planned["outcome"], "planned");
    assert_eq!(planned["outputs"], json!({}));
    assert!(planned["differences"].as_array().unwrap().len() > 60);
}

async fn a_deployment_is_made_once(installed: &Installed, pipeline: &Pipeline) {
    let line = format!("deploy --stack second --yes {GIVEN}");
    let first = installed.run(pipeline, &line).await;
    assert!(first.error.contains("ok  Stack second"), "{}", first.error);
    assert!(
        first.error.contains("next: millrace init"),
        "{}",
        first.error
    );
    assert!(first.well().contains("LakeBucket"));
    let second = installed.run(pipeline, &line).await;
    assert!(
        second.error.contains("ok  Changes") && second.error.contains("none"),
        "{}",
        second.error
    );
    assert!(second.well().contains("StateMachineArn"));
}

async fn the_pipeline_runs(installed: &Installed, pipeline: &Pipeline) {
    // Local CloudFormation has no aliases of state machines.
    let stacks = Stacks::new(pipeline.local.aws_config());
    let outputs = stacks.describe("second").await.unwrap().unwrap().outputs;
    let machines = StateMachines::new(pipeline.local.aws_config());
    let (machine, alias) = (
        &outputs["StateMachineArn"],
        &outputs["StateMachineAliasArn"],
    );
    machines.point_alias(machine, alias).await.unwrap();

    let definition = serde_json::to_string_pretty(&demo::definition()).unwrap();
    std::fs::write(installed.path("default.json"), definition).unwrap();
    let pushed = installed
        .run(pipeline, "push default.json --stack second")
        .await
        .well();
    assert!(pushed.contains(&outputs["LakeBucket"]), "{pushed}");
    let ran = installed
        .run(pipeline, "start --watch --stack second")
        .await;
    assert!(ran.error.contains("ok  PublishReport"), "{}", ran.error);
    ran.well();
    let doctor = installed
        .run(pipeline, "doctor --stack second")
        .await
        .well();
    assert!(doctor.contains("ok  state machine"), "{doctor}");
}

async fn an_update_keeps_the_parameters(installed: &Installed, pipeline: &Pipeline) {
    let line = "deploy --stack second --yes --parameter LogRetentionDays=14";
    let updated = installed.json(pipeline, line).await;
    assert_eq!(updated["outcome"], "updated", "{updated:#}");
    let differences = updated["differences"].as_array().unwrap();
    assert!(!differences.is_empty());
    let kind = |it: &Value| it["type"].as_str().unwrap().to_owned();
    assert!(
        differences
            .iter()
            .any(|it| kind(it) == "AWS::Logs::LogGroup"),
        "{updated:#}"
    );

    let stacks = Stacks::new(pipeline.local.aws_config());
    let parameters = stacks.describe("second").await.unwrap().unwrap().parameters;
    assert_eq!(parameters["LogRetentionDays"], "14");
    assert_eq!(parameters["AlarmEmail"], "ada@example.com");
    let again = installed
        .json(pipeline, "deploy --stack second --yes")
        .await;
    assert_eq!(again["outcome"], "unchanged");
    assert!(again["outputs"]["LakeBucket"].is_string());
}

/// A stack of somebody else is not replaced.
async fn other_stacks_are_left_alone(installed: &Installed, pipeline: &Pipeline) {
    let stacks = Stacks::new(pipeline.local.aws_config());
    let body = json!({"Resources": {"Orders": {"Type": "AWS::SQS::Queue"}}}).to_string();
    let (body, none) = (Template::Body(body), BTreeMap::new());
    stacks.begin("shop", &body, &none).await.unwrap();
    let refused = installed
        .run(pipeline, &format!("deploy --stack shop --yes {GIVEN}"))
        .await;
    assert_eq!(refused.code, 2, "{}", refused.error);
    let words = "`shop` is no stack of Millrace";
    assert!(refused.error.contains(words), "{}", refused.error);
}

async fn a_changed_file_is_refused(installed: &Installed, pipeline: &Pipeline) {
    let zip = installed.stack().join("plan-export.zip");
    std::fs::write(zip, "another one").unwrap();
    let folder = installed.stack();
    let line = format!(
        "deploy --stack third --yes {GIVEN} --release {}",
        folder.display()
    );
    let refused = installed.run(pipeline, &line).await;
    assert_eq!(refused.code, 1, "{}", refused.error);
    assert!(
        refused
            .error
            .contains("plan-export.zip is not as SHA256SUMS"),
        "{}",
        refused.error
    );
    let stacks = Stacks::new(pipeline.local.aws_config());
    assert!(stacks.describe("third").await.unwrap().is_none());
}
