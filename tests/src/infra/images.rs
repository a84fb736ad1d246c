//! Which of SageMaker's roles reads images themselves: that of training jobs, and only where the
//! deployer says so. All other formats of a dataset are copies.

use super::access;
use super::concrete;
use super::intrinsics::REGION;
use super::policy::{self, Decision, Request};
use super::stack::{LEAST, Stack};
use crate::Finding;
use serde_json::Value;

/// What jobs may do to images that they may read.
const READS: &str = "s3:GetObject";
const CHANGES: [&str; 3] = ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"];

/// Every role that may do something else to images, or to their key.
pub fn findings(template: &Value, schedule: &Value) -> Vec<Finding> {
    let given = |name: &str| {
        let mut all = concrete::PARAMETERS.iter();
        let (name, value) = all
            .find(|(it, _)| *it == name)
            .expect("the parameters of every check have it");
        (*name, *value)
    };
    let buckets = [LEAST[0], given("ImageBucketArns"), given("ImageKeyArns")];
    let asked = [&buckets[..], &[("JobsReadImages", "yes")]].concat();
    let lake_alone = [LEAST[0], ("JobsReadImages", "yes")];
    let mut found = Vec::new();
    for (parameters, of_lake, of_bucket) in [
        (&buckets[..], false, false),
        (&asked[..], true, true),
        (&lake_alone[..], true, false),
    ] {
        let stack = Stack::new(template, schedule, parameters);
        for (role, may) in [("TrainingRole", true), ("ServingRole", false)] {
            let statements = access::of_role(&stack.resources[role], &stack.resources);
            let who = Role {
                name: role,
                statements: &statements,
            };
            let lake = "arn:aws:s3:::millrace-lakebucket/images/a.jpg";
            let bucket = format!("{}/images/a.jpg", buckets[1].1);
            who.expect(READS, lake, None, may && of_lake, &mut found);
            who.expect(READS, &bucket, None, may && of_bucket, &mut found);
            who.expect(READS, "arn:aws:s3:::others/a.jpg", None, false, &mut found);
            for action in CHANGES {
                who.expect(action, lake, None, false, &mut found);
                who.expect(action, &bucket, None, false, &mut found);
            }
            let key = buckets[2].1;
            let decrypts = may && of_bucket;
            who.expect("kms:Decrypt", key, Some("s3"), decrypts, &mut found);
            who.expect("kms:Decrypt", key, Some("dynamodb"), false, &mut found);
            who.expect("kms:GenerateDataKey", key, Some("s3"), false, &mut found);
        }
    }
    found
}

struct Role<'s> {
    name: &'s str,
    statements: &'s [Value],
}

impl Role<'_> {
    fn expect(
        &self,
        action: &str,
        resource: &str,
        via: Option<&str>,
        allowed: bool,
        found: &mut Vec<Finding>,
    ) {
        let via = via.map(|it| ("kms:ViaService", format!("{it}.{REGION}.amazonaws.com")));
        let request = Request {
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: via.into_iter().collect(),
        };
        let decision = policy::decide(&request, self.statements);
        if (decision == Decision::Allowed) != allowed {
            let problem = format!("{action} on {resource}: {decision:?}, wanted: {allowed}");
            found.push(Finding::new(self.name, problem));
        }
    }
}
