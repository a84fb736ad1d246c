//! The command that proposes a definition for a table.

use crate::failure::Failure;
use crate::session::{Session, beside, complain, print};
use aws::dynamodb::Tables;
use aws::secrets::SecretsManager;
use contract::short_name;
use definition::{Prices, SqlSource};
use millrace::arguments::{Database, Engine, Init};
use millrace::init::{self, Candidate, InitError, Wishes};
use millrace::place::Place;
use millrace::progress::count;
use plan_export::{PriceList, TableSample, sample_sql, sample_table};
use serde_json::{Value, json};
use source::ReadCapacity;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

pub async fn init(arguments: Init, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let default = || PathBuf::from(format!("{}.json", place.pipeline()));
    let path = arguments.output.unwrap_or_else(default);
    init::check_new(&path, arguments.force)?;
    let table = &arguments.table;
    let source = source(table, &arguments.database)?;
    let sample = sample(&place, table, &source, arguments.sample).await?;
    if sample.sample.items == 0 {
        let table = table.clone();
        return Err(InitError::NothingSampled { table }.into());
    }
    session.say(&costs(table, &sample));
    let label = match arguments.label {
        Some(label) => label,
        None => label(&sample, session).await.inspect_err(show_candidates)?,
    };
    let proposal = init::propose(
        &sample,
        &Wishes {
            table,
            source: &source,
            label: &label,
            algorithm: arguments.algorithm,
            image: arguments.image.as_deref(),
        },
    )?;
    init::write(&path, &proposal.text, arguments.force)?;
    for note in &proposal.notes {
        session.say(note);
    }
    let path = path.display();
    print(&format!("{path}\n"))?;
    session.say(&format!(
        "next: read it, then millrace validate {path}; millrace plan {path}; millrace push {path}"
    ));
    Ok(())
}

/// The `source` of a definition.
fn source(table: &str, database: &Database) -> Result<Value, InitError> {
    let Database {
        engine,
        secret,
        host,
        database,
        certificate_authorities,
    } = database;
    let Some(engine) = engine else {
        return Ok(json!({"dynamodb": {"table": table}}));
    };
    let engine = match engine {
        Engine::Postgres => definition::Engine::Postgres,
        Engine::SqlServer => definition::Engine::SqlServer,
    };
    let mut sql = json!({"engine": engine, "secret": secret, "table": table});
    for (field, value) in [("host", host), ("database", database)] {
        if let Some(value) = value {
            sql[field] = json!(value);
        }
    }
    if let Some(path) = certificate_authorities {
        let authorities =
            std::fs::read_to_string(path).map_err(|source| InitError::Authorities {
                path: path.clone(),
                source,
            })?;
        sql["certificateAuthorities"] = json!(authorities);
    }
    Ok(json!({ "sql": sql }))
}

async fn sample(
    place: &Place,
    table: &str,
    source: &Value,
    items: u64,
) -> Result<TableSample, InitError> {
    let Some(sql) = source.get("sql") else {
        let tables = Tables::new(place.config());
        return Ok(sample_table(&tables, table, items).await?);
    };
    let sql: SqlSource =
        contract::read::from_value(sql.clone()).expect("a source that was made here");
    let secrets = SecretsManager::new(place.config());
    let rows = u32::try_from(items).unwrap_or(u32::MAX);
    let drivers = database::Drivers::AT_ONCE;
    Ok(Box::pin(sample_sql(&drivers, &secrets, &sql, rows)).await?)
}

/// What was read, and what it cost.
fn costs(table: &str, sample: &TableSample) -> String {
    let TableSample {
        items: all,
        sample,
        is_whole,
        capacity,
        ..
    } = sample;
    let what = if capacity.is_some() { "items" } else { "rows" };
    let of = match (is_whole, all) {
        (true, _) => ", all of them".to_owned(),
        (false, 0) => String::new(),
        (false, all) => format!(" of about {}", count(*all)),
    };
    let units = sample.read_units;
    let paid = match capacity {
        None => String::new(),
        Some(ReadCapacity::Provisioned { .. }) => {
            format!(": {units} read units, of provisioned capacity")
        }
        Some(ReadCapacity::OnDemand { .. } | ReadCapacity::Unknown) => {
            let price = PriceList::of(&Prices::default()).read_request_unit;
            format!(": {units} read units, ${:.6}", units * price)
        }
    };
    format!(
        "table {table}: read {} {what}{of}{paid}",
        count(sample.items)
    )
}

/// The label by its name, or by a person's answer.
async fn label(sample: &TableSample, session: &Session) -> Result<String, InitError> {
    let survey = dataset::survey(&sample.profile, &sample.key_attributes);
    let items = sample.sample.items;
    let candidates = init::candidates(&survey, &sample.key_attributes, items);
    if let Some(clear) = init::clear(&candidates) {
        return Ok(clear.path.clone());
    }
    if candidates.is_empty() {
        return Err(InitError::NoLabel { items });
    }
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_terminal || session.may_read_input().is_err() {
        return Err(InitError::LabelUnclear { candidates });
    }
    ask(&candidates).await
}

fn show_candidates(error: &InitError) {
    if let Some(candidates) = error.candidates() {
        complain(&candidates);
    }
}

async fn ask(candidates: &[Candidate]) -> Result<String, InitError> {
    complain("which attribute is to be predicted?\n");
    for (at, candidate) in candidates.iter().enumerate() {
        let path = short_name(&candidate.path);
        complain(&format!("  {}  {path}  {}\n", at + 1, candidate.why));
    }
    complain("number or path: ");
    let answer = beside(|| {
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map(|_| answer)
    });
    let answer = answer.await.map_err(InitError::Answer)?;
    init::answered(&answer, candidates).ok_or_else(|| InitError::LabelUnclear {
        candidates: candidates.to_vec(),
    })
}
