//! Every path of a definition against the columns that are read: the catalogue knows them all, so a
//! mistake is found before the table is read.

use crate::PlanExportError;
use crate::needed::needed;
use contract::{short_name, some_names};
use definition::{Definition, Faults, SqlSource};
use lake::records::SqlColumn;

/// Columns in a message.
const SHOWN: usize = 30;

/// Refuses a path whose column is not read.
pub fn check(
    definition: &Definition,
    source: &SqlSource,
    columns: &[SqlColumn],
) -> Result<(), PlanExportError> {
    let mut faults = Faults::default();
    for (named, path) in needed(definition) {
        if columns.iter().any(|column| column.name == path.first()) {
            continue;
        }
        let or_else = if source.columns.is_empty() {
            ""
        } else {
            ", or add it to `source.sql.columns`"
        };
        faults.add(
            &named.field,
            format!(
                "names {}, which is no column that is read of {}; there are {}: correct it{or_else}",
                short_name(named.text),
                source.name(),
                some_names(columns.iter().map(|column| column.name.as_str()), SHOWN),
            ),
        );
    }
    faults.none_or().map_err(|faults| PlanExportError::Sampled {
        pipeline: definition.pipeline.clone(),
        faults,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ErrorName, Named, chain};
    use lake::records::SqlKind;
    use serde_json::{Value, json};

    fn checked(more: &Value, columns: &Value) -> Result<(), PlanExportError> {
        let mut definition = json!({
            "source": {"sql": {
                "engine": "postgres", "secret": "s", "table": "orders", "columns": columns,
            }},
            "dataset": {"label": "price"},
        });
        for (name, value) in more.as_object().unwrap() {
            definition["dataset"][name] = value.clone();
        }
        let definition: Definition = contract::read::from_value(definition).unwrap();
        let definition::Source::Sql(source) = &definition.source else {
            panic!("another source");
        };
        let column = |name: &str| SqlColumn {
            name: name.to_owned(),
            sql_type: "text".to_owned(),
            kind: SqlKind::Text,
            scale: None,
            nullable: true,
        };
        check(&definition, source, &["id", "price", "at"].map(column))
    }

    #[test]
    fn every_path_of_a_column_that_is_not_read_is_named_at_its_field() {
        let all = json!([]);
        let sound = json!({
            "exclude": ["id"], "split": {"by": ["id"]}, "deduplicate": {"by": ["id"], "latest": "at"},
            "where": [{"path": "deleted", "op": "exists"}], "mayBeAbsent": ["deleted"],
        });
        checked(&sound, &all).unwrap();
        for (part, field, name) in [
            (json!({"exclude": ["idd"]}), "dataset.exclude[0]", "idd"),
            (
                json!({"where": [{"path": "deleted", "op": "exists"}]}),
                "dataset.where[0].path",
                "deleted",
            ),
            (
                json!({"deduplicate": {"by": ["key"]}}),
                "dataset.deduplicate.by[0]",
                "key",
            ),
            (
                json!({"deduplicate": {"by": ["id"], "latest": "time"}}),
                "dataset.deduplicate.latest",
                "time",
            ),
            (
                json!({"split": {"by": ["user"]}}),
                "dataset.split.by[0]",
                "user",
            ),
            (
                json!({"gate": {"columns": {"kind": {}}}}),
                "dataset.gate.columns",
                "kind",
            ),
        ] {
            let error = checked(&part, &all).unwrap_err();
            assert_eq!(error.name(), ErrorName::AttributeMissing);
            let message = chain(&error);
            let words = format!(
                "field `{field}`: names `{name}`, which is no column that is read of orders; there are \
                 `id`, `price`, `at`: correct it"
            );
            assert!(message.ends_with(&words), "{message}");
            let error = checked(&part, &json!(["price"])).unwrap_err();
            assert!(chain(&error).ends_with("or add it to `source.sql.columns`"));
        }
    }
}
