//! The columns of a run's data, those with trouble first.

use crate::facts::Facts;
use crate::figures::{cut, percent, short};
use dataset::{GateVerdict, Quality};
use dynamodb_json::Kind;
use profile::{AttributeDrift, AttributeStatistics, Statistics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Columns in the document; `profile.json` has all.
const MOST: usize = 200;

/// Values of a column in the document.
const VALUES: usize = 6;

/// Characters of a name or a value.
const CHARACTERS: usize = 120;

/// From this value on, a population stability index is commonly called a change.
const CHANGED: f64 = 0.1;

/// A change of the share of items without a value that is worth a look.
const NOTABLE: f64 = 0.1;

/// A run's data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataDocument {
    /// Items.
    pub items: u64,
    /// Items of the sample that means and distributions come from, if those are not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<u64>,
    /// What the data was compared with, or why with nothing.
    pub comparison: String,
    /// Decisions that a person may want to change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Attributes that no item had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
    /// Attributes that no item has any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vanished: Vec<String>,
    /// The columns, those with trouble first.
    pub columns: Vec<ColumnDocument>,
    /// Columns that are left out here.
    pub more: u64,
}

/// A column, or an attribute that is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnDocument {
    /// The attribute's path, cut.
    pub path: String,
    /// `label`, `column`, or `not used`.
    pub role: String,
    /// What is wrong with it, a phrase each; empty if it is as it was.
    pub trouble: Vec<String>,
    /// Its types.
    pub types: String,
    /// The share of items in which it is missing.
    pub missing: f64,
    /// How many distinct values it has, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<String>,
    /// Its numbers or the length of its texts, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The population stability index since the data that it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psi: Option<f64>,
    /// How its values are distributed.
    pub distribution: Distribution,
}

/// How values are distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Distribution {
    /// Nothing is known.
    None,
    /// Of numbers.
    Histogram {
        /// In this run.
        now: Histogram,
        /// In the run that it was compared with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Histogram>,
    },
    /// Of texts, booleans, and numbers of few values.
    Values(Vec<ValueShare>),
}

/// Bars of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Histogram {
    /// Where the first bar begins.
    pub from: f64,
    /// Where the last bar ends.
    pub to: f64,
    /// The share of the values in each bar.
    pub shares: Vec<f64>,
}

/// A value, and how often it occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueShare {
    /// The value, cut.
    pub value: String,
    /// Its share.
    pub share: f64,
    /// Its share in the run that it was compared with, if it was frequent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
}

/// What is known of a run's data.
pub fn of(facts: &Facts) -> Option<DataDocument> {
    let (quality, statistics) = facts.quality.as_ref().zip(facts.statistics.as_ref())?;
    let drift = quality.drift.as_ref();
    let cut_all = |paths: &[String]| {
        paths
            .iter()
            .take(MOST)
            .map(|it| cut(it, CHARACTERS))
            .collect()
    };
    let mut columns: Vec<(u32, ColumnDocument)> = statistics
        .attributes
        .iter()
        .map(|(path, attribute)| column(path, attribute, quality, facts.before.as_ref()))
        .collect();
    columns.sort_by(|left, right| {
        // A column without trouble is where its name is looked for.
        let psi = |column: &ColumnDocument| {
            let psi = column.psi.filter(|_| !column.trouble.is_empty());
            psi.unwrap_or_default()
        };
        let by_psi = psi(&right.1).total_cmp(&psi(&left.1));
        right
            .0
            .cmp(&left.0)
            .then(by_psi)
            .then_with(|| left.1.path.cmp(&right.1.path))
    });
    let more = columns.len().saturating_sub(MOST);
    columns.truncate(MOST);
    Some(DataDocument {
        items: statistics.items,
        sampled: (!statistics.is_exact()).then_some(statistics.sampled),
        comparison: quality.comparison.clone(),
        notes: quality
            .notes
            .iter()
            .take(MOST)
            .map(|it| cut(it, 400))
            .collect(),
        new: drift.map_or_else(Vec::new, |drift| cut_all(&drift.new)),
        vanished: drift.map_or_else(Vec::new, |drift| cut_all(&drift.vanished)),
        columns: columns.into_iter().map(|(_, column)| column).collect(),
        more: more as u64,
    })
}

/// A column with its rank: those with trouble first, then the label, then columns, then the rest.
fn column(
    path: &str,
    attribute: &AttributeStatistics,
    quality: &Quality,
    before: Option<&Statistics>,
) -> (u32, ColumnDocument) {
    let (role, rank) = match path {
        _ if quality.label.as_deref() == Some(path) => ("label", 2),
        _ if quality.columns.iter().any(|column| column == path) => ("column", 1),
        _ => ("not used", 0),
    };
    let drift = quality.drift.as_ref();
    let drift = drift.and_then(|drift| drift.attributes.get(path));
    let failed = quality.gate.iter();
    let failed = failed.filter(|it| !it.passed && it.column.as_deref() == Some(path));
    let mut trouble: Vec<String> = failed.map(broken).collect();
    let is_broken = !trouble.is_empty();
    if let Some(drift) = drift {
        trouble.extend(changes(drift));
    }
    // What no model sees is no trouble.
    let weight = match (is_broken, trouble.is_empty(), rank) {
        (true, ..) => 1000,
        (false, true, _) | (false, false, 0) => 0,
        (false, false, _) => 100 + u32::try_from(trouble.len()).unwrap_or_default(),
    };
    let before = before.and_then(|before| before.attribute(path));
    let distinct = attribute.distinct.map(|distinct| {
        let about = if distinct.exact { "" } else { "about " };
        format!("{about}{}", crate::figures::of(distinct.count, "value"))
    });
    let column = ColumnDocument {
        path: cut(path, CHARACTERS),
        role: role.to_owned(),
        trouble,
        types: types(attribute),
        missing: attribute.missing,
        distinct,
        range: range(attribute),
        psi: drift.and_then(|drift| drift.psi),
        distribution: distribution(attribute, before),
    };
    (weight + rank, column)
}

fn broken(verdict: &GateVerdict) -> String {
    format!("breaks {}", cut(&verdict.bound, CHARACTERS))
}

fn changes(drift: &AttributeDrift) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(types) = &drift.types {
        all.push(format!(
            "{} became {}",
            types.before.join("+"),
            types.now.join("+")
        ));
    }
    if let Some(psi) = drift.psi.filter(|psi| *psi > CHANGED) {
        let mean = drift.mean.map_or_else(String::new, |mean| {
            format!(", mean {} after {}", short(mean.now), short(mean.before))
        });
        all.push(format!("PSI {psi:.2}{mean}"));
    }
    let missing = drift.missing;
    if (missing.now - missing.before).abs() > NOTABLE {
        let (now, before) = (percent(missing.now), percent(missing.before));
        all.push(format!("missing in {now} after {before}"));
    }
    for (what, share) in [("new", drift.new_values), ("gone", drift.vanished_values)] {
        if let Some(share) = share.filter(|share| *share > NOTABLE) {
            all.push(format!("{} of its values are {what}", percent(share)));
        }
    }
    all
}

fn types(attribute: &AttributeStatistics) -> String {
    let kinds = Kind::ALL
        .into_iter()
        .filter(|kind| attribute.types.of(*kind) > 0);
    let kinds: Vec<&str> = kinds.map(word).collect();
    kinds.join(", ")
}

/// A type in words.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::S => "text",
        Kind::N => "number",
        Kind::B => "binary",
        Kind::Bool => "boolean",
        Kind::Null => "null",
        Kind::M => "map",
        Kind::L => "list",
        Kind::Ss => "text set",
        Kind::Ns => "number set",
        Kind::Bs => "binary set",
    }
}

fn range(attribute: &AttributeStatistics) -> Option<String> {
    let numbers = attribute.numbers.as_ref().map(|numbers| {
        let mean = if numbers.histogram.is_empty() {
            String::new()
        } else {
            format!(", mean {}", short(numbers.mean))
        };
        format!(
            "{} to {}{mean}",
            short(numbers.minimum),
            short(numbers.maximum)
        )
    });
    let texts = attribute.texts.as_ref().map(|texts| {
        let length = crate::figures::of(texts.max_length, "character");
        format!("texts of up to {length}")
    });
    let both: Vec<String> = numbers.into_iter().chain(texts).collect();
    (!both.is_empty()).then(|| both.join("; "))
}

/// A histogram for numbers of many values, otherwise the most frequent values, unless each is rare.
fn distribution(
    attribute: &AttributeStatistics,
    before: Option<&AttributeStatistics>,
) -> Distribution {
    const FEW: u64 = 10;
    const RARE: f64 = 0.005;
    if attribute.seen > FEW
        && let Some(now) = histogram(attribute)
    {
        let before = before.and_then(histogram);
        return Distribution::Histogram { now, before };
    }
    let frequent = attribute.frequent.iter();
    let frequent = frequent.filter(|it| it.share >= RARE || attribute.seen <= FEW);
    let values = frequent.take(VALUES).map(|known| {
        let earlier = before.and_then(|before| {
            let mut earlier = before.frequent.iter();
            earlier.find(|earlier| earlier.value == known.value)
        });
        ValueShare {
            value: cut(&known.value, 60),
            share: known.share,
            before: earlier.map(|earlier| earlier.share),
        }
    });
    let values: Vec<_> = values.collect();
    if values.is_empty() {
        Distribution::None
    } else {
        Distribution::Values(values)
    }
}

fn histogram(attribute: &AttributeStatistics) -> Option<Histogram> {
    let numbers = attribute.numbers.as_ref()?;
    if numbers.histogram.is_empty() {
        return None;
    }
    let [from, to] = numbers.ends.unwrap_or([numbers.minimum, numbers.maximum]);
    Some(Histogram {
        from,
        to,
        shares: numbers.histogram.clone(),
    })
}
