//! AWS Data Pipeline: reads the definitions of pipelines, and changes nothing.

use crate::json_client::{Call, Service};
use aws_config::SdkConfig;
use contract::ServiceError;
use serde_json::{Value, json};

/// Source: the service's model of 2012-10-29, protocol AWS JSON 1.1.
const SERVICE: Service = Service {
    name: "Data Pipeline",
    id: "Data Pipeline",
    host: "datapipeline",
    signing_name: "datapipeline",
    target: "DataPipeline",
    content_type: "application/x-amz-json-1.1",
};

/// The client of AWS Data Pipeline. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DataPipelines {
    definition: Call,
}

impl DataPipelines {
    /// Data Pipeline at the endpoint of `config` (or `AWS_ENDPOINT_URL_DATA_PIPELINE`).
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            definition: Call::new(config, &SERVICE, "GetPipelineDefinition"),
        }
    }

    /// The definition of a pipeline as it was last activated, in the API's form: `pipelineObjects`,
    /// `parameterObjects`, `parameterValues`. Without objects, it was never activated.
    ///
    /// # Errors
    /// If the service refuses or cannot be reached.
    pub async fn active_definition(&self, id: &str) -> Result<Value, ServiceError> {
        let body = json!({"pipelineId": id, "version": "active"});
        self.definition.send(id, &body).await
    }
}
