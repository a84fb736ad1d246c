//! Who may do what in the lake, as facts that the template is checked against. `ACCESS.md` shows
//! the same and is generated; the facts here are changed by hand.

use super::access::{Access, CREATES, TIERS};
use super::policy::Decision;
use super::stack::{EVENTS, LEAST, SCORES, SECRET, STREAM, Stack};
use crate::Finding;
use serde_json::Value;

/// What each role reads (R), writes (W) and removes (D) below which tier, and nothing else.
const MAY: [(&str, &[(&str, &str)]); 22] = [
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
            ("latest", "R"),
            ("current", "RWD"),
            ("index", "R"),
            ("reports", "R"),
            ("events", "R"),
            ("events-index", "R"),
        ],
    ),
    ("RequestExportRole", &[("raw", "RW"), ("reports", "R")]),
    ("CompactChangesRole", &[("raw", "RWD"), ("changes", "R")]),
    (
        "CaptureChangesRole",
        &[("changes", "W"), ("aws/lambda", "W")],
    ),
    (
        "ExportSegmentRole",
        &[("raw", "RWD"), ("events", "R"), ("events-index", "RW")],
    ),
    ("ExportSqlRangeRole", &[("raw", "RWD")]),
    (
        "IndexImagesRole",
        &[("raw", "RW"), ("index", "RWD"), ("images", "R")],
    ),
    (
        "PlanDatasetRole",
        &[
            ("raw", "R"),
            ("processed", "RW"),
            ("reports", "RW"),
            ("champion", "R"),
            ("latest", "R"),
            ("index", "RW"),
            ("events", "R"),
            ("events-index", "W"),
        ],
    ),
    (
        "MergeToCsvRole",
        &[
            ("raw", "R"),
            ("processed", "RW"),
            ("index", "R"),
            ("events", "R"),
        ],
    ),
    (
        "PackImagesRole",
        &[
            ("raw", "R"),
            ("processed", "RW"),
            ("index", "R"),
            ("images", "R"),
        ],
    ),
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
            ("config", "R"),
        ],
    ),
    (
        "DeliverEventsRole",
        &[("events", "W"), ("events-failed", "W")],
    ),
    ("TransformRecordsRole", &[]),
    ("ScoreChangesRole", &[("processed", "R"), ("champion", "R")]),
    ("RetrainRole", &[("raw", "R"), ("processed", "R")]),
    ("SchedulerRole", &[]),
];

/// Roles that do not list the lake; to all others, a key that is not there must not read as
/// forbidden.
const LIST_NOTHING: [&str; 2] = ["SchedulerRole", "TransformRecordsRole"];

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
    let with = [
        LEAST[0],
        SECRET,
        STREAM,
        EVENTS,
        SCORES[0],
        SCORES[1],
        STREAM,
        ("LakeReaders", super::access::READER),
        ("LakeUploaders", super::access::UPLOADER),
        ("ImageReaders", super::access::IMAGE_READER),
    ];
    for (readers, parameters) in [(true, &with[..]), (false, &LEAST[..])] {
        let access = Access::of(&Stack::new(template, schedule, parameters).resources);
        for (name, _) in MAY.iter().filter(|_| readers) {
            let mut there = access.principals.iter();
            if !there.any(|who| who.name.trim_matches('`') == *name) {
                found.push(Finding::new(*name, "is no role of the stack"));
            }
        }
        for who in &access.principals {
            if who.is_role() {
                role(&access, &who.name, &mut found);
            }
        }
        people(&access, readers, &mut found);
        queries(&access, readers, &mut found);
        images(&access, readers, &mut found);
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

/// What an upload asks for that nobody but the uploader could read: a key of its own (SSE-C), and a
/// key of KMS that is not the lake's.
const OWN_KEY: [(&str, &str); 2] = [
    CREATES[0],
    (
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "AES256",
    ),
];
const FOREIGN_KEY: [(&str, &str); 2] = [
    CREATES[0],
    (
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "arn:aws:kms:eu-central-1:999999999999:key/theirs",
    ),
];

/// Uploaders may create images, soon after a URL was signed, and nothing else; image readers may read
/// images and their index.
fn images(access: &Access, given: bool, found: &mut Vec<Finding>) {
    let mut fact =
        |who: &str, action: &str, key: Option<&str>, more: &[(&'static str, &str)], allowed| {
            let decision = access.decide_with(access.principal(who), action, key, true, more);
            if (decision == Decision::Allowed) != allowed {
                let problem = format!("{who} and {action} of {key:?} with {more:?}: {decision:?}");
                found.push(Finding::new("LakeBucketPolicy", problem));
            }
        };
    let image = Some("images/date=2026-11-29/a.jpg");
    let (young, old) = (
        [CREATES[0], ("s3:signatureAge", "60000")],
        [CREATES[0], ("s3:signatureAge", "900001")],
    );
    let part = [("s3:ObjectCreationOperation", "false")];
    for (key, allowed) in [
        (image, given),
        (Some("raw/a"), false),
        (Some("models/a"), false),
    ] {
        fact("LakeUploaders", "s3:PutObject", key, &CREATES, allowed);
        fact("LakeUploaders", "s3:PutObject", key, &young, allowed);
        fact("LakeUploaders", "s3:PutObject", key, &part, allowed);
        fact(
            "LakeUploaders",
            "s3:AbortMultipartUpload",
            key,
            &[],
            allowed,
        );
        fact(
            "LakeUploaders",
            "s3:ListMultipartUploadParts",
            key,
            &[],
            allowed,
        );
        fact("LakeUploaders", "s3:PutObject", key, &[], false);
        for more in [old, OWN_KEY, FOREIGN_KEY] {
            fact("LakeUploaders", "s3:PutObject", key, &more, false);
        }
    }
    let may = [
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ];
    for action in READING.iter().chain(&WRITING) {
        if !may.contains(action) {
            fact("LakeUploaders", action, image, &CREATES, false);
        }
    }
    for action in READING {
        fact("ImageReaders", action, image, &[], given);
        fact(
            "ImageReaders",
            action,
            Some("index/p/run=1/part"),
            &[],
            given,
        );
        fact(
            "ImageReaders",
            action,
            Some("models/p/run=1/model.tar.gz"),
            &[],
            false,
        );
        fact("ImageReaders", action, Some("predictions/a"), &[], false);
    }
    for action in WRITING {
        fact("ImageReaders", action, image, &CREATES, false);
    }
    for action in LISTING {
        fact(
            "LakeUploaders",
            action,
            None,
            &[("s3:prefix", "images/")],
            false,
        );
        fact(
            "ImageReaders",
            action,
            None,
            &[("s3:prefix", "images/")],
            given,
        );
        fact(
            "ImageReaders",
            action,
            None,
            &[("s3:prefix", "models/")],
            false,
        );
        fact("ImageReaders", action, None, &[], false);
    }
}

/// Who queries the lake reads what is queried, and writes results, if it is one of the readers.
/// Only the plan of a dataset writes the list of a run's parts, and nothing else below `raw/`.
fn queries(access: &Access, readers: bool, found: &mut Vec<Finding>) {
    const QUERIED: [&str; 6] = [
        "events",
        "index",
        "predictions",
        "processed",
        "queries",
        "raw",
    ];
    let mut fact = |who: &str, action: &str, key: &str, allowed: bool| {
        let decision = access.decide(access.principal(who), action, Some(key), true);
        if (decision == Decision::Allowed) != allowed {
            let problem =
                format!("{who} and {action} of {key}: {decision:?}, readers given: {readers}");
            found.push(Finding::new("LakeBucketPolicy", problem));
        }
    };
    let result = "queries/0b5c.csv";
    for action in WRITING {
        let writes = ["s3:AbortMultipartUpload", "s3:PutObject"].contains(&action);
        fact("`LakeReaders`, with `s3", action, result, readers && writes);
        fact("QueryPolicy", action, result, readers && writes);
        for who in ["LakeUploaders", "ImageReaders", "any other role"] {
            fact(who, action, result, false);
        }
    }
    for tier in TIERS {
        let (key, queried) = (format!("{tier}/default/run=1/a"), QUERIED.contains(&tier));
        fact("QueryPolicy", "s3:GetObject", &key, readers && queried);
        let results = tier == "queries";
        fact("QueryPolicy", "s3:PutObject", &key, readers && results);
    }
    let run = contract::RunId::parse("20261120-173000-1a2b3c4d").expect("a run's id");
    let keys = lake::RunKeys::new("default", &run);
    for role in MAY.iter().map(|(role, _)| *role) {
        let mut there = access.principals.iter();
        if !there.any(|who| who.name.trim_matches('`') == role) {
            continue;
        }
        let writes = MAY.iter().any(|(name, tiers)| {
            *name == role && tiers.iter().any(|it| it.0 == "raw" && it.1.contains('W'))
        });
        let lists = role == "PlanDatasetRole";
        for (key, allowed) in [
            (keys.parts_list(), writes || lists),
            (keys.part(0, 0, "a"), writes),
            (keys.plan(), writes),
        ] {
            fact(role, "s3:PutObject", &key, allowed);
        }
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
            fact("`LakeReaders`, with `s3", action, key, readers && reads);
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
