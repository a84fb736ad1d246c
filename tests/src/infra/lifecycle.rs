//! Checks the lake's lifecycle rules: each tier is removed by its own parameter, never while it
//! serves or decides, and never before a redrive is impossible.

use super::access::TIERS;
use super::intrinsics;
use super::stack::{LEAST, Stack, number};
use crate::Finding;
use serde_json::Value;
use std::collections::BTreeMap;

/// The tiers that may expire, each with the parameter that says when, and the fewest days that it
/// may say: a run can be redriven for 14, and a model serves longer. All other tiers are kept.
const EXPIRES: [(&str, &str, f64); 9] = [
    ("raw", "RawExpiryDays", 14.0),
    ("processed", "ModelExpiryDays", 90.0),
    ("judging", "ModelExpiryDays", 90.0),
    ("models", "ModelExpiryDays", 90.0),
    ("predictions", "PredictionsExpiryDays", 14.0),
    ("captured", "CapturedExpiryDays", 1.0),
    ("events", "EventsExpiryDays", 30.0),
    ("events-failed", "EventsExpiryDays", 30.0),
    ("images", "ImagesExpiryDays", 30.0),
];

/// The tiers that may move to colder classes, with those of which their readers can read at once.
const MOVES: [(&str, &[&str]); 2] = [
    ("raw/", &["STANDARD_IA"]),
    ("images/", &["STANDARD_IA", "GLACIER_IR"]),
];

/// Days after which each other tier is removed: results of queries can be asked for again, a snapshot
/// takes the changes of 35 days, and what is kept of events is made again.
const REMOVED: [(&str, f64); 4] = [
    ("queries", 7.0),
    ("changes", 40.0),
    ("aws/lambda", 40.0),
    ("events-index", 400.0),
];

/// What a rule of the lake may say; anything else is evaluated by no check.
const FIELDS: [&str; 8] = [
    "Id",
    "Status",
    "Prefix",
    "ExpirationInDays",
    "Transitions",
    "AbortIncompleteMultipartUpload",
    "NoncurrentVersionExpiration",
    "ExpiredObjectDeleteMarker",
];

/// Everything that the rules remove, or keep, against what the parameters ask for.
pub fn findings(template: &Value, schedule: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let defaults = Stack::new(template, schedule, &LEAST);
    for (name, bucket) in defaults.of_type("AWS::S3::Bucket") {
        let mut say = |problem: String| found.push(Finding::new(name, problem));
        let removed = removed(bucket, &mut say);
        for tier in TIERS {
            let parameter = EXPIRES.iter().find(|(known, ..)| *known == tier);
            let asked = parameter.and_then(|(_, parameter, _)| {
                number(&template["Parameters"][parameter]["Default"]).filter(|days| *days > 0.0)
            });
            let always = REMOVED.iter().find(|(known, _)| *known == tier);
            let asked = asked.or(always.map(|(_, days)| *days));
            let removed = removed.get(tier).copied();
            if removed != asked {
                say(format!(
                    "{tier}/ expires after {removed:?} days, not {asked:?}"
                ));
            }
        }
    }
    // An endpoint loads its model whenever it scales, and its clients read its dataset's record.
    let kept = [
        "ModelExpiryDays",
        "PredictionsExpiryDays",
        "ImagesExpiryDays",
    ];
    for parameter in kept {
        if number(&template["Parameters"][parameter]["Default"]) != Some(0.0) {
            found.push(Finding::new(
                parameter,
                "removes by default what was paid for",
            ));
        }
    }
    // Images that are trained on are read by every run.
    if number(&template["Parameters"]["ImagesColdDays"]["Default"]) != Some(0.0) {
        let problem = "moves by default what is read by every run";
        found.push(Finding::new("ImagesColdDays", problem));
    }
    let buckets = buckets(template);
    moved(&buckets, &mut found);
    for (tier, parameter, least) in EXPIRES {
        one(&buckets, tier, parameter, least, &mut found);
    }
    found
}

/// The template without what is no bucket: it is evaluated for every value of every parameter.
fn buckets(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(resources) = template["Resources"].as_object_mut() {
        resources.retain(|_, resource| resource["Type"] == "AWS::S3::Bucket");
        // What a bucket names of the others is not asked.
        for resource in resources.values_mut() {
            if let Some(properties) = resource["Properties"].as_object_mut() {
                properties.retain(|name, _| name == "LifecycleConfiguration");
            }
        }
    }
    template
}

/// A tier's own parameter moves its own days, and may ask for no fewer than the least.
fn one(template: &Value, tier: &str, parameter: &str, least: f64, found: &mut Vec<Finding>) {
    let allowed = template["Parameters"][parameter]["AllowedValues"].as_array();
    let allowed: Vec<f64> = allowed.into_iter().flatten().filter_map(number).collect();
    let mut say = |problem: String| found.push(Finding::new(parameter, problem));
    if allowed.iter().any(|days| *days > 0.0 && *days < least) || allowed.is_empty() {
        say(format!(
            "lets {tier}/ expire before {least} days: {allowed:?}"
        ));
    }
    for days in allowed {
        let text = days.to_string();
        let given = [LEAST[0], (parameter, text.as_str())];
        for (_, bucket) in intrinsics::resources(template, &given) {
            let removed = removed(&bucket["Properties"], &mut say).get(tier).copied();
            let asked = Some(days).filter(|days| *days > 0.0);
            if removed != asked {
                say(format!("of {days} removes {tier}/ after {removed:?} days"));
            }
        }
    }
}

/// Images move to the class and after the days that are asked for, whatever these are.
fn moved(template: &Value, found: &mut Vec<Finding>) {
    let allowed = |parameter: &str| {
        let values = template["Parameters"][parameter]["AllowedValues"].as_array();
        let values = values.into_iter().flatten();
        let values = values.map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
        values.collect::<Vec<_>>()
    };
    for class in allowed("ImagesColdClass") {
        for days in allowed("ImagesColdDays") {
            let mut say = |problem| found.push(Finding::new("ImagesColdDays", problem));
            let given = [
                LEAST[0],
                ("ImagesColdClass", class.as_str()),
                ("ImagesColdDays", days.as_str()),
            ];
            for (_, bucket) in intrinsics::resources(template, &given) {
                let bucket = &bucket["Properties"];
                removed(bucket, &mut say);
                let rules = bucket["LifecycleConfiguration"]["Rules"].as_array();
                let moves = rules.into_iter().flatten();
                let moves = moves.filter(|rule| rule["Prefix"] == "images/");
                let moves = moves.filter_map(|rule| rule["Transitions"].as_array());
                let moves: Vec<_> = moves
                    .flatten()
                    .map(|it| (it["StorageClass"].as_str(), number(&it["TransitionInDays"])))
                    .collect();
                let asked = (days != "0").then(|| (Some(class.as_str()), days.parse().ok()));
                if moves != asked.into_iter().collect::<Vec<_>>() {
                    say(format!("of {days} with {class} moves images as {moves:?}"));
                }
            }
        }
    }
}

/// The days after which each tier's objects are removed.
fn removed(bucket: &Value, say: &mut impl FnMut(String)) -> BTreeMap<String, f64> {
    let mut removed: BTreeMap<String, f64> = BTreeMap::new();
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array();
    let (mut uploads, mut versions, mut moved) = (false, false, None);
    for rule in rules.into_iter().flatten() {
        let id = rule["Id"].as_str().unwrap_or_default();
        for (field, _) in rule.as_object().into_iter().flatten() {
            if !FIELDS.contains(&field.as_str()) {
                say(format!("rule {id} has {field}, which no check knows"));
            }
        }
        if rule["Status"] != "Enabled" {
            say(format!("rule {id} is {}", rule["Status"]));
        }
        let prefix = rule["Prefix"].as_str().unwrap_or_default();
        let expiry = number(&rule["ExpirationInDays"]);
        let tiers = TIERS
            .iter()
            .filter(|tier| format!("{tier}/").starts_with(prefix));
        let tiers: Vec<_> = tiers.collect();
        if let Some(days) = expiry {
            for tier in &tiers {
                let earlier = removed.get(**tier).copied().unwrap_or(f64::MAX);
                removed.insert((**tier).to_owned(), days.min(earlier));
            }
            if tiers.len() != 1 {
                say(format!(
                    "rule {id} removes what begins with {prefix:?}, which is {tiers:?}"
                ));
            }
        }
        for transition in rule["Transitions"].as_array().into_iter().flatten() {
            let days = number(&transition["TransitionInDays"]);
            let Some((_, classes)) = MOVES.iter().find(|(tier, _)| *tier == prefix) else {
                say(format!("rule {id} moves {prefix:?}, which is read"));
                continue;
            };
            // Standard-IA takes nothing younger, and of archives nobody can read at once.
            let class = transition["StorageClass"].as_str().unwrap_or_default();
            if !classes.contains(&class) || days.is_none_or(|days| days < 30.0) {
                say(format!("rule {id} moves to {transition}"));
            }
            if prefix == "raw/" {
                moved = days.or(moved);
            }
        }
        uploads |= prefix.is_empty()
            && number(&rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
                // An upload lasts as long as its function, or DynamoDB's export.
                .is_some_and(|days| (1.0..=7.0).contains(&days));
        versions |= prefix.is_empty()
            && number(&rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
                // As long as a run can be redriven.
                .is_some_and(|days| days >= 14.0)
            && rule["ExpiredObjectDeleteMarker"] == true;
    }
    // Standard-IA bills 30 days at least.
    let expiry = removed.get("raw").copied();
    if moved
        .zip(expiry)
        .is_some_and(|(moved, expiry): (f64, f64)| expiry < moved + 30.0)
    {
        say(format!(
            "moves after {moved:?} days what it removes after {expiry:?}"
        ));
    }
    if !uploads {
        say("keeps unfinished uploads".to_owned());
    }
    if !versions {
        say("keeps replaced versions for ever, or not at all".to_owned());
    }
    removed
}
