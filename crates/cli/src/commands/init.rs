//! The command that proposes a definition for a table.

use crate::failure::Failure;
use crate::session::{Session, complain, print};
use aws::dynamodb::Tables;
use contract::short_name;
use definition::Prices;
use millrace::arguments::Init;
use millrace::init::{self, Candidate, InitError, Wishes};
use millrace::progress::count;
use plan_export::{PriceList, TableSample, sample_table};
use source::ReadCapacity;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

pub async fn init(arguments: Init, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let default = || PathBuf::from(format!("{}.json", place.pipeline()));
    let path = arguments.output.unwrap_or_else(default);
    init::check_new(&path, arguments.force)?;
    let tables = Tables::new(place.config());
    let table = &arguments.table;
    let sample = sample_table(&tables, table, arguments.sample)
        .await
        .map_err(InitError::from)?;
    if sample.sample.items == 0 {
        let table = table.clone();
        return Err(InitError::NothingSampled { table }.into());
    }
    session.say(&costs(table, &sample));
    let label = match arguments.label {
        Some(label) => label,
        None => label(&sample, session).inspect_err(show_candidates)?,
    };
    let proposal = init::propose(
        &sample,
        &Wishes {
            table,
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

/// What was read, and what it cost.
fn costs(table: &str, sample: &TableSample) -> String {
    let TableSample {
        info,
        sample,
        is_whole,
        ..
    } = sample;
    let of = match (is_whole, info.items) {
        (true, _) => ", all of them".to_owned(),
        (false, 0) => String::new(),
        (false, items) => format!(" of about {}", count(items)),
    };
    let dollars = match info.capacity {
        ReadCapacity::Provisioned { .. } => ", of provisioned capacity".to_owned(),
        ReadCapacity::OnDemand { .. } | ReadCapacity::Unknown => {
            let price = PriceList::of(&Prices::default()).read_request_unit;
            format!(", ${:.6}", sample.read_units * price)
        }
    };
    let (items, units) = (count(sample.items), sample.read_units);
    format!("table {table}: read {items} items{of}: {units} read units{dollars}")
}

/// The label by its name, or by a person's answer.
fn label(sample: &TableSample, session: &Session) -> Result<String, InitError> {
    let survey = dataset::survey(&sample.profile, &sample.info.key_attributes);
    let items = sample.sample.items;
    let candidates = init::candidates(&survey, &sample.info.key_attributes, items);
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
    ask(&candidates)
}

fn show_candidates(error: &InitError) {
    if let Some(candidates) = error.candidates() {
        complain(&candidates);
    }
}

fn ask(candidates: &[Candidate]) -> Result<String, InitError> {
    complain("which attribute is to be predicted?\n");
    for (at, candidate) in candidates.iter().enumerate() {
        let path = short_name(&candidate.path);
        complain(&format!("  {}  {path}  {}\n", at + 1, candidate.why));
    }
    complain("number or path: ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(InitError::Answer)?;
    init::answered(&answer, candidates).ok_or_else(|| InitError::LabelUnclear {
        candidates: candidates.to_vec(),
    })
}
