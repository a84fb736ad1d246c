//! The command that says what a run would take and cost.

use crate::failure::Failure;
use crate::session::{Session, complain, print, print_json};
use millrace::arguments::Plan;
use millrace::definitions::{self, DefinitionsError};
use millrace::plan::{self, PlanError};

pub async fn plan(arguments: Plan, session: &Session) -> Result<(), Failure> {
    let of_file = arguments.file.as_deref().map(definitions::read_valid);
    let of_file = of_file.transpose().inspect_err(show_faults);
    let of_file = of_file.map_err(PlanError::from)?;
    let place = session.find(arguments.place).await?;
    let document = Box::pin(plan::plan(&place, of_file)).await?;
    if arguments.json {
        print_json(&document)?;
    } else {
        print(&document.text())?;
    }
    Ok(document.check_limits()?)
}

fn show_faults(error: &DefinitionsError) {
    if let Some(faults) = error.faults() {
        complain(faults);
    }
}
