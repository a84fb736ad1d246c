//! Who may do what in the lake, as facts that the template is checked against. `ACCESS.md` shows
//! the same and is generated; the facts here are changed by hand.

use super::access::{Access, TIERS};
use super::policy::Decision;
use super::stack::{LEAST, Stack};
use crate::Finding;
use serde_json::Value;

/// What each role reads (R), writes (W) and removes (D) below which tier, and nothing else.
const MAY: [(&str, &[(&str, &str)]); 14] = [
    ("TrainingRole", &[("processed", "R"), ("models", "RW")]),
    (
        "ServingRole",
        &[
            ("processed", "R"),
            ("models", "R"),
            ("captured", "W"),
            ("scoring", "R"),
            ("predictions", "W"),
            ("judging", "RW"),
        ],
    ),
    (
        "PlanExportRole",
        &[
            ("config", "R"),
            ("raw", "RW"),
            ("champion", "R"),
            ("current", "RWD"),
        ],
    ),
    ("RequestExportRole", &[("raw", "RW")]),
    ("ExportSegmentRole", &[("raw", "RWD")]),
    (
        "PlanDatasetRole",
        &[
            ("raw", "R"),
            ("processed", "RW"),
            ("reports", "RW"),
            ("champion", "R"),
            ("latest", "R"),
        ],
    ),
    ("MergeToCsvRole", &[("raw", "R"), ("processed", "RW")]),
    (
        "SealDatasetRole",
        &[("raw", "R"), ("processed", "RW"), ("reports", "RW")],
    ),
    (
        "StartTrainingRole",
        &[("raw", "R"), ("processed", "R"), ("reports", "RW")],
    ),
    (
        "JudgeModelRole",
        &[
            ("raw", "R"),
            ("processed", "R"),
            ("models", "R"),
            ("reports", "RW"),
            ("champion", "R"),
            ("judging", "RW"),
        ],
    ),
    (
        "DeployEndpointRole",
        &[
            ("raw", "R"),
            ("processed", "R"),
            ("reports", "RWD"),
            ("champion", "RW"),
            ("predictions", "RD"),
        ],
    ),
    (
        "PublishReportRole",
        &[
            ("raw", "R"),
            ("processed", "R"),
            ("reports", "RW"),
            ("champion", "R"),
            ("latest", "RW"),
            ("current", "D"),
        ],
    ),
    ("RetrainRole", &[("raw", "R"), ("processed", "R")]),
    ("SchedulerRole", &[]),
];

/// Roles that do not list the lake; to all others, a key that is not there must not read as
/// forbidden.
const LIST_NOTHING: [&str; 1] = ["SchedulerRole"];

/// Every action on objects and on the bucket's listings. Source: Service Authorization Reference,
/// Amazon S3.
const READING: [&str; 15] = [
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectAttributes",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectTagging",
    "s3:GetObjectTorrent",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionAttributes",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:GetObjectVersionTorrent",
    "s3:ListMultipartUploadParts",
    "s3:InitiateReplication",
];
const WRITING: [&str; 18] = [
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:DeleteObjectVersionTagging",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
    "s3:PutObjectVersionTagging",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
    "s3:RestoreObject",
];
const LISTING: [&str; 3] = [
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
];

/// Everything that somebody may do in the lake against the facts, with and without readers.
pub fn findings(template: &Value, schedule: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let with = [LEAST[0], ("LakeReaders", super::access::READER)];
    for (readers, parameters) in [(true, &with[..]), (false, &LEAST[..])] {
        let access = Access::of(&Stack::new(template, schedule, parameters).resources);
        for who in &access.principals {
            if who.is_role() {
                role(&access, &who.name, &mut found);
            }
        }
        people(&access, readers, &mut found);
    }
    found
}

fn role(access: &Access, name: &str, found: &mut Vec<Finding>) {
    let who = access.principal(name);
    let name = name.trim_matches('`');
    let Some((_, facts)) = MAY.iter().find(|(role, _)| *role == name) else {
        found.push(Finding::new(name, "is a role of which no fact is stated"));
        return;
    };
    for tier in TIERS {
        let fact = facts.iter().find(|(known, _)| *known == tier);
        let fact = fact.map_or("", |(_, letters)| letters);
        let may = access.letters(who, tier);
        if may != fact {
            found.push(Finding::new(
                name,
                format!("may {may:?} below {tier}/, not {fact:?}"),
            ));
        }
    }
    let elsewhere = access.letters(who, "another");
    if !elsewhere.is_empty() {
        found.push(Finding::new(
            name,
            format!("may {elsewhere:?} beside the tiers"),
        ));
    }
    let lists = access.decide(who, "s3:ListBucket", None, true) == Decision::Allowed;
    if lists == LIST_NOTHING.contains(&name) {
        found.push(Finding::new(name, format!("lists the lake: {lists}")));
    }
}

/// The worst case: policies elsewhere give everybody all of S3.
fn people(access: &Access, readers: bool, found: &mut Vec<Finding>) {
    let key = Some("raw/default/run=1/segment");
    let mut fact = |who: &str, action: &str, key: Option<&str>, allowed: bool| {
        let decision = access.decide(access.principal(who), action, key, true);
        if (decision == Decision::Allowed) != allowed {
            let problem = format!("{who} and {action}: {decision:?}, readers given: {readers}");
            found.push(Finding::new("LakeBucketPolicy", problem));
        }
    };
    for (actions, key) in [
        (&READING[..], key),
        (&WRITING[..], key),
        (&LISTING[..], None),
    ] {
        for action in actions {
            fact("any other role", action, key, false);
            fact("LakeAdministrators", action, key, true);
            // What replicates reads and writes elsewhere: no reader's.
            let reads = !WRITING.contains(action);
            fact("LakeReaders", action, key, readers && reads);
            fact("an AWS service", action, key, true);
        }
    }
    // A principal that may change the bucket's settings can grant itself access again.
    for action in [
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:GetBucketPolicy",
    ] {
        fact("any other role", action, None, true);
    }
    for who in &access.principals {
        for (action, key) in [
            ("s3:GetObject", key),
            ("s3:PutObject", key),
            ("s3:ListBucket", None),
        ] {
            if access.decide(who, action, key, false) != Decision::Denied {
                found.push(Finding::new(
                    &who.name,
                    format!("{action} without TLS is not denied"),
                ));
            }
        }
    }
}
