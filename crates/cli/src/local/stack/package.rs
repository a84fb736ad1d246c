//! Does what `sam package` does: uploads the local files that the template names, under keys
//! derived from their content, and replaces their paths in the template.

use crate::local::LocalError;
use crate::template;
use bytes::Bytes;
use lake::store::ObjectStore;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_64;

/// A template on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    path: PathBuf,
    template: Value,
}

impl Source {
    /// Reads a template in YAML.
    pub fn read(path: &Path) -> Result<Self, LocalError> {
        let text = std::fs::read_to_string(path).map_err(LocalError::file("read", path))?;
        let template = template::to_json(&text).map_err(|problem| LocalError::Template {
            path: path.to_owned(),
            problem,
        })?;
        Ok(Self {
            path: path.to_owned(),
            template,
        })
    }

    /// Reads the template file again.
    pub fn read_again(&self) -> Result<Self, LocalError> {
        Self::read(&self.path)
    }

    /// The binaries of the functions.
    pub fn binaries(&self) -> Result<Vec<String>, LocalError> {
        let functions = self.resources("AWS::Serverless::Function");
        functions
            .map(|(name, resource)| self.binary(name, resource).map(str::to_owned))
            .collect()
    }

    /// Whether the template has the parameter.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.template["Parameters"].get(name).is_some()
    }

    fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let resources = self.template["Resources"].as_object().into_iter().flatten();
        resources
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str(), resource))
    }

    fn binary<'a>(&self, name: &str, resource: &'a Value) -> Result<&'a str, LocalError> {
        let metadata = &resource["Metadata"];
        let is_rust = metadata["BuildMethod"] == "rust-cargolambda";
        let binary = metadata["BuildProperties"]["Binary"].as_str();
        binary.filter(|_| is_rust).ok_or_else(|| {
            self.problem(format!(
                "the function {name} needs Metadata with BuildMethod rust-cargolambda and BuildProperties.Binary"
            ))
        })
    }

    fn problem(&self, problem: String) -> LocalError {
        LocalError::Template {
            path: self.path.clone(),
            problem,
        }
    }

    /// Uploads the packages, whose paths `package_of` returns by binary, and the state machine
    /// definitions to `store`. Returns the template with the keys of the uploads.
    pub async fn upload(
        &self,
        store: &impl ObjectStore,
        package_of: impl Fn(&str) -> PathBuf,
    ) -> Result<Value, LocalError> {
        let mut template = self.template.clone();
        for (name, resource) in self.resources("AWS::Serverless::Function") {
            let binary = self.binary(name, resource)?;
            let key = put(store, &package_of(binary), &format!("{binary}.zip")).await?;
            let place = json!({"Bucket": store.bucket(), "Key": key});
            template["Resources"][name]["Properties"]["CodeUri"] = place;
        }
        for (name, resource) in self.resources("AWS::Serverless::StateMachine") {
            let Some(uri) = resource["Properties"]["DefinitionUri"].as_str() else {
                let what = format!("the state machine {name} needs a DefinitionUri that is a path");
                return Err(self.problem(what));
            };
            let path = self.path.parent().unwrap_or(Path::new(".")).join(uri);
            let text = std::fs::read(&path).map_err(LocalError::file("read", &path))?;
            // Local Step Functions accepts anything, and fails only at execution.
            if let Err(error) = serde_json::from_slice::<Value>(&text) {
                let problem = format!("this is not JSON: {error}");
                return Err(LocalError::Template { path, problem });
            }
            let key = put(store, &path, &format!("{name}.asl.json")).await?;
            let place = json!({"Bucket": store.bucket(), "Key": key});
            template["Resources"][name]["Properties"]["DefinitionUri"] = place;
        }
        Ok(without_unsupported(template))
    }
}

/// The template without versions of state machines, alarms on several metrics and saved queries:
/// local CloudFormation supports none of them, and rejects the stack. The schedule then starts the
/// state machine itself.
#[must_use]
pub fn without_unsupported(mut template: Value) -> Value {
    let Some(resources) = template["Resources"].as_object_mut() else {
        return template;
    };
    resources.retain(|_, resource| {
        let has_metrics = resource["Properties"].get("Metrics").is_some();
        match resource["Type"].as_str() {
            Some("AWS::CloudWatch::Alarm") => !has_metrics,
            kind => kind != Some("AWS::Athena::NamedQuery"),
        }
    });
    for resource in resources.values_mut() {
        if resource["Type"] == "AWS::Serverless::StateMachine"
            && let Some(properties) = resource["Properties"].as_object_mut()
        {
            properties.shift_remove("AutoPublishAlias");
            properties.shift_remove("UseAliasAsEventTarget");
        }
    }
    template
}

/// Uploads a file under a key derived from its content, so that CloudFormation sees a change.
async fn put(store: &impl ObjectStore, path: &Path, name: &str) -> Result<String, LocalError> {
    let content = tokio::fs::read(path)
        .await
        .map_err(LocalError::file("read", path))?;
    let key = format!("{:016x}/{name}", XxHash3_64::oneshot(&content));
    store.put(&key, Bytes::from(content)).await?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::MemoryStore;

    const TEMPLATE: &str = r"
Parameters:
  Architecture: {Type: String}
Resources:
  Plan:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: plan-export}}
    Properties: {CodeUri: ..}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: ../machine.json, AutoPublishAlias: live, UseAliasAsEventTarget: true}
  Lake: {Type: AWS::S3::Bucket}
  Simple: {Type: AWS::CloudWatch::Alarm, Properties: {MetricName: Errors}}
  Mathematical: {Type: AWS::CloudWatch::Alarm, Properties: {Metrics: []}}
  Saved: {Type: AWS::Athena::NamedQuery, Properties: {QueryString: SELECT 1}}
";

    fn source(folder: &Path, template: &str) -> Source {
        let infra = folder.join("infra");
        std::fs::create_dir_all(&infra).unwrap();
        std::fs::write(infra.join("template.yaml"), template).unwrap();
        Source::read(&infra.join("template.yaml")).unwrap()
    }

    #[tokio::test]
    async fn uploads_replace_paths() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(folder.path(), TEMPLATE);
        assert_eq!(source.binaries().unwrap(), ["plan-export"]);
        assert!(source.has_parameter("Architecture") && !source.has_parameter("Other"));
        std::fs::write(folder.path().join("machine.json"), "{}").unwrap();
        let zip = folder.path().join("bootstrap.zip");
        std::fs::write(&zip, "first").unwrap();

        let store = MemoryStore::new();
        let first = source.upload(&store, |_| zip.clone()).await.unwrap();
        let code = &first["Resources"]["Plan"]["Properties"]["CodeUri"];
        let key = code["Key"].as_str().unwrap();
        assert_eq!(code["Bucket"], store.bucket());
        assert_eq!(store.get(key).await.unwrap(), "first");
        let properties = first["Resources"]["Machine"]["Properties"].as_object();
        let named: Vec<_> = properties.unwrap().keys().collect();
        assert_eq!(
            named,
            ["DefinitionUri"],
            "local AWS has no versions of state machines"
        );
        assert!(first["Resources"].get("Simple").is_some());
        for removed in ["Mathematical", "Saved"] {
            assert!(first["Resources"].get(removed).is_none(), "{removed}");
        }
        let machine = &first["Resources"]["Machine"]["Properties"]["DefinitionUri"];
        assert_eq!(
            store.get(machine["Key"].as_str().unwrap()).await.unwrap(),
            "{}"
        );

        let same = source.upload(&store, |_| zip.clone()).await.unwrap();
        assert_eq!(same, first);
        std::fs::write(&zip, "second").unwrap();
        let other = source.upload(&store, |_| zip.clone()).await.unwrap();
        assert_ne!(other["Resources"]["Plan"], first["Resources"]["Plan"]);
        assert_eq!(other["Resources"]["Machine"], first["Resources"]["Machine"]);
    }

    #[tokio::test]
    async fn errors_name_what_cannot_be_deployed() {
        let folder = tempfile::tempdir().unwrap();
        let without = TEMPLATE.replace("{Binary: plan-export}", "{}");
        let error = source(folder.path(), &without).binaries().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("the function Plan needs Metadata"),
            "{error}"
        );

        let source = source(folder.path(), TEMPLATE);
        let zip = folder.path().join("bootstrap.zip");
        let missing = source.upload(&MemoryStore::new(), |_| zip.clone()).await;
        assert!(missing.unwrap_err().to_string().contains("bootstrap.zip"));
        std::fs::write(&zip, "code").unwrap();
        std::fs::write(folder.path().join("machine.json"), "{").unwrap();
        let malformed = source.upload(&MemoryStore::new(), |_| zip.clone()).await;
        assert!(
            malformed
                .unwrap_err()
                .to_string()
                .contains("machine.json: this is not JSON")
        );
    }
}
