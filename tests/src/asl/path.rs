//! Paths into a state's input and into the context object. Only `$`, `$.a.b` and `$$.A.B` are
//! parsed: the definition needs no more, and the engines differ in the rest.

use super::shape::Shape;

/// Where a template is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In a state of the machine itself.
    Machine,
    /// In a task of the machine itself that hands out a token.
    Callback,
    /// In a Map's `ItemSelector`.
    ItemSelector,
    /// In a state of a Map's children, where `$$.Execution` is the child's on AWS and the parent's
    /// in ministack.
    Child,
}

/// What a path leads to.
///
/// # Errors
/// Says in a few words why it leads nowhere.
pub fn follow<'a>(path: &str, input: &Shape<'a>, place: Where) -> Result<Shape<'a>, String> {
    if let Some(context) = path.strip_prefix("$$.") {
        return of_context(context, place);
    }
    if path == "$" {
        return Ok(input.clone());
    }
    let Some(names) = path.strip_prefix("$.") else {
        return Err("is no path of the form $.a.b".to_owned());
    };
    let mut shape = input.clone();
    for name in names.split('.') {
        shape = shape.field(name)?;
    }
    Ok(shape)
}

fn of_context<'a>(path: &str, place: Where) -> Result<Shape<'a>, String> {
    match (path, place) {
        (
            "Execution.Id" | "Execution.Name" | "Execution.StartTime",
            Where::Machine | Where::Callback,
        )
        | ("Task.Token", Where::Callback) => Ok(Shape::Text),
        // All that is there, of which an engine may know more than another.
        ("Execution" | "Execution.Input", Where::Machine | Where::Callback)
        | ("Map.Item.Value" | "Map.Item.Index", Where::ItemSelector) => Ok(Shape::Anything),
        _ => Err("is nothing that the engines agree about here".to_owned()),
    }
}
