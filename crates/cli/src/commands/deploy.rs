//! The command that deploys the stack.

use crate::failure::Failure;
use crate::session::{Session, beside, complain, print, print_json};
use aws::cloudformation::Stacks;
use aws::identity;
use millrace::arguments::Deploy;
use millrace::deploy::{
    self, DeployError, Deployment, Document, Outcome, Prepared, Question, Release, Settings,
};
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};

pub async fn deploy(arguments: Deploy, session: &Session) -> Result<(), Failure> {
    let place = session.find(arguments.place).await?;
    let stack = place.stack().ok_or(DeployError::NoStack)?;
    let (config, region) = (place.config(), place.region());
    let caller = identity::caller(config).await.map_err(DeployError::from)?;
    let release = Release::open(arguments.release.as_deref())?;
    deploy::check_version(&release)?;
    let progress = session.progress();
    let stacks = Stacks::new(config);
    let earlier = deploy::current(&stacks, stack, &progress).await?;
    let given: BTreeMap<_, _> = arguments.parameters.into_iter().collect();
    let settings = Settings {
        template: release.template(),
        earlier: earlier.as_ref().map(|info| &info.parameters),
        given: &given,
        caller: &caller.arn,
    };
    settings.check()?;
    let answers = answers(settings.questions(), arguments.yes, session).await?;

    let deployment = Deployment {
        config,
        stacks: &stacks,
        stack,
        release: &release,
    };
    let bucket = arguments.files_bucket;
    let bucket = bucket.unwrap_or_else(|| deploy::files_bucket(&caller.account, region));
    let account = &caller.account;
    let template = deployment.upload(&bucket, account, &progress).await?;
    let values = settings.values(&answers);
    let is_new = earlier.is_none();
    let prepared = deployment.prepare(&template, &values, is_new, &progress);
    let prepared = prepared.await?;

    let mut document = Document {
        stack: stack.to_owned(),
        region: region.to_owned(),
        outcome: Outcome::Unchanged,
        differences: Vec::new(),
        outputs: earlier.map(|info| info.outputs).unwrap_or_default(),
    };
    if let Some(prepared) = prepared {
        document.differences = prepared.differences();
        let verb = if is_new { "created" } else { "updated" };
        session.say(&format!(
            "stack {stack} in {region}, account {account}, is {verb}:\n{}",
            prepared.text().trim_end()
        ));
        if arguments.dry_run {
            document.outcome = Outcome::Planned;
            deployment
                .discard(&prepared)
                .await
                .map_err(DeployError::from)?;
        } else {
            if !arguments.yes {
                confirm(&deployment, &prepared, session).await?;
            }
            session.on_signal("The deployment continues; the same command follows it.".to_owned());
            document.outputs = deployment.execute(&prepared, &progress).await?;
            document.outcome = if is_new {
                Outcome::Created
            } else {
                Outcome::Updated
            };
        }
    }
    if arguments.json {
        print_json(&document)?;
    } else {
        print(&document.text())?;
    }
    session.say(&document.next());
    Ok(())
}

fn can_ask(session: &Session) -> bool {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    is_terminal && session.may_read_input().is_ok()
}

async fn answers(
    questions: Vec<Question>,
    takes_proposals: bool,
    session: &Session,
) -> Result<BTreeMap<String, String>, DeployError> {
    let mut answers = BTreeMap::new();
    for Question {
        parameter,
        text,
        proposal,
    } in questions
    {
        let answer = match proposal {
            Some(proposal) if takes_proposals || !can_ask(session) => {
                session.say(&format!("{parameter}: {proposal}"));
                proposal
            }
            None if !can_ask(session) => return Err(DeployError::NoAnswer { parameter, text }),
            Some(proposal) => {
                complain(&format!("{parameter}: {text} [{proposal}]: "));
                let answer = line().await?;
                if answer.is_empty() { proposal } else { answer }
            }
            None => {
                complain(&format!("{parameter}: {text}: "));
                let answer = line().await?;
                if answer.is_empty() {
                    return Err(DeployError::NoAnswer { parameter, text });
                }
                answer
            }
        };
        answers.insert(parameter, answer);
    }
    Ok(answers)
}

/// Asks whether to deploy; removes the change set if not.
async fn confirm(
    deployment: &Deployment<'_>,
    prepared: &Prepared,
    session: &Session,
) -> Result<(), DeployError> {
    let refusal = if can_ask(session) {
        complain("deploy? [y/N] ");
        let answer = line().await?;
        if matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        DeployError::Declined
    } else {
        DeployError::NotConfirmed
    };
    deployment.discard(prepared).await?;
    Err(refusal)
}

async fn line() -> Result<String, DeployError> {
    let answer = beside(|| {
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map(|_| answer)
    });
    let answer = answer.await.map_err(DeployError::Answer)?;
    Ok(answer.trim().to_owned())
}
