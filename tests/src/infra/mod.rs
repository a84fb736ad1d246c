//! Evaluates the stack's templates, without an account. Each check is a rule about a kind of
//! resource, evaluated for several sets of parameters, so that a resource that is added later is
//! checked too.

pub mod access;
mod alarms;
pub mod calls;
pub mod catalog;
pub mod concrete;
mod environment;
mod events;
mod firehose;
mod functions;
mod images;
pub mod intrinsics;
mod known;
mod lake;
mod lifecycle;
mod mappings;
pub mod names;
pub mod needs;
pub mod owners;
pub mod policy;
mod roles;
mod sagemaker;
mod scores;
pub mod settings;
mod sharing;
pub mod stack;
mod trust;

use crate::Finding;
use crate::layers::Crates;
use serde_json::Value;
use stack::Stack;
use std::cell::OnceCell;
use std::rc::Rc;

/// A check of what it was given.
pub type Check<'c> = Box<dyn Fn() -> Vec<Finding> + 'c>;

/// The checks of the evaluated stack, one after the other: with parameters that take both branches
/// of every condition.
pub fn checks<'c>(
    template: &'c Value,
    schedule: &'c Value,
    machine: &'c Value,
    crates: &'c Crates,
) -> Vec<(&'static str, Check<'c>)> {
    // Evaluated once, by the first check that runs.
    let stacks = Rc::new(OnceCell::new());
    let each = move |check: &dyn Fn(&Stack) -> Vec<Finding>| -> Vec<Finding> {
        let evaluate = || stack::EVALUATED.map(|it| Stack::new(template, schedule, it));
        stacks
            .get_or_init(evaluate)
            .iter()
            .flat_map(check)
            .collect()
    };
    let each = Rc::new(each);
    let evaluated = |check: fn(&Stack) -> Vec<Finding>| -> Check<'c> {
        let each = Rc::clone(&each);
        Box::new(move || each(&check))
    };
    let (alarms, environment) = (Rc::clone(&each), Rc::clone(&each));
    vec![
        ("known", evaluated(known::findings)),
        ("catalog", evaluated(catalog::findings)),
        ("trust", evaluated(trust::findings)),
        ("sharing", evaluated(sharing::findings)),
        ("sagemaker", evaluated(sagemaker::findings)),
        ("scores", evaluated(scores::findings)),
        (
            "roles",
            Box::new(move || roles::findings(template, schedule)),
        ),
        ("lake", Box::new(move || lake::findings(template, schedule))),
        (
            "images",
            Box::new(move || images::findings(template, schedule)),
        ),
        (
            "lifecycle",
            Box::new(move || lifecycle::findings(template, schedule)),
        ),
        (
            "alarms",
            Box::new(move || alarms(&|stack| alarms::findings(stack, crates))),
        ),
        ("events", evaluated(events::findings)),
        ("mappings", evaluated(mappings::findings)),
        ("firehose", evaluated(firehose::findings)),
        (
            "environment",
            Box::new(move || environment(&|stack| environment::findings(stack, crates))),
        ),
        (
            "functions",
            Box::new(move || {
                let of = |parameter, reserve, architecture| {
                    let given = [
                        stack::LEAST[0],
                        stack::SECRET,
                        stack::STREAM,
                        stack::EVENTS,
                        stack::SCORES[0],
                        stack::SCORES[1],
                        ("Architecture", parameter),
                        ("ReserveConcurrency", reserve),
                    ];
                    functions::findings(
                        &Stack::new(template, schedule, &given),
                        machine,
                        architecture,
                    )
                };
                [of("arm64", "no", "arm64"), of("x86_64", "yes", "x86_64")].concat()
            }),
        ),
    ]
}
