//! The command: its start, its end by a signal, and what its next start does after SIGKILL.

use crate::bench::{IMAGE, ROLE, is_alive, program, until, variant};
use aws::s3::S3Store;
use aws_sdk_sagemaker::types::{ContainerDefinition, EndpointStatus};
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::store::ObjectStore;
use local_servers::s3::S3;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Running {
    child: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(state: &Path, s3: &S3) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagemaker-local"));
    command
        .arg("--port=0")
        .arg("--state-dir")
        .arg(state)
        .arg("--image")
        .arg(format!("{IMAGE}=python3 '{}'", program()))
        .env("AWS_ENDPOINT_URL", s3.url())
        // The credentials of `aws::local`.
        .env("AWS_ACCESS_KEY_ID", "ANOTREAL")
        .env("AWS_SECRET_ACCESS_KEY", "notrealrnrELgWzOk3IfjzDKtFBhDby")
        .env_remove("AWS_REGION")
        .stderr(Stdio::piped());
    command
}

fn start(state: &Path, s3: &S3) -> Running {
    let mut child = command(state, s3).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let url = lines.find_map(|line| {
        line.strip_prefix("AWS_ENDPOINT_URL_SAGEMAKER=")
            .map(str::to_owned)
    });
    // A full pipe would block the server.
    std::thread::spawn(move || lines.for_each(drop));
    Running {
        child,
        url: url.unwrap(),
    }
}

async fn model(s3: &S3) {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    let json = br#"{"name": "packed"}"#;
    header.set_size(json.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, "model.json", &json[..])
        .unwrap();
    let bytes = archive.into_inner().unwrap().finish().unwrap();
    let store = S3Store::new(&aws::local(s3.url()).await, "lake");
    store.put("model.tar.gz", bytes.into()).await.unwrap();
}

async fn serving_pid(url: &str) -> i64 {
    let sdk = aws::local(url).await;
    let sagemaker = aws_sdk_sagemaker::Client::new(&sdk);
    until("the endpoint", || async {
        let endpoint = sagemaker
            .describe_endpoint()
            .endpoint_name("e")
            .send()
            .await
            .unwrap();
        (endpoint.endpoint_status() == Some(&EndpointStatus::InService)).then_some(())
    })
    .await;
    let invoke = aws_sdk_sagemakerruntime::Client::new(&sdk)
        .invoke_endpoint()
        .endpoint_name("e");
    let answer = invoke.body(Vec::new().into()).send().await.unwrap();
    let answer: serde_json::Value =
        serde_json::from_slice(answer.body().unwrap().as_ref()).unwrap();
    assert_eq!(answer["model"], "packed");
    answer["pid"].as_i64().unwrap()
}

#[tokio::test]
async fn the_next_start_ends_the_programs_of_a_killed_server_and_serves_again() {
    let s3 = S3::start(&["lake"]).await;
    model(&s3).await;
    let state = tempfile::tempdir().unwrap();
    let mut server = start(state.path(), &s3);
    let sagemaker = aws_sdk_sagemaker::Client::new(&aws::local(&server.url).await);
    let container = ContainerDefinition::builder()
        .image(IMAGE)
        .model_data_url("s3://lake/model.tar.gz");
    let create = sagemaker
        .create_model()
        .model_name("m")
        .execution_role_arn(ROLE);
    create
        .primary_container(container.build())
        .send()
        .await
        .unwrap();
    let create = sagemaker.create_endpoint_config().endpoint_config_name("c");
    create
        .production_variants(variant("m"))
        .send()
        .await
        .unwrap();
    let create = sagemaker
        .create_endpoint()
        .endpoint_name("e")
        .endpoint_config_name("c");
    create.send().await.unwrap();
    let first = serving_pid(&server.url).await;
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(is_alive(first), "a killed server cannot end its programs");

    let mut server = start(state.path(), &s3);
    until("the left program's end", || async {
        (!is_alive(first)).then_some(())
    })
    .await;
    let second = serving_pid(&server.url).await;
    let terminate = Command::new("kill")
        .arg(server.child.id().to_string())
        .status()
        .unwrap();
    assert!(terminate.success());
    assert!(server.child.wait().unwrap().success());
    assert!(!is_alive(second));
}

#[tokio::test]
async fn a_failed_start_gives_its_reason_in_one_line() {
    let s3 = S3::start(&["lake"]).await;
    let state = tempfile::tempdir().unwrap();
    let failed = command(state.path(), &s3)
        .args(["--image", "nonsense"])
        .output()
        .unwrap();
    assert!(!failed.status.success());
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(
        said,
        "sagemaker-local: the image mapping \"nonsense\" is malformed: it is not of the form \
         IMAGE=COMMAND\n"
    );
}
