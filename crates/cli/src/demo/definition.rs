//! The pipeline definitions of the demo.

use definition::Definition;

/// Training algorithm of the demo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Algorithm {
    /// Millrace's recommender: learns tastes of users and films.
    #[default]
    Recommender,
    /// SageMaker's built-in XGBoost, run by xgboost-cpu from `PyPI`: trees that predict ratings.
    Xgboost,
}

/// The text of `config/default.json`.
pub const fn text(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Recommender => include_str!("../../demo/default.json"),
        Algorithm::Xgboost => include_str!("../../demo/xgboost.json"),
    }
}

/// The definition with the recommender.
pub fn definition() -> Definition {
    definition_of(Algorithm::Recommender)
}

/// The definition with an algorithm.
pub fn definition_of(algorithm: Algorithm) -> Definition {
    contract::read::from_slice(text(algorithm).as_bytes())
        .expect("the demo's definitions are tested")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::data::Interactions;
    use crate::local::IMAGE;

    const ALL: [Algorithm; 2] = [Algorithm::Recommender, Algorithm::Xgboost];

    #[test]
    fn the_files_are_definitions_of_what_the_demo_has() {
        assert_eq!(
            definition().training().unwrap().image.as_deref(),
            Some(IMAGE)
        );
        for algorithm in ALL {
            let definition = definition_of(algorithm);
            assert_eq!(definition.source.name(), crate::demo::TABLE);
            dataset::check_definition(definition.dataset().unwrap()).unwrap();
            // XGBoost's metrics are SageMaker's own, and need no definition.
            let deciding = &definition.promotion().unwrap().metric;
            let mut metrics = definition.training().unwrap().metrics.iter();
            let is_defined = metrics.any(|metric| metric.name == *deciding);
            assert_eq!(is_defined, algorithm == Algorithm::Recommender);
        }
    }

    #[test]
    fn every_column_occurs_in_the_items() {
        let interactions = Interactions::generate(1, 200);
        for definition in ALL.map(definition_of) {
            let dataset = definition.dataset().unwrap();
            let columns = dataset.columns.iter().flatten();
            let mut paths: Vec<_> = columns.map(|column| &column.path).collect();
            paths.push(&dataset.label);
            paths.extend(&dataset.split.by);
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
}
