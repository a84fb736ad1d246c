//! What the tests of the running program share: its tree, seeded interactions with latent factors,
//! and the program itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A container's tree in a temporary folder.
pub struct Container {
    pub root: TempDir,
}

impl Container {
    pub fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// A container with both channels, SageMaker's configuration of them, and hyperparameters.
    pub fn with_interactions(hyperparameters: &str) -> Self {
        let it = Self::new();
        let (train, validation) = interactions(7);
        let half = train.len() / 2;
        it.write("input/data/train/part-00000.csv", &train[..half].concat())
            .write("input/data/train/more/part-00001.csv", &train[half..].concat())
            .write("input/data/validation/part-00000.csv", &validation.concat())
            .write("input/config/hyperparameters.json", hyperparameters)
            .write("input/config/resourceconfig.json", r#"{"current_host":"algo-1","hosts":["algo-1"],"network_interface_name":"eth0"}"#)
            .write(
                "input/config/inputdataconfig.json",
                r#"{"train":{"ContentType":"text/csv","TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"},"validation":{"ContentType":"text/csv","TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}"#,
            );
        it
    }

    pub fn command(&self, subcommand: &str) -> Command {
        command(subcommand, self.root.path())
    }

    pub fn train(&self) -> Output {
        self.command("train").output().unwrap()
    }

    /// Runs a training that must fail, and returns the line in `output/failure`.
    pub fn train_fails(&self) -> String {
        let output = self.train();
        assert_eq!(output.status.code(), Some(1));
        assert!(!self.path("model").join("model.safetensors").exists());
        let failure = self.read("output/failure");
        assert_eq!(failure.lines().count(), 1, "{failure}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(&failure));
        failure
    }
}

fn command(subcommand: &str, prefix: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recommender"));
    command.arg(subcommand).arg("--prefix").arg(prefix);
    command
        .env_remove("SAGEMAKER_BIND_TO_PORT")
        .env_remove("RECOMMENDER_HOST");
    command
}

/// Training and validation rows, `label,user,item,extra`. Users and items have three latent factors
/// each, popular items have more rows, labels are whole numbers from 1 to 5. Users and items are
/// counted from 1; a few validation rows have the reserved user 0.
pub fn interactions(seed: u64) -> (Vec<String>, Vec<String>) {
    const USERS: usize = 200;
    const ITEMS: usize = 80;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut around_zero = |n: usize| -> Vec<f64> {
        // The sum of twelve uniform numbers, minus six, is close to a normal one.
        (0..n)
            .map(|_| (0..12).map(|_| random.f64()).sum::<f64>() - 6.0)
            .collect()
    };
    let (users, items) = (around_zero(USERS * 3), around_zero(ITEMS * 3));
    let (generous, good) = (around_zero(USERS), around_zero(ITEMS));
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for user in 0..USERS {
        for item in 0..ITEMS {
            if random.f64() > 1.2 / (1.0 + item as f64 / 12.0).sqrt() - 0.2 {
                continue;
            }
            let product: f64 = (0..3)
                .map(|k| users[user * 3 + k] * items[item * 3 + k])
                .sum();
            let noise = random.f64() - 0.5;
            let label = 3.3 + 0.3 * generous[user] + 0.3 * good[item] + 0.6 * product + noise;
            let label = label.round().clamp(1.0, 5.0);
            let extra = random.u32(..1000);
            if random.u8(..5) > 0 {
                train.push(format!("{label},{},{},{extra}\n", user + 1, item + 1));
            } else {
                let user = if random.u8(..50) == 0 { 0 } else { user + 1 };
                validation.push(format!("{label},{user},{},{extra}\n", item + 1));
            }
        }
    }
    random.shuffle(&mut train);
    (train, validation)
}

/// A metric's value in the log.
pub fn metric(log: &str, name: &str) -> f64 {
    let start = format!("{name}=");
    let line = log.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("no {name} in {log}"));
    line[start.len()..]
        .strip_suffix(';')
        .unwrap()
        .parse()
        .unwrap()
}
