//! The commands that read what a run left, or answer its request for approval.

use crate::failure::Failure;
use crate::session::{Session, beside, print, print_json};
use aws::dynamodb::Tables;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use aws::secrets::SecretsManager;
use dataset::ItemForm;
use lake::ObjectStore;
use lake::records::ApprovalDecision;
use millrace::arguments::{Approval, Encode, Form, OfRun, Predict, Restore};
use millrace::encode::{self, EncodeError};
use millrace::place::Place;
use millrace::predict::{self, Serving};
use millrace::verify::{self, VerifyError};
use millrace::{approval, report, restore, runs};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};

pub async fn verify(arguments: OfRun, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::found_in_lake(&place, &arguments.run).await?;
    let store = place.lake().await?;
    let (pipeline, run) = (found.pipeline, found.run);
    let progress = session.progress();
    let verification = verify::read_again(&store, &pipeline, &run, &progress).await?;
    if arguments.json {
        print_json(&verify::Document::of(
            &verification,
            store.bucket(),
            &pipeline,
            &run,
        ))?;
    } else {
        print(&verify::summary(
            &verification,
            store.bucket(),
            &pipeline,
            &run,
        ))?;
    }
    if verification.is_sound() {
        return Ok(());
    }
    let count = verification.findings.len();
    Err(VerifyError::NotSound {
        pipeline,
        run,
        count,
    }
    .into())
}

pub async fn restore(arguments: Restore, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::found_in_lake(&place, &arguments.run).await?;
    let store = place.lake().await?;
    let tables = Tables::new(place.config());
    let state = arguments.state;
    let request = restore::Request {
        state: state.unwrap_or_else(|| restore::default_file(&found.run, &arguments.table)),
        pipeline: found.pipeline,
        run: found.run,
        table: arguments.table,
        wcu: arguments.wcu.unwrap_or(1),
        overwrite: arguments.overwrite,
    };
    let exported = restore::exported(&store, &request.pipeline, &request.run).await?;
    let target = restore::target(&tables, &request.table, &exported.plan).await;
    let target = match target {
        // Without it, DynamoDB can still import.
        Err(restore::RestoreError::TableMissing { .. }) if arguments.dry_run => None,
        target => Some(target?),
    };
    if let Some(what) = restore::left_out(&exported.plan) {
        session.say(what);
    }
    let key = match &target {
        Some(target) => target.key.clone(),
        None => exported.key(&store).await?,
    };
    let on_demand = target.as_ref().is_none_or(|target| target.on_demand);
    let costs = restore::Costs::of(store.bucket(), &request, &exported, &key, on_demand);
    let restored = match &target {
        Some(target) if !arguments.dry_run => {
            let progress = session.progress();
            session.on_signal("the same command continues the restore".to_owned());
            Some(restore::restore(&store, &tables, &request, &exported, target, &progress).await?)
        }
        _ => None,
    };
    let document = restore::Document {
        run: request.run,
        pipeline: request.pipeline,
        table: request.table,
        costs,
        restored,
    };
    if arguments.json {
        print_json(&document)
    } else {
        print(&restore::summary(&document))
    }
}

pub async fn report(arguments: OfRun, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::found_in_lake(&place, &arguments.run).await?;
    let store = place.lake().await?;
    if arguments.json {
        let document = report::document(&store, &found.pipeline, &found.run).await?;
        return print_json(&document);
    }
    print(&report::of_run(&store, &found.pipeline, &found.run).await?)
}

pub async fn decide(
    arguments: Approval,
    decision: ApprovalDecision,
    session: &Session,
) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let found = runs::found_in_lake(&place, &arguments.run).await?;
    let answer = approval::Answer {
        pipeline: &found.pipeline,
        run: &found.run,
        decision,
        by: arguments.by,
        reason: arguments.reason,
    };
    let store = place.lake().await?;
    let given = approval::decide(&store, &place.machines(), answer).await?;
    if arguments.json {
        print_json(&given)
    } else {
        print(&given.text())
    }
}

pub async fn predict(arguments: Predict, session: &Session) -> Result<(), Failure> {
    if arguments.key.is_empty() && arguments.items.is_empty() {
        session.may_read_input()?;
    }
    let place = session.find(arguments.place).await?;
    let store = place.lake().await?;
    let sagemaker = SageMaker::new(place.config());
    let serving = predict::serving(&store, &sagemaker, place.pipeline()).await?;
    let mut form = item_form(arguments.form);
    let items = if !arguments.key.is_empty() {
        form = ItemForm::DynamoDb;
        item_of_table(&place, &store, &serving, arguments.key).await?
    } else if arguments.items.is_empty() {
        let read = beside(|| std::io::read_to_string(std::io::stdin().lock()));
        read.await.map_err(Failure::Input)?
    } else {
        // An argument may be JSON over several lines.
        let items = arguments.items.iter();
        let lines: Vec<_> = items.map(|item| item.replace(['\n', '\r'], " ")).collect();
        lines.join("\n")
    };
    let predictions = predict::predict(&store, &sagemaker, &serving, form, &items).await?;
    if arguments.json {
        print_json(&predictions)
    } else {
        print(&predictions.text())
    }
}

async fn item_of_table(
    place: &Place,
    store: &S3Store,
    serving: &Serving,
    key: Vec<(String, String)>,
) -> Result<String, Failure> {
    let table = predict::table_of(store, serving).await?;
    let key: BTreeMap<_, _> = key.into_iter().collect();
    let tables = Tables::new(place.config());
    let secrets = SecretsManager::new(place.config());
    let drivers = database::Drivers::AT_ONCE;
    Ok(Box::pin(table.item(&tables, &drivers, &secrets, &key)).await?)
}

const fn item_form(form: Form) -> ItemForm {
    match form {
        Form::Either => ItemForm::Either,
        Form::Dynamodb => ItemForm::DynamoDb,
        Form::Plain => ItemForm::Plain,
    }
}

pub async fn encode(arguments: Encode, session: &Session) -> Result<(), Failure> {
    if arguments.items.is_none() {
        session.may_read_input()?;
    }
    let columns = if let Some(file) = arguments.dataset {
        encode::columns_of_file(&file)?
    } else {
        let place = session.find(arguments.place).await?;
        let found = runs::found_in_lake(&place, &arguments.run).await?;
        encode::columns_of_run(&place.lake().await?, &found.pipeline, &found.run).await?
    };
    let form = item_form(arguments.form);
    let encoded = beside(move || {
        let output = BufWriter::new(std::io::stdout().lock());
        match arguments.items {
            None => encode::encode(&columns, form, std::io::stdin().lock(), output),
            Some(path) => match File::open(&path) {
                Ok(file) => encode::encode(&columns, form, BufReader::new(file), output),
                Err(source) => Err(EncodeError::File { path, source }),
            },
        }
    });
    Ok(encoded.await?)
}
