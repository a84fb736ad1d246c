//! Evaluates the stack's templates, without an account. Each check is a rule about a kind of
//! resource, evaluated for several sets of parameters, so that a resource that is added later is
//! checked too.

pub mod access;
mod alarms;
pub mod calls;
pub mod concrete;
mod environment;
mod events;
mod functions;
pub mod intrinsics;
mod known;
mod lake;
mod lifecycle;
pub mod needs;
pub mod policy;
mod roles;
mod sagemaker;
pub mod settings;
mod sharing;
pub mod stack;
mod trust;

use crate::Finding;
use crate::layers::Crates;
use serde_json::Value;
use stack::Stack;

/// A check of what it was given.
pub type Check<'c> = Box<dyn Fn() -> Vec<Finding> + 'c>;

/// The checks of the evaluated stack, one after the other: with the least that must be given, and
/// with parameters that take the other branches.
pub fn checks<'c>(
    template: &'c Value,
    schedule: &'c Value,
    machine: &'c Value,
    crates: &'c Crates,
) -> Vec<(&'static str, Check<'c>)> {
    let stacks = move || {
        [&stack::LEAST[..], &concrete::PARAMETERS[..]].map(|it| Stack::new(template, schedule, it))
    };
    let each = move |check: &dyn Fn(&Stack) -> Vec<Finding>| -> Vec<Finding> {
        stacks().iter().flat_map(check).collect()
    };
    vec![
        ("known", Box::new(move || each(&known::findings))),
        ("trust", Box::new(move || each(&trust::findings))),
        ("sharing", Box::new(move || each(&sharing::findings))),
        ("sagemaker", Box::new(move || each(&sagemaker::findings))),
        (
            "roles",
            Box::new(move || roles::findings(template, schedule)),
        ),
        ("lake", Box::new(move || lake::findings(template, schedule))),
        (
            "lifecycle",
            Box::new(move || lifecycle::findings(template, schedule)),
        ),
        (
            "alarms",
            Box::new(move || each(&|stack| alarms::findings(stack, crates))),
        ),
        ("events", Box::new(move || each(&events::findings))),
        (
            "environment",
            Box::new(move || each(&|stack| environment::findings(stack, crates))),
        ),
        (
            "functions",
            Box::new(move || {
                let of = |parameter, architecture| {
                    let given = [stack::LEAST[0], ("Architecture", parameter)];
                    functions::findings(
                        &Stack::new(template, schedule, &given),
                        machine,
                        architecture,
                    )
                };
                [of("arm64", "arm64"), of("x86_64", "x86_64")].concat()
            }),
        ),
    ]
}
