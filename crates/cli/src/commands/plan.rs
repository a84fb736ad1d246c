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
    let definition = if let Some(definition) = of_file {
        definition
    } else {
        let store = place.lake().await?;
        let input = serde_json::json!({});
        plan_export::load(&store, place.pipeline(), input)
            .await
            .map_err(PlanError::from)?
    };
    let document = plan::plan(&place, definition).await?;
    if arguments.json {
        print_json(&document)
    } else {
        print(&document.text())
    }
}

fn show_faults(error: &DefinitionsError) {
    if let Some(faults) = error.faults() {
        complain(faults);
    }
}
