//! The ways from the table to something of use that are compared.

use crate::discard_store::DiscardStore;
use clap::ValueEnum;
use contract::Invocation;
use contract::states::{ExportSegmentInput, ExportTask};
use database::Drivers;
use definition::SqlSource;
use export_sql_range::Settings;
use lake::documents;
use lake::records::{Plan, SourcePlan, SqlChunk, SqlColumn, SqlPlan};
use lake::sample;
use serde_json::{Value, json};
use sql_source::{Connection, LineWriter, MemorySecrets, Rows, connect, dialect};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// Rows of a page, as the plan of such a table has them.
const PAGE_ROWS: u32 = 12_000;
const SECRET: &str = "bench";

/// A way from the table to something of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Path {
    /// All rows by one query, their values as text.
    Rows,
    /// Pages of raw lines in memory.
    Lines,
    /// The whole step, its parts not compressed.
    Stored,
    /// The whole step, as it runs: profiled, compared with the database, compressed.
    Parts,
}

/// Goes the path, and returns the number of rows.
pub async fn read(path: Path, folder: &std::path::Path) -> Result<u64, Box<dyn Error>> {
    let secret = std::fs::read_to_string(folder.join("secret.json"))?;
    let authority = std::fs::read_to_string(folder.join("authority.pem"))?;
    let engine = match serde_json::from_str::<Value>(&secret)?["engine"].as_str() {
        Some("sqlserver") => "sqlServer",
        _ => "postgres",
    };
    let definition = json!({
        "engine": engine,
        "secret": SECRET,
        "table": "orders",
        "certificateAuthorities": authority,
    });
    let source: SqlSource = serde_json::from_value(definition.clone())?;
    let secrets = MemorySecrets::new().with(SECRET, &[&secret]);
    let mut connection = connect(&Drivers::AT_ONCE, &secrets, &source).await?;
    let of_table = plan(&source, &mut connection).await?;
    match path {
        Path::Rows => {
            let one = SqlPlan {
                key: Vec::new(),
                ..of_table
            };
            let rows = Rows::new(&source, &one, &one.chunks[0]);
            connection.open(&rows.page_query(None)).await?;
            let mut count = 0;
            connection
                .fetch(u32::MAX, &mut |row| {
                    black_box(row);
                    count += 1;
                })
                .await?;
            Ok(count)
        }
        Path::Lines => lines(&source, &of_table, &mut connection).await,
        Path::Stored | Path::Parts => {
            drop(connection);
            let settings = Settings {
                compression_level: (path == Path::Parts).then_some(lake::part::LEVEL),
                ..Settings::default()
            };
            parts(&definition, of_table, &secrets, settings).await
        }
    }
}

/// The table as one chunk.
async fn plan(
    source: &SqlSource,
    connection: &mut impl Connection,
) -> Result<SqlPlan, Box<dyn Error>> {
    let dialect = dialect(source.engine);
    let table = source.table_name().ok_or("the source is a table")?;
    let found = connection.rows(&dialect.columns(table)).await?;
    let column = |row: Vec<Option<String>>| -> Result<SqlColumn, String> {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let (name, sql_type) = (cells.next(), cells.next().unwrap_or_default());
        let (kind, scale) = dialect.kind(&sql_type)?;
        Ok(SqlColumn {
            name: name.unwrap_or_default(),
            sql_type,
            kind,
            scale,
            nullable: false,
        })
    };
    Ok(SqlPlan {
        columns: found.into_iter().map(column).collect::<Result<_, _>>()?,
        key: vec!["id".to_owned()],
        chunks: vec![SqlChunk::default()],
        page_rows: PAGE_ROWS,
        connections: 1,
        pace: String::new(),
        warnings: Vec::new(),
        authorities: String::new(),
        incremental: None,
    })
}

async fn lines(
    source: &SqlSource,
    plan: &SqlPlan,
    connection: &mut impl Connection,
) -> Result<u64, Box<dyn Error>> {
    let rows = Rows::new(source, plan, &plan.chunks[0]);
    let writer = LineWriter::new(&plan.columns);
    let (mut out, mut last) = (Vec::new(), None);
    let mut all = 0;
    loop {
        out.clear();
        let query = rows.page_query(last.as_ref());
        connection.open(&query).await?;
        let mut key = String::new();
        let mut take = |row: &[Option<&str>]| {
            writer.write(row, &mut out);
            key.clear();
            key.push_str(row[0].unwrap_or_default());
        };
        let count = connection.fetch(plan.page_rows, &mut take).await?;
        black_box(&out);
        all += u64::from(count);
        if count < plan.page_rows {
            return Ok(all);
        }
        last = Some(vec![key]);
    }
}

async fn parts(
    definition: &Value,
    of_table: SqlPlan,
    secrets: &MemorySecrets,
    settings: Settings,
) -> Result<u64, Box<dyn Error>> {
    let store = DiscardStore::default();
    let task = ExportTask {
        index: 0,
        first_segment: 0,
        segment_count: 1,
    };
    let plan = Plan {
        tasks: vec![task],
        source: Some(SourcePlan::Sql(of_table)),
        ..sample::plan(json!({"source": {"sql": definition}}))
    };
    documents::write(&store, &plan.keys().plan(), &plan).await?;
    let input = ExportSegmentInput {
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
        task,
    };
    let invocation = Invocation {
        attempt: "bench".to_owned(),
        deadline: SystemTime::now() + Duration::from_hours(1),
    };
    let drivers = Drivers::AT_ONCE;
    let output =
        export_sql_range::handle(&store, &drivers, secrets, settings, input, invocation).await?;
    Ok(output.items)
}
