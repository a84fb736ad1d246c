//! How a training job differs from the one wanted, field by field and in words.

use model::TrainingSpec;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// One phrase for each field that differs; none if the job is the one wanted. Tags are not told by
/// SageMaker, so they are not compared.
pub fn between(wanted: &TrainingSpec, there: &TrainingSpec) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |field: &str, wanted: &dyn Debug, there: &dyn Debug| {
        let (wanted, there) = (format!("{wanted:?}"), format!("{there:?}"));
        if wanted != there {
            differences.push(format!("{field} is {there}, wanted {wanted}"));
        }
    };
    compare("image", &wanted.image, &there.image);
    compare("role", &wanted.role_arn, &there.role_arn);
    compare("instance type", &wanted.instance_type, &there.instance_type);
    compare(
        "instance count",
        &wanted.instance_count,
        &there.instance_count,
    );
    compare("volume GB", &wanted.volume_gb, &there.volume_gb);
    compare(
        "maximum runtime",
        &wanted.max_runtime_seconds,
        &there.max_runtime_seconds,
    );
    compare("output", &wanted.output, &there.output);
    let (wanted_parameters, parameters) = (&wanted.hyperparameters, &there.hyperparameters);
    for name in names(wanted_parameters, parameters) {
        let (wanted, there) = (wanted_parameters.get(name), parameters.get(name));
        compare(
            &format!("hyperparameter {name}"),
            &or_absent(wanted),
            &or_absent(there),
        );
    }
    // Of the images that SageMaker knows it adds the metrics' own definitions: more is no difference.
    for metric in &wanted.metrics {
        let regex = there.metrics.iter().find(|it| it.name == metric.name);
        compare(
            &format!("metric {}", metric.name),
            &metric.regex,
            &or_absent(regex.map(|it| &it.regex)),
        );
    }
    let channels = |spec: &TrainingSpec| -> BTreeMap<String, String> {
        let channels = spec.channels.iter();
        channels
            .map(|it| {
                (
                    it.name.clone(),
                    format!(
                        "{} of {}, {:?}",
                        it.prefix, it.content_type, it.distribution
                    ),
                )
            })
            .collect()
    };
    let (wanted_channels, channels) = (channels(wanted), channels(there));
    for name in names(&wanted_channels, &channels) {
        compare(
            &format!("channel {name}"),
            &or_absent(wanted_channels.get(name)),
            &or_absent(channels.get(name)),
        );
    }
    differences
}

fn names<'a, T>(
    one: &'a BTreeMap<String, T>,
    other: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = &'a String> {
    let only_there = other.keys().filter(|name| !one.contains_key(*name));
    one.keys().chain(only_there)
}

fn or_absent(value: Option<&String>) -> &str {
    value.map_or("absent", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::between;
    use contract::definition::MetricDefinition;
    use model::TrainingSpec;

    fn spec() -> TrainingSpec {
        model::conformance::job_spec("job", "s3://lake")
    }

    fn after(change: impl FnOnce(&mut TrainingSpec)) -> Vec<String> {
        let mut there = spec();
        change(&mut there);
        between(&spec(), &there)
    }

    #[test]
    fn the_same_job_does_not_differ() {
        assert!(after(|_| ()).is_empty());
        assert!(after(|there| there.tags.clear()).is_empty());
        let more = MetricDefinition {
            name: "train:rmse".to_owned(),
            regex: "x".to_owned(),
        };
        assert!(after(|there| there.metrics.push(more)).is_empty());
    }

    #[test]
    fn every_field_that_differs_is_named() {
        type Change = fn(&mut TrainingSpec);
        let changes: [(&str, Change); 11] = [
            ("image", |it| it.image.push('2')),
            ("role", |it| it.role_arn.push('2')),
            ("instance type", |it| {
                it.instance_type = "ml.m5.xlarge".to_owned();
            }),
            ("instance count", |it| it.instance_count = 2),
            ("volume GB", |it| it.volume_gb = 31),
            ("maximum runtime", |it| it.max_runtime_seconds = 1),
            ("output", |it| it.output.push('2')),
            ("hyperparameter factors", |it| it.hyperparameters.clear()),
            ("hyperparameter more", |it| {
                it.hyperparameters.insert("more".to_owned(), "1".to_owned());
            }),
            ("metric validation:rmse", |it| it.metrics.clear()),
            ("channel validation", |it| it.channels.truncate(1)),
        ];
        for (field, change) in changes {
            let differences = after(change);
            assert_eq!(differences.len(), 1, "{field}: {differences:?}");
            assert!(differences[0].starts_with(field), "{differences:?}");
        }
    }
}
