//! Checks the lake's lifecycle rules: each tier is removed by its own parameter, never while it
//! serves or decides, and never before a redrive is impossible.

use super::access::TIERS;
use super::stack::{LEAST, Stack, number};
use crate::Finding;
use serde_json::Value;
use std::collections::BTreeMap;

/// The tiers that may expire, each with the parameter that says when, and the fewest days that it
/// may say: a run can be redriven for 14, and a model serves longer. All other tiers are kept.
const EXPIRES: [(&str, &str, f64); 6] = [
    ("raw", "RawExpiryDays", 14.0),
    ("processed", "ModelExpiryDays", 90.0),
    ("judging", "ModelExpiryDays", 90.0),
    ("models", "ModelExpiryDays", 90.0),
    ("predictions", "PredictionsExpiryDays", 14.0),
    ("captured", "CapturedExpiryDays", 1.0),
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
            let removed = removed.get(tier).copied();
            if removed != asked {
                say(format!(
                    "{tier}/ expires after {removed:?} days, not {asked:?}"
                ));
            }
        }
    }
    // An endpoint loads its model whenever it scales, and its clients read its dataset's record.
    for parameter in ["ModelExpiryDays", "PredictionsExpiryDays"] {
        if number(&template["Parameters"][parameter]["Default"]) != Some(0.0) {
            found.push(Finding::new(
                parameter,
                "removes by default what was paid for",
            ));
        }
    }
    for (tier, parameter, least) in EXPIRES {
        one(template, schedule, tier, parameter, least, &mut found);
    }
    found
}

/// A tier's own parameter moves its own days, and may ask for no fewer than the least.
fn one(
    template: &Value,
    schedule: &Value,
    tier: &str,
    parameter: &str,
    least: f64,
    found: &mut Vec<Finding>,
) {
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
        let stack = Stack::new(template, schedule, &given);
        for (_, bucket) in stack.of_type("AWS::S3::Bucket") {
            let removed = removed(bucket, &mut say).get(tier).copied();
            let asked = Some(days).filter(|days| *days > 0.0);
            if removed != asked {
                say(format!("of {days} removes {tier}/ after {removed:?} days"));
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
            // Standard-IA takes nothing younger, and of the other classes a redrive could not read.
            if transition["StorageClass"] != "STANDARD_IA" || days.is_none_or(|days| days < 30.0) {
                say(format!("rule {id} moves to {transition}"));
            }
            if prefix != "raw/" {
                say(format!("rule {id} moves {prefix:?}, which is read"));
            }
            moved = days.or(moved);
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
