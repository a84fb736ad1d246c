//! What a restore costs: written by this program, or imported by DynamoDB into a new table.

use super::{Exported, Request};
use crate::progress::count;
use dynamodb_json::Kind;
use lake::records::Encoding;
use plan_export::{JSON_PER_BYTE, PriceList};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// Dollars for a write request unit of a table on demand, and for a gigabyte that `ImportTable` reads,
/// uncompressed. Those of reads are of the list that plans are estimated by.
///
/// Source: the pricing page of Amazon DynamoDB, us-east-1, November 2026.
const WRITE_UNITS: f64 = 0.625e-6;
const IMPORT_GB: f64 = 0.15;
const BYTES_PER_GB: f64 = 1024.0 * 1024.0 * 1024.0;
const BYTES_PER_WRITE: f64 = 1024.0;
/// A strongly consistent read, with which the table is read back.
const BYTES_PER_READ: f64 = 4096.0;

/// What both ways take and cost, by the list prices of us-east-1.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Costs {
    /// Items.
    pub items: u64,
    /// Bytes of raw lines.
    pub bytes: u64,
    /// By this program.
    pub writing: Writing,
    /// By DynamoDB's `ImportTable`, which makes a new table.
    pub import: Import,
}

/// Writing by this program.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Writing {
    /// Write units, as if all items were of one size and the table had no index.
    pub write_units: u64,
    /// Minutes, at the given write units per second.
    pub minutes: f64,
    /// Dollars of the writes, and of reading the table back; 0 if its capacity is provisioned, which
    /// is paid for by the hour.
    pub dollars: f64,
}

/// Importing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Import {
    /// Dollars.
    pub dollars: f64,
    /// The commands: they copy the run's parts into a folder of their own, and import that.
    pub commands: Vec<String>,
}

impl Costs {
    /// Of restoring a run into a table with this key, which is on demand or not.
    pub fn of(
        bucket: &str,
        request: &Request,
        exported: &Exported,
        key: &[(String, Kind)],
        on_demand: bool,
    ) -> Self {
        let totals = exported.totals;
        let bytes = totals.raw_bytes as f64 / JSON_PER_BYTE;
        let per_item = bytes / totals.items.max(1) as f64;
        let units = totals.items as f64 * (per_item / BYTES_PER_WRITE).ceil().max(1.0);
        let prices = PriceList::of(&exported.plan.definition.limits.prices);
        let dollars = units * WRITE_UNITS + bytes / BYTES_PER_READ * prices.read_request_unit;
        Self {
            items: totals.items,
            bytes: totals.raw_bytes,
            writing: Writing {
                write_units: whole(units),
                minutes: units / f64::from(request.wcu.max(1)) / 60.0,
                dollars: if on_demand { dollars } else { 0.0 },
            },
            import: Import {
                dollars: totals.raw_bytes as f64 / BYTES_PER_GB * IMPORT_GB,
                commands: commands(bucket, request, exported, key),
            },
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let Self {
            items,
            bytes,
            writing,
            import,
        } = self;
        let mut text = format!(
            "{} items, {} bytes of lines\n",
            count(*items),
            count(*bytes)
        );
        let mut line = |name: &str, rest: String| {
            // Writing to memory cannot fail.
            let _ = writeln!(text, "  {name:<12} {rest}");
        };
        line(
            "restore",
            format!(
                "about {} write units, {:.1} min, ${:.2}, into a table that exists",
                count(writing.write_units),
                writing.minutes,
                writing.dollars
            ),
        );
        line(
            "ImportTable",
            format!("${:.2}, into a new table", import.dollars),
        );
        let cheaper = if import.dollars < writing.dollars {
            "ImportTable is cheaper:"
        } else {
            "With ImportTable:"
        };
        let _ = writeln!(text, "{cheaper}");
        for command in &import.commands {
            let _ = writeln!(text, "  {command}");
        }
        text
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "units are not negative, and a larger count is the largest"
)]
fn whole(units: f64) -> u64 {
    units.round() as u64
}

/// The commands that import the run: of its listed parts alone, since the run's folder also has
/// records, and parts of attempts that lost.
fn commands(
    bucket: &str,
    request: &Request,
    exported: &Exported,
    key: &[(String, Kind)],
) -> Vec<String> {
    let prefix = format!("raw/{}/import-{}/", request.pipeline, request.run);
    let copies = exported.parts.iter().enumerate().map(|(number, part)| {
        let ending = match part.encoding {
            Encoding::Zstd => "json.zst",
            Encoding::Gzip => "json.gz",
            Encoding::Plain => "json",
        };
        format!(
            "aws s3 cp 's3://{bucket}/{}' 's3://{bucket}/{prefix}part-{number:05}.{ending}'",
            part.key
        )
    });
    let compression = match exported.parts.first().map(|part| part.encoding) {
        Some(Encoding::Gzip) => "GZIP",
        Some(Encoding::Plain) => "NONE",
        Some(Encoding::Zstd) | None => "ZSTD",
    };
    // A run of files may name no key.
    let unnamed = [("<partition key>".to_owned(), Kind::S)];
    let key = if key.is_empty() { &unnamed } else { key };
    let definitions = key.iter().map(
        |(name, kind)| serde_json::json!({"AttributeName": name, "AttributeType": kind.as_str()}),
    );
    let schema = key
        .iter()
        .zip(["HASH", "RANGE"])
        .map(|((name, _), role)| serde_json::json!({"AttributeName": name, "KeyType": role}));
    let parameters = serde_json::json!({
        "TableName": format!("{}-imported", request.table),
        "AttributeDefinitions": definitions.collect::<Vec<_>>(),
        "KeySchema": schema.collect::<Vec<_>>(),
        "BillingMode": "PAY_PER_REQUEST",
    });
    let import = format!(
        "aws dynamodb import-table --s3-bucket-source 'S3Bucket={bucket},S3KeyPrefix={prefix}' --input-format \
         DYNAMODB_JSON --input-compression-type {compression} --table-creation-parameters '{parameters}'"
    );
    copies.chain([import]).collect()
}
