//! The schemas in `statemachine/schema/` and the reference pages in `docs/` are up to date.

use end_to_end::workspace;

#[test]
fn the_generated_files_are_up_to_date() {
    if let Err(error) = millrace::schemas::check(&workspace::root()) {
        panic!("{error}");
    }
}
