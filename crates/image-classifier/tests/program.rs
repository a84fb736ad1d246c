//! The program as SageMaker runs it: `train` over a tree of files, `serve` over HTTP.

#![allow(clippy::unwrap_used, reason = "a test")]

use image::Pixels;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// Bars of three directions, none like another: the class is the direction.
fn picture(class: u32, number: u32) -> Pixels {
    let (width, height) = (40 + number % 9, 36 + number % 7);
    let step = 5 + number % 3;
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let values = places.flat_map(|(x, y)| {
        let at = match class {
            0 => x,
            1 => y,
            _ => x + y,
        };
        let is_bright = (at + number) / step % 2 == 1;
        let noise = (x * 7 + y * 13 + number * 31) % 40;
        let value = if is_bright { 150 + noise } else { 30 + noise };
        [value.to_le_bytes()[0]; 3]
    });
    Pixels::new(width, height, 3, values.collect())
}

fn file(class: u32, number: u32) -> Vec<u8> {
    let pixels = picture(class, number);
    if number.is_multiple_of(2) {
        image::encode_jpeg(&pixels, 85)
    } else {
        image::encode_png(&pixels)
    }
}

fn records(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in numbers {
        let class = number % 3;
        let image = record_io::Image {
            label: class as f32,
            id: number.into(),
            file: &file(class, number),
        };
        record_io::write(&image.to_record(), &mut out).unwrap();
    }
    out
}

struct Container(tempfile::TempDir);

impl Container {
    /// With 90 training images in two files, and 30 others to validate on.
    fn new(hyperparameters: &str) -> Self {
        let container = Self(tempfile::tempdir().unwrap());
        container.write(
            "input/config/hyperparameters.json",
            hyperparameters.as_bytes(),
        );
        container.write("input/data/train/part-00000.rec", &records(0..45));
        container.write("input/data/train/part-00001.rec", &records(45..90));
        container.write("input/data/validation/validation.rec", &records(90..120));
        container
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_image-classifier"));
        command.arg(verb).arg("--prefix").arg(self.path());
        command
    }

    fn train(&self) -> Output {
        self.command("train").output().unwrap()
    }

    fn failure(&self) -> String {
        let output = self.train();
        assert_eq!(output.status.code(), Some(1));
        assert!(!self.path().join("model").exists());
        fs::read_to_string(self.path().join("output/failure")).unwrap()
    }
}

struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(container: &Container) -> Self {
        let mut command = container.command("serve");
        let mut process = command
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.strip_prefix("listening on ").unwrap().to_owned();
        lines
            .find(|line| line.as_ref().unwrap().starts_with("serving 3 classes"))
            .unwrap()
            .unwrap();
        Self { process, url }
    }

    async fn post(&self, content: &str, accept: &str, body: Vec<u8>) -> (u16, String) {
        let request = reqwest::Client::new().post(format!("{}/invocations", self.url));
        let request = request
            .header("Content-Type", content)
            .header("Accept", accept);
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn stop(mut self) {
        let id = nix::unistd::Pid::from_raw(self.process.id().cast_signed());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

const THREE: &str = r#"{"num_classes":"3","num_training_samples":"90","epochs":"20"}"#;

#[tokio::test]
async fn images_are_learnt_and_classified() {
    let container = Container::new(THREE);
    let output = container.train();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{log}");
    assert!(log.contains("\ntrain:images=90;\n"), "{log}");
    assert!(log.contains("\nvalidation:accuracy=1.000000;\n"), "{log}");
    assert!(
        log.contains("\nvalidation:majority_accuracy=0.333333;\n"),
        "{log}"
    );
    let report = fs::read(container.path().join("output/data/metrics.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(
        report["validation"]["confusion"][2],
        serde_json::json!([0, 0, 10])
    );

    let server = Server::start(&container);
    for number in 200..206 {
        let class = (number % 3) as usize;
        let image = file(number % 3, number);
        let (status, body) = server.post("application/x-image", "", image.clone()).await;
        assert_eq!(status, 200, "{body}");
        let probabilities: Vec<f64> = serde_json::from_str(&body).unwrap();
        assert_eq!(probabilities.len(), 3);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-3);
        assert!(probabilities[class] > 0.5, "{number}: {body}");
        let (_, line) = server
            .post("image/jpeg", "application/jsonlines", image)
            .await;
        let line: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
        assert_eq!(line["class"], class);
        assert_eq!(line["prediction"].as_array().unwrap().len(), 3);
    }
    for (content, accept, body, status, named) in [
        ("text/csv", "", b"1,2".to_vec(), 415, "application/x-image"),
        ("image/png", "text/csv", file(0, 0), 406, "application/json"),
        ("image/png", "", b"<html>".to_vec(), 400, "NotAnImage"),
        (
            "image/jpeg",
            "",
            file(0, 0)[..300].to_vec(),
            400,
            "Truncated",
        ),
    ] {
        let (got, said) = server.post(content, accept, body).await;
        assert_eq!(got, status, "{said}");
        assert!(said.contains(named), "{said}");
    }
    server.stop();
}

#[test]
fn the_same_images_give_the_same_model() {
    let models = [(); 2].map(|()| {
        let container = Container::new(r#"{"num_classes":"3","epochs":"2"}"#);
        assert!(container.train().status.success());
        fs::read(container.path().join("model/model.safetensors")).unwrap()
    });
    assert_eq!(models[0], models[1]);
}

/// In Pipe mode a channel is a named pipe, which SageMaker fills while the program reads it.
#[test]
fn images_come_through_a_pipe() {
    let container = Container::new(THREE);
    let data = container.path().join("input/data");
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    let pipe = r#"{"TrainingInputMode":"Pipe","ContentType":"application/x-recordio"}"#;
    let config = format!(r#"{{"train":{pipe},"validation":{pipe}}}"#);
    container.write("input/config/inputdataconfig.json", config.as_bytes());
    let writers = [("train_0", 0..90), ("validation_0", 90..120)].map(|(name, numbers)| {
        let path = data.join(name);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        std::thread::spawn(move || fs::write(path, records(numbers)).unwrap())
    });
    let output = container.train();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.contains("\nvalidation:accuracy=1.000000;\n"), "{log}");
    for writer in writers {
        writer.join().unwrap();
    }
}

/// With an augmented manifest, SageMaker sends the attributes of each line as records of their own.
#[test]
fn images_come_by_an_augmented_manifest() {
    let pairs = |numbers: std::ops::Range<u32>| {
        let mut out = Vec::new();
        for number in numbers {
            let class = number % 3;
            record_io::write(&file(class, number), &mut out).unwrap();
            record_io::write(class.to_string().as_bytes(), &mut out).unwrap();
        }
        out
    };
    let piped = |train: Vec<u8>| {
        let container = Container::new(THREE);
        let channel = r#"{"TrainingInputMode":"Pipe","ContentType":"application/x-recordio","RecordWrapperType":"RecordIO"}"#;
        let config = format!(r#"{{"train":{channel},"validation":{channel}}}"#);
        container.write("input/config/inputdataconfig.json", config.as_bytes());
        // A file is read as a pipe is.
        container.write("input/data/train_0", &train);
        container.write("input/data/validation_0", &pairs(90..120));
        container
    };
    let log = String::from_utf8(piped(pairs(0..90)).train().stdout).unwrap();
    assert!(log.contains("\nvalidation:accuracy=1.000000;\n"), "{log}");

    let mut alone = pairs(0..90);
    record_io::write(&file(1, 1), &mut alone).unwrap();
    let failure = piped(alone).failure();
    assert!(
        failure.contains("train_0 record 180: its class does not follow it"),
        "{failure}"
    );
    let mut other = Vec::new();
    record_io::write(&file(1, 1), &mut other).unwrap();
    record_io::write(b"dog", &mut other).unwrap();
    let failure = piped(other).failure();
    assert!(
        failure.contains("train_0 record 1: label dog is no class"),
        "{failure}"
    );
}

const IMAGES: &str = r#"{"ContentType":"application/x-image","TrainingInputMode":"File"}"#;

/// Without the records, and with a file for each image.
fn of_files(path: impl Fn(&str, u32, u32) -> String) -> Container {
    let container = Container::new(THREE);
    fs::remove_dir_all(container.path().join("input/data")).unwrap();
    for number in 0..120 {
        let (channel, class) = (if number < 90 { "train" } else { "validation" }, number % 3);
        let path = format!("input/data/{channel}/{}", path(channel, class, number));
        container.write(&path, &file(class, number));
    }
    container
}

#[test]
fn images_lie_in_folders_of_their_classes() {
    let container = of_files(|_, class, number| {
        format!("{}/{number}.x", ["ant", "bee", "cow"][class as usize])
    });
    let config = format!(r#"{{"train":{IMAGES},"validation":{IMAGES}}}"#);
    container.write("input/config/inputdataconfig.json", config.as_bytes());
    let log = String::from_utf8(container.train().stdout).unwrap();
    assert!(log.contains("\nvalidation:accuracy=1.000000;\n"), "{log}");

    fs::remove_dir_all(container.path().join("model")).unwrap();
    container.write("input/data/train/dog/1.jpg", &file(1, 1));
    let failure = container.failure();
    assert!(
        failure.contains("folders of 4 classes (ant, bee, cow, dog), num_classes says 3"),
        "{failure}"
    );
}

#[test]
fn images_are_named_by_lists() {
    let container = of_files(|_, _, number| format!("{number}.x"));
    let list = |numbers: std::ops::Range<u32>| {
        let line = |number: u32| format!("{number}\t{}\t{number}.x\n", number % 3);
        numbers.map(line).collect::<String>()
    };
    let names = ["train", "train_lst", "validation", "validation_lst"];
    let config = names.map(|name| format!(r#""{name}":{IMAGES}"#)).join(",");
    container.write(
        "input/config/inputdataconfig.json",
        format!("{{{config}}}").as_bytes(),
    );
    container.write("input/data/train_lst/train.lst", list(0..90).as_bytes());
    container.write(
        "input/data/validation_lst/validation.lst",
        list(90..120).as_bytes(),
    );
    let log = String::from_utf8(container.train().stdout).unwrap();
    assert!(log.contains("\nvalidation:accuracy=1.000000;\n"), "{log}");

    fs::remove_dir_all(container.path().join("model")).unwrap();
    for (line, says) in [
        ("1\t3\t1.x", "line 1 has a class beyond num_classes"),
        ("1 1 1.x", "line 1 is no number, class and path"),
        ("1\t1\tnone.x", "none.x"),
    ] {
        container.write("input/data/train_lst/train.lst", line.as_bytes());
        let failure = container.failure();
        assert!(failure.contains(says), "{failure}");
    }
}

#[test]
fn a_failure_names_its_cause() {
    let container = Container::new(r#"{"num_classes":"3","num_training_samples":"89"}"#);
    let failure = container.failure();
    assert!(
        failure.contains("has 90 images, num_training_samples says 89"),
        "{failure}"
    );

    let container = Container::new(r#"{"num_classes":"2"}"#);
    let failure = container.failure();
    assert!(
        failure.contains("part-00000.rec record 2: label 2 is no class"),
        "{failure}"
    );

    let container = Container::new(THREE);
    let mut cut = records(0..45);
    cut.truncate(cut.len() - 8);
    container.write("input/data/train/part-00000.rec", &cut);
    let failure = container.failure();
    assert!(
        failure.contains("part-00000.rec is not whole RecordIO"),
        "{failure}"
    );

    let image = record_io::Image {
        label: 1.0,
        id: 0,
        file: &file(1, 1)[..100],
    };
    let mut record = Vec::new();
    record_io::write(&image.to_record(), &mut record).unwrap();
    container.write("input/data/train/part-00000.rec", &record);
    let failure = container.failure();
    assert!(
        failure.contains("part-00000.rec record 0: Truncated"),
        "{failure}"
    );

    fs::remove_dir_all(container.path().join("input/data/train")).unwrap();
    let failure = container.failure();
    assert!(failure.contains("channel train has no file"), "{failure}");
}
