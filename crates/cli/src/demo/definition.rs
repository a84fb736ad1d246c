//! The pipeline definition of the demo, as it lies in the lake. It must not know who reads it.

use contract::Definition;

/// The text of `config/default.json`; the file itself is for people to read.
pub const TEXT: &str = include_str!("../../demo/default.json");

/// The definition.
pub fn definition() -> Definition {
    contract::read::from_slice(TEXT.as_bytes()).expect("the demo's definition is tested")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::data::Interactions;
    use crate::local::IMAGE;

    #[test]
    fn the_file_is_a_definition_of_what_the_demo_has() {
        let definition = definition();
        assert_eq!(definition.training.image.as_deref(), Some(IMAGE));
        assert_eq!(definition.source.dynamodb.table, crate::demo::TABLE);
        dataset::check_definition(&definition.dataset).unwrap();
        let deciding = &definition.promotion.metric;
        assert!(
            definition
                .training
                .metrics
                .iter()
                .any(|metric| metric.name == *deciding)
        );
    }

    #[test]
    fn every_column_occurs_in_the_items() {
        let definition = definition();
        let interactions = Interactions::generate(1, 200);
        let mut paths: Vec<_> = definition
            .dataset
            .columns
            .iter()
            .flatten()
            .map(|c| &c.path)
            .collect();
        paths.push(&definition.dataset.label);
        paths.extend(&definition.dataset.split.by);
        for path in paths {
            let occurs = interactions.items().any(|item| {
                let mut names = path.split('.');
                let first = names.next().and_then(|name| item.get(name));
                names
                    .try_fold(first, |at, name| Some(at?.get("M")?.get(name)))
                    .flatten()
                    .is_some()
            });
            assert!(occurs, "{path}");
        }
    }
}
