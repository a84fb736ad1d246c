//! Every attribute path of a definition, in one list. Each is checked against the export's
//! selection and against the table, so that a mistyped path is found before training.
//!
//! The structs are destructured without `..`, so a new field does not compile until this module
//! says whether it holds paths. A test walks the schema for the rest.

use crate::{
    Column, Condition, Dataset, Deduplicate, Definition, Format, Gate, Split, TimeSplit, TokenLists,
};

/// A path in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath<'d> {
    /// The field that contains it, such as `dataset.exclude[0]`.
    pub field: String,
    /// The path as it is written there.
    pub text: &'d str,
    /// What the path is used for.
    pub usage: PathUsage,
}

/// What a path is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathUsage {
    /// The attribute to predict.
    Label,
    /// The rows' weight.
    Weight,
    /// A feature column.
    Column,
    /// An attribute that inference leaves out.
    Exclude,
    /// An attribute of a condition.
    Condition,
    /// An attribute that duplicates share.
    DeduplicateBy,
    /// The attribute whose greatest value wins among duplicates.
    DeduplicateLatest,
    /// An attribute of the split.
    SplitBy,
    /// The attribute with the row's timestamp.
    SplitTime,
    /// An attribute with limits of its own.
    GateColumn,
    /// A column of a list of tokens.
    Token,
    /// An attribute that is exported.
    Projection,
    /// A path that may occur in no item.
    MayBeAbsent,
    /// A path that few items have.
    Rare,
}

impl PathUsage {
    /// Whether the attribute may be absent if the definition lists it as optional: a condition on
    /// it, for instance, holds or does not. Without any of the others the rows would be wrong.
    pub const fn may_be_absent(self) -> bool {
        matches!(
            self,
            Self::Exclude | Self::Condition | Self::GateColumn | Self::Projection
        )
    }
}

impl Definition {
    /// Every attribute path of the definition, in the order of its fields.
    pub fn paths(&self) -> Vec<NamedPath<'_>> {
        let Self {
            source,
            gate,
            dataset,
            pipeline: _,
            training: _,
            promotion: _,
            endpoint: _,
            batch: _,
            limits: _,
            ready: _,
            late: _,
            stale: _,
            notify: _,
        } = self;
        let mut paths = dataset.as_ref().map_or_else(Vec::new, Dataset::paths);
        paths.extend(source.paths());
        let gated = gate.iter().flat_map(|gate| gate.attributes.keys());
        paths.extend(gated.map(|path| one("gate.attributes", path, PathUsage::GateColumn)));
        paths
    }
}

impl Dataset {
    /// Every attribute path of the dataset, in the order of its fields.
    pub fn paths(&self) -> Vec<NamedPath<'_>> {
        let Self {
            label,
            weight,
            columns,
            exclude,
            conditions,
            deduplicate,
            split,
            gate,
            format,
            may_be_absent,
            rare,
            label_encoding: _,
            label_precision: _,
            sample: _,
            shard_bytes: _,
        } = self;
        let mut paths = vec![one("dataset.label", label, PathUsage::Label)];
        paths.extend(
            weight
                .iter()
                .map(|path| one("dataset.weight", path, PathUsage::Weight)),
        );
        for (at, Column { path, .. }) in columns.iter().flatten().enumerate() {
            let field = format!("dataset.columns[{at}].path");
            paths.push(one(&field, path, PathUsage::Column));
        }
        paths.extend(each("dataset.exclude", exclude, PathUsage::Exclude));
        for (at, condition) in conditions.iter().enumerate() {
            let Condition {
                path,
                op: _,
                value: _,
            } = condition;
            let field = format!("dataset.where[{at}].path");
            paths.push(one(&field, path, PathUsage::Condition));
        }
        paths.extend(deduplicate.iter().flat_map(paths_of_duplicates));
        let Split {
            by,
            time,
            validation: _,
            test: _,
            seed: _,
        } = split;
        paths.extend(each("dataset.split.by", by, PathUsage::SplitBy));
        if let Some(time) = time {
            let TimeSplit {
                path,
                unit: _,
                validation_from: _,
                test_from: _,
            } = time;
            paths.push(one("dataset.split.time.path", path, PathUsage::SplitTime));
        }
        let Gate {
            columns,
            minimum_rows: _,
            maximum_missing_label: _,
            maximum_missing: _,
            allow_constant_label: _,
            minimum_class_share: _,
            maximum_rejected: _,
            maximum_leak: _,
            drift: _,
        } = gate;
        paths.extend(
            columns
                .keys()
                .map(|path| one("dataset.gate.columns", path, PathUsage::GateColumn)),
        );
        if let Format::JsonLines(TokenLists { in0, in1 }) = format {
            paths.extend(each("dataset.format.jsonLines.in0", in0, PathUsage::Token));
            paths.extend(each("dataset.format.jsonLines.in1", in1, PathUsage::Token));
        }
        paths.extend(each(
            "dataset.mayBeAbsent",
            may_be_absent,
            PathUsage::MayBeAbsent,
        ));
        paths.extend(each("dataset.rare", rare, PathUsage::Rare));
        paths
    }
}

fn paths_of_duplicates(rule: &Deduplicate) -> Vec<NamedPath<'_>> {
    const LATEST: &str = "dataset.deduplicate.latest";
    let Deduplicate { by, latest } = rule;
    let by = each("dataset.deduplicate.by", by, PathUsage::DeduplicateBy);
    let latest = latest.iter();
    let latest = latest.map(|path| one(LATEST, path, PathUsage::DeduplicateLatest));
    by.into_iter().chain(latest).collect()
}

fn one<'d>(field: &str, text: &'d str, usage: PathUsage) -> NamedPath<'d> {
    NamedPath {
        field: field.to_owned(),
        text,
        usage,
    }
}

pub fn each<'d>(
    field: &str,
    paths: &'d [String],
    usage: PathUsage,
) -> impl Iterator<Item = NamedPath<'d>> {
    let paths = paths.iter().enumerate();
    paths.map(move |(at, path)| one(&format!("{field}[{at}]"), path, usage))
}

#[cfg(test)]
mod tests;
