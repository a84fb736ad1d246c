//! What SageMaker needs: image or algorithm, role, the names of shared resources, and the alarms
//! that roll an update back.

use super::{Account, Found};
use aws::cloudwatch::CloudWatch;
use aws::sagemaker::SageMaker;
use contract::ServiceError;
use definition::{Definition, FieldError, Training};
use sagemaker_ports::{Owner, Ownership, check_endpoint, check_group};

impl Account<'_> {
    /// The image or algorithm and the role.
    pub(super) fn training(&self, definition: &Definition, found: &mut Found) {
        let Some(training) = &definition.training else {
            return;
        };
        let region = self.place.region();
        found.faults.extend(training.image_in(region).err());
        found.faults.extend(image_elsewhere(training, region));
        found.faults.extend(role_elsewhere(training, &self.id));
        if let Some(image) = &training.image {
            let why = "whether it can be pulled shows when the job starts; `aws ecr \
                       describe-images` lists images";
            found.unknowable(format!("the image {image}"), why);
        }
        if let Some(role) = &training.role_arn {
            let why = "what it permits shows when the job starts";
            found.unknowable(format!("the role {role}"), why);
        }
    }

    /// Whether an endpoint or model package group of the name belongs to somebody else.
    pub(super) async fn names(&self, definition: &Definition, found: &mut Found) {
        let (Some(promotion), Some(stack)) = (&definition.promotion, self.place.stack()) else {
            return;
        };
        let sagemaker = SageMaker::new(self.place.config());
        let owner = Owner::new(stack, &definition.pipeline);
        let endpoint = definition.endpoint();
        if let (Some(name), None) = (&endpoint.name, &definition.batch) {
            let claim = check_endpoint(&sagemaker, name, &owner, endpoint.adopt).await;
            found.claimed("endpoint.name", format!("the endpoint {name}"), claim);
        }
        if let (Some(group), true) = (&promotion.model_package_group, promotion.register) {
            let claim = check_group(&sagemaker, group, &owner, endpoint.adopt).await;
            let what = format!("the model package group {group}");
            found.claimed("promotion.modelPackageGroup", what, claim);
        }
    }

    /// Whether the alarms of the definition exist.
    pub(super) async fn alarms(&self, definition: &Definition, found: &mut Found) {
        let Some(stack) = self.place.stack() else {
            return;
        };
        let alarms = CloudWatch::new(self.place.config());
        if let Err(error) = plan_export::check_alarms(&alarms, stack, definition).await {
            found.add("the alarms", &error);
        }
    }
}

impl Found {
    fn claimed(&mut self, path: &str, what: String, claim: Result<Ownership, ServiceError>) {
        match claim {
            Ok(Ok(())) => {}
            Ok(Err(conflict)) => self
                .faults
                .push(FieldError::new(path, conflict.to_string())),
            Err(error) => self.hindered(what, &error),
        }
    }
}

/// SageMaker pulls images of its own region. Source: Amazon SageMaker API reference,
/// `AlgorithmSpecification`.
fn image_elsewhere(training: &Training, region: &str) -> Option<FieldError> {
    let image = training.image.as_deref()?;
    let (_, registry) = image.split_once(".dkr.ecr.")?;
    let (of_image, _) = registry.split_once('.')?;
    (of_image != region).then(|| {
        let message = format!(
            "is in {of_image}, the pipeline in {region}: name a copy in a registry of {region}"
        );
        FieldError::new("training.image", message)
    })
}

/// A role can be passed to services of its own account only.
fn role_elsewhere(training: &Training, account: &str) -> Option<FieldError> {
    let of_role = training.role_arn.as_deref()?.split(':').nth(4)?;
    (of_role != account).then(|| {
        let message = format!(
            "is a role of account {of_role}, the credentials are of {account}: name a role of \
             {account}"
        );
        FieldError::new("training.roleArn", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn training(fields: Value) -> Training {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn an_image_or_role_of_elsewhere_is_named() {
        let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/films:1";
        let training = training(json!({
            "image": image, "roleArn": "arn:aws:iam::210987654321:role/trainer",
        }));
        assert_eq!(image_elsewhere(&training, "us-east-1"), None);
        let fault = image_elsewhere(&training, "eu-central-1").unwrap();
        assert!(
            fault
                .message
                .starts_with("is in us-east-1, the pipeline in eu-central-1")
        );
        assert_eq!(role_elsewhere(&training, "210987654321"), None);
        let fault = role_elsewhere(&training, "123456789012").unwrap();
        assert!(
            fault
                .message
                .contains("the credentials are of 123456789012")
        );
    }

    #[test]
    fn images_of_other_registries_have_no_region() {
        let training = training(json!({"image": "millrace/recommender:local"}));
        assert_eq!(image_elsewhere(&training, "eu-central-1"), None);
        assert_eq!(role_elsewhere(&training, "123456789012"), None);
    }
}
