//! Prepares the tree that a training program finds at `/opt/ml`: folders, configuration, channels,
//! checkpoints.

use crate::app::App;
use crate::training::checkpoints;
use crate::training::pipes;
use crate::training::request::{CheckpointConfig, TrainingRequest};
use serde_json::{Map, json};
use std::path::{Path, PathBuf};

/// The container's `/opt/ml`.
#[derive(Debug)]
pub struct Tree {
    pub root: PathBuf,
}

impl Tree {
    /// Creates the folders, writes the configuration, and downloads channels and checkpoints.
    pub async fn prepare(&self, app: &App, request: &TrainingRequest) -> Result<(), String> {
        self.write_config(request)
            .map_err(|error| format!("InternalServerError: {}: {error}", self.root.display()))?;
        for channel in &request.input_data_config {
            if channel.is_piped(&request.algorithm_specification.training_input_mode) {
                pipes::prepare(app, channel, &self.data()).await?;
            } else {
                channel
                    .download(app, &self.data().join(&channel.name))
                    .await?;
            }
        }
        if let Some(config) = &request.checkpoint_config {
            let uri = config.uri().map_err(|refusal| refusal.message)?;
            checkpoints::restore(app, &uri, &self.checkpoints(config)?).await?;
        }
        Ok(())
    }

    /// The folder of the channels.
    pub fn data(&self) -> PathBuf {
        self.root.join("input/data")
    }

    fn checkpoints(&self, config: &CheckpointConfig) -> Result<PathBuf, String> {
        let folder = config.folder().map_err(|refusal| refusal.message)?;
        Ok(self.root.join(folder))
    }

    /// Uploads the checkpoints for the next instance, if the job has any.
    pub async fn save_checkpoints(
        &self,
        app: &App,
        request: &TrainingRequest,
    ) -> Result<(), String> {
        let Some(config) = &request.checkpoint_config else {
            return Ok(());
        };
        let uri = config.uri().map_err(|refusal| refusal.message)?;
        checkpoints::save(app, &uri, &self.checkpoints(config)?).await
    }

    fn write_config(&self, request: &TrainingRequest) -> std::io::Result<()> {
        for folder in [
            "input/config",
            "input/data",
            "model",
            "output/data",
            "checkpoints",
        ] {
            std::fs::create_dir_all(self.root.join(folder))?;
        }
        if let Some(config) = &request.checkpoint_config {
            let folder = self.checkpoints(config).map_err(std::io::Error::other)?;
            std::fs::create_dir_all(folder)?;
        }
        let mode = &request.algorithm_specification.training_input_mode;
        let channels = request.input_data_config.iter();
        let channels: Map<_, _> = channels
            .map(|channel| (channel.name.clone(), channel.description(mode)))
            .collect();
        let instance = &request.resource_config.instance_type;
        let group = "homogeneousCluster";
        let resources = json!({
            "current_host": "algo-1",
            "current_instance_type": instance,
            "current_group_name": group,
            "hosts": ["algo-1"],
            "instance_groups": [
                {"instance_group_name": group, "instance_type": instance, "hosts": ["algo-1"]},
            ],
            "network_interface_name": "lo",
        });
        self.write("hyperparameters.json", &json!(request.hyper_parameters))?;
        self.write("inputdataconfig.json", &json!(channels))?;
        self.write("resourceconfig.json", &resources)
    }

    fn write(&self, file: &str, content: &serde_json::Value) -> std::io::Result<()> {
        let path: &Path = &self.root.join("input/config").join(file);
        std::fs::write(path, content.to_string())
    }
}
