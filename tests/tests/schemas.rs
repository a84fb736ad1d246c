//! The schemas in `statemachine/schema/` are what the contract says.

use end_to_end::workspace;

#[test]
fn the_schemas_are_not_stale() {
    let folder = workspace::root().join("statemachine/schema");
    if let Err(error) = millrace::schemas::check(&folder) {
        panic!("{error}");
    }
}
