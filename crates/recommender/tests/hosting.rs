//! Tests of `serve` as SageMaker runs it: a process that gets requests over HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use common::Container;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

struct Server {
    child: Child,
    url: String,
    http: Client,
}

impl Server {
    /// Starts the server, and waits until `/ping` answers 200, as SageMaker does.
    async fn start(container: &Container) -> Self {
        let mut child = container
            .command("serve")
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let it = Self {
            child,
            url,
            http: Client::builder().no_proxy().build().unwrap(),
        };
        for _ in 0..500 {
            let ping = it
                .http
                .get(format!("{}/ping", it.url))
                .send()
                .await
                .unwrap();
            if ping.status() == StatusCode::OK {
                return it;
            }
            assert_eq!(ping.status(), StatusCode::SERVICE_UNAVAILABLE);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("/ping never answered 200");
    }

    async fn invoke(&self, content: &str, accept: &str, body: &str) -> (StatusCode, String) {
        let answer = self
            .http
            .post(format!("{}/invocations", self.url))
            .header("content-type", content)
            .header("accept", accept)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn json(&self, body: &Value) -> Value {
        let (status, text) = self
            .invoke("application/json", "application/json", &body.to_string())
            .await;
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the test has already ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn trained() -> Container {
    let container = Container::with_interactions(r#"{"seed":"1","regularization":"0.1"}"#);
    assert!(container.train().status.success());
    container
}

#[tokio::test]
async fn a_trained_model_answers_until_sigterm() {
    let container = trained();
    let mut server = Server::start(&container).await;

    // Validation rows without their label, as in a smoke invocation.
    let rows: Vec<String> = container
        .read("input/data/validation/part-00000.csv")
        .lines()
        .map(|line| line.split_once(',').unwrap().1.to_owned())
        .collect();
    let (status, scores) = server.invoke("text/csv", "*/*", &rows.join("\n")).await;
    assert_eq!(status, StatusCode::OK);
    let scores: Vec<f32> = scores.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(scores.len(), rows.len());
    assert!(scores.iter().all(|score| (-1.0..7.0).contains(score)));

    // The same pair in JSON has the same score.
    let cells: Vec<u32> = rows[0]
        .split(',')
        .map(|cell| cell.parse().unwrap())
        .collect();
    let pair = json!({ "instances": [{ "user": cells[0], "item": cells[1] }] });
    let answer = server.json(&pair).await;
    let score = answer["predictions"][0].as_f64().unwrap();
    assert!((score - f64::from(scores[0])).abs() < 1e-4);

    // The best items are sorted, complete, unseen, and have the score of the pair.
    let best = server
        .json(&json!({ "user": 12, "n": 5, "exclude_seen": true }))
        .await;
    let items = best["items"].as_array().unwrap();
    assert_eq!((best["user"].as_u64(), items.len()), (Some(12), 5));
    assert!(items.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()));
    let seen = container.read("input/data/train/part-00000.csv")
        + &container.read("input/data/train/more/part-00001.csv");
    for item in items {
        let pair = format!(",12,{},", item["item"]);
        assert!(!seen.contains(&pair), "{pair} was trained on");
    }
    let pair = json!({ "instances": [{ "user": 12, "item": items[0]["item"] }] });
    assert_eq!(
        server.json(&pair).await["predictions"][0],
        items[0]["score"]
    );

    // Unknown users get the items with the highest means. Known users get their own.
    let unknown = server.json(&json!({ "user": 0, "n": 5 })).await;
    let more = server
        .json(&json!({ "user": 4_000_000_000u32, "n": 5 }))
        .await;
    assert_eq!(unknown["items"], more["items"]);
    assert_ne!(unknown["items"], best["items"]);
    let (status, csv) = server.invoke("text/csv", "text/csv", "12\n0\n").await;
    assert_eq!((status, csv.lines().count()), (StatusCode::OK, 20), "{csv}");
    assert!(
        csv.starts_with(&format!("12,{},", items[0]["item"])),
        "{csv}"
    );

    let pid = Pid::from_raw(server.child.id().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn bad_requests_are_answered_with_a_reason() {
    let container = trained();
    let server = Server::start(&container).await;
    for (content, accept, body, status, reason) in [
        (
            "text/csv",
            "*/*",
            "1,2\n1,two\n",
            400,
            "line 2 column 1: item \\\"two\\\"",
        ),
        (
            "application/json",
            "*/*",
            "{\"user\":\n-1}",
            400,
            "line 2 column 2",
        ),
        ("application/json", "*/*", "[1,2]", 400, "line 1 column"),
        ("text/plain", "*/*", "1,2", 415, "text/plain"),
        ("text/csv", "image/png", "1,2", 406, "image/png"),
    ] {
        let (answered, text) = server.invoke(content, accept, body).await;
        assert_eq!(answered.as_u16(), status, "{text}");
        assert!(
            text.starts_with("{\"error\":") && text.contains(reason),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }
    // Just one byte over the limit: the server then reads all that is sent, so that its answer is
    // not lost to a reset connection.
    let large = "1".repeat(25 * 1024 * 1024 + 1);
    assert_eq!(
        server.invoke("text/csv", "*/*", &large).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let elsewhere = server
        .http
        .get(format!("{}/models", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    let wrong = server
        .http
        .get(format!("{}/invocations", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn a_missing_or_damaged_model_keeps_the_server_from_starting() {
    let container = Container::new();
    let refused = || {
        let output = container
            .command("serve")
            .args(["--port", "0"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused().contains("model.safetensors: No such file"));
    container.write("model/model.safetensors", "user,item\n");
    assert!(refused().contains("is not a usable model: not a safetensors file, or cut short"));
}
