//! The table that a run has read, and an item of it by its key.

use super::{PredictError, Serving};
use aws::dynamodb::Tables;
use definition::{Source, SqlSource};
use lake::records::{Plan, SourcePlan, SqlChunk, SqlPlan};
use lake::{ObjectStore, RunKeys, documents};
use sql_source::{Connection, Databases, LineWriter, Rows, Secrets, connect};
use std::collections::BTreeMap;

/// The table that a run has read.
#[derive(Debug)]
pub enum Table {
    /// A table of DynamoDB.
    DynamoDb(String),
    /// A table of a relational database, as it was planned.
    Sql(Box<(SqlSource, SqlPlan)>),
}

/// The table that the run read.
///
/// # Errors
/// If its source is no table with a key.
pub async fn table_of(store: &impl ObjectStore, serving: &Serving) -> Result<Table, PredictError> {
    let key = RunKeys::new(&serving.pipeline, &serving.run).plan();
    let plan: Plan = documents::read(store, &key, "the run's plan").await?;
    let no_table = || PredictError::NoTable {
        run: serving.run.clone(),
    };
    match (plan.definition.source, plan.source) {
        (Source::DynamoDb(source), _) => Ok(Table::DynamoDb(source.table)),
        (Source::Sql(source), Some(SourcePlan::Sql(plan))) if !plan.key.is_empty() => {
            Ok(Table::Sql(Box::new((source, plan))))
        }
        (Source::Sql(_) | Source::Images(_) | Source::Files(_) | Source::Events(_), _) => {
            Err(no_table())
        }
    }
}

impl Table {
    /// The item with this key, as DynamoDB JSON in one line.
    ///
    /// # Errors
    /// If there is none, the key is not the table's, or the table cannot be read.
    pub async fn item(
        &self,
        tables: &Tables,
        databases: &impl Databases,
        secrets: &impl Secrets,
        key: &BTreeMap<String, String>,
    ) -> Result<String, PredictError> {
        let (name, item) = match self {
            Self::DynamoDb(table) => {
                let item = tables.read_item(table, key).await?;
                (table.as_str(), item.map(|item| item.to_string()))
            }
            Self::Sql(table) => {
                let (source, plan) = &**table;
                let row = row(databases, secrets, source, plan, key).await?;
                (source.name(), row)
            }
        };
        item.ok_or_else(|| {
            let pairs = key.iter().map(|(name, value)| format!("{name}={value}"));
            PredictError::NoItem {
                table: name.to_owned(),
                key: pairs.collect::<Vec<_>>().join(" "),
            }
        })
    }
}

/// The row with this key, as the export writes it.
async fn row(
    databases: &impl Databases,
    secrets: &impl Secrets,
    source: &SqlSource,
    plan: &SqlPlan,
    key: &BTreeMap<String, String>,
) -> Result<Option<String>, PredictError> {
    let values = plan.key.iter().map(|column| key.get(column).cloned());
    let values: Option<Vec<_>> = values.collect();
    let Some(values) = values.filter(|values| values.len() == key.len()) else {
        let pairs = plan.key.iter().map(|column| format!("--key {column}=…"));
        return Err(PredictError::OtherKey {
            table: source.name().to_owned(),
            key: pairs.collect::<Vec<_>>().join(" "),
        });
    };
    let mut connection = connect(databases, secrets, source).await?;
    let whole = SqlChunk::default();
    let query = Rows::new(source, plan, &whole).row_query(&values);
    connection.open(&query).await?;
    let writer = LineWriter::new(&plan.columns);
    let mut line = Vec::new();
    let mut take = |row: &[Option<&str>]| writer.write(row, &mut line);
    let count = connection.fetch(1, &mut take).await?;
    let line = String::from_utf8_lossy(&line);
    Ok((count > 0).then(|| line.trim_end().to_owned()))
}
