//! The commands that move definitions between files and the lake.

use crate::failure::Failure;
use crate::session::{Session, complain, print, print_json};
use lake::{ObjectStore, keys};
use millrace::arguments::{Diff, Pull, Push, Validate};
use millrace::definitions::{
    self, AllPulled, AllPushed, DefinitionsError, Local, OnePulled, OnePushed, Pulled, Pushed,
};
use millrace::place::{Options, PlaceError};
use millrace::validate::{self, Checked, Document, ValidateError, Validation};
use std::path::Path;

pub async fn validate(arguments: Validate, session: &Session) -> Result<(), Failure> {
    let mut checked = Vec::new();
    for path in &arguments.files {
        let document = Document::read(path).map_err(ValidateError::from)?;
        checked.push(validate::check(document));
    }
    let online = if arguments.offline {
        Ok(())
    } else {
        check_online(&mut checked, arguments.place, session).await
    };
    if arguments.json {
        print_json(&Validation::of(&checked))?;
    } else {
        for file in &checked {
            print(&validate::as_text(file, session.is_coloured()))?;
        }
    }
    for file in &checked {
        complain(&validate::unchecked(file));
    }
    online?;
    Ok(validate::all_valid(&checked)?)
}

/// Checks the valid ones against the account, if there are credentials.
async fn check_online(
    checked: &mut [Checked],
    options: Options,
    session: &Session,
) -> Result<(), Failure> {
    let place = match session.find(options).await {
        Ok(place) => place,
        Err(Failure::Place(error @ PlaceError::NoRegion)) => {
            complain(&format!("checked offline only: {error}\n"));
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    let Some(account) = validate::account(&place)
        .await
        .map_err(ValidateError::from)?
    else {
        complain("checked offline only: there are no AWS credentials\n");
        return Ok(());
    };
    for file in checked {
        file.go_online(&account).await;
    }
    Ok(())
}

pub async fn push(arguments: Push, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let bucket = store.bucket().to_owned();
    let mut all = AllPushed::default();
    let done = |file: &Local, outcome: Pushed| {
        let key = keys::definition(&file.pipeline);
        all.definitions.push(OnePushed {
            pipeline: file.pipeline.clone(),
            file: file.path.display().to_string(),
            address: format!("s3://{bucket}/{key}"),
            outcome,
        });
    };
    let outcome = definitions::push(&store, &arguments.files, arguments.replace, done).await;
    if arguments.json {
        print_json(&all)?;
    } else {
        print(&all.text())?;
    }
    ended(all.definitions.len(), outcome)
}

pub async fn pull(arguments: Pull, session: &Session) -> Result<(), Failure> {
    let Pull {
        pipelines,
        to,
        replace,
        json,
        place,
    } = arguments;
    let place = session.find(place).await?;
    let store = place.lake().await?;
    let mut all = AllPulled::default();
    let done = |path: &Path, outcome: Pulled| {
        let file = path.display().to_string();
        all.definitions.push(OnePulled { file, outcome });
    };
    let outcome = definitions::pull(&store, &pipelines, &to, replace, done).await;
    if json {
        print_json(&all)?;
    } else {
        print(&all.text())?;
    }
    ended(all.definitions.len(), outcome)
}

/// Shows the faults of definitions. The first one that cannot be moved ends the command.
fn ended(done: usize, outcome: Result<(), DefinitionsError>) -> Result<(), Failure> {
    if let Some(faults) = outcome.as_ref().err().and_then(DefinitionsError::faults) {
        complain(faults);
    }
    match outcome {
        Err(source) if done > 0 => Err(Failure::Partly { done, source }),
        outcome => Ok(outcome?),
    }
}

pub async fn diff(arguments: Diff, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let differences = definitions::compare(&place.lake().await?, &arguments.files).await?;
    if arguments.json {
        print_json(&differences)?;
    } else {
        print(&differences.text())?;
    }
    match differences.count() {
        0 => Ok(()),
        count => Err(DefinitionsError::Differ {
            count,
            all: differences.definitions.len(),
        }
        .into()),
    }
}
