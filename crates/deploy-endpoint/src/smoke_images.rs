//! The smoke test of a model of images: real images, one in a request, each answered with the
//! probability of each class; and of the validation images as many right as the training job had, for
//! a container that reads pixels otherwise when it serves answers just as well-formed.

use crate::{DeployEndpointError, image_sample};
use definition::Format;
use format::images::{PackedImage, sample_channel};
use futures::{StreamExt, TryStreamExt, stream};
use lake::records::{ChannelFile, DatasetRecord, TrainingRecord};
use lake::{PagedStore, RunKeys, documents};
use sagemaker_ports::{Finding, Invoke};

const AT_ONCE: usize = 8;
/// The metric of the training job.
const ACCURACY: &str = "validation:accuracy";
/// How much less accurate an endpoint may be than its training job was, unless chance allows more.
const MOST_DROP: f64 = 0.1;
const TRAIN: &str = "train";
const VALIDATION: &str = "validation";

/// Asks the endpoint about images of the run's dataset, of `classes` classes.
pub async fn test(
    store: &impl PagedStore,
    endpoints: &impl Invoke,
    (run, dataset, format): (&RunKeys, &DatasetRecord, &Format),
    endpoint: &str,
    classes: u32,
) -> Result<Finding, DeployEndpointError> {
    let (files, is_validation) = with_images(dataset, format);
    let first = files
        .first()
        .ok_or_else(|| DeployEndpointError::NoRows { key: run.dataset() })?;
    let images = image_sample::of(store, &files, format).await?;
    if images.is_empty() {
        let key = first.key.clone();
        return Err(DeployEndpointError::ImagesTooLarge { key });
    }
    let asked = images.len();
    let answers = stream::iter(images).map(async |image| {
        let PackedImage { class, file } = image;
        let answer = sagemaker_ports::classify(endpoints, endpoint, file, classes as usize);
        Ok::<_, DeployEndpointError>(answer.await?.map(|all| best(&all) == class as usize))
    });
    let answers: Vec<Result<bool, String>> = answers.buffered(AT_ONCE).try_collect().await?;
    let mut right = 0_u32;
    for answer in answers {
        match answer {
            Ok(is_right) => right += u32::from(is_right),
            Err(what) => return Ok(Finding::Wrong(what)),
        }
    }
    let asked = u32::try_from(asked).expect("at most a hundred");
    if is_validation {
        let job: TrainingRecord =
            documents::read(store, &run.training(), "the record of a training job").await?;
        let measured = job.metrics.get(ACCURACY).copied();
        if let Some(what) = measured.and_then(|measured| drop_of(right, asked, measured)) {
            return Ok(Finding::Wrong(what));
        }
    }
    Ok(Finding::Sound(asked))
}

/// The files that have images, and whether they are those that training validated on: the channel's
/// own, or its samples where the channel has no file with images in it.
fn with_images<'d>(dataset: &'d DatasetRecord, format: &Format) -> (Vec<&'d ChannelFile>, bool) {
    let is_elsewhere = *format == Format::AugmentedManifest || format.is_of_objects();
    let of = |channel: &str| -> Vec<&'d ChannelFile> {
        let name = if is_elsewhere {
            sample_channel(channel)
        } else {
            channel.to_owned()
        };
        let files = dataset.files.iter();
        files
            .filter(|file| file.rows > 0 && file.channel == name)
            .collect()
    };
    let validation = of(VALIDATION);
    if validation.is_empty() {
        (of(TRAIN), false)
    } else {
        (validation, true)
    }
}

/// What to say if the endpoint is less accurate than its training job, beyond chance.
fn drop_of(right: u32, asked: u32, measured: f64) -> Option<String> {
    let served = f64::from(right) / f64::from(asked);
    let deviation = (measured * (1.0 - measured)).max(0.0) / f64::from(asked);
    let allowed = MOST_DROP.max(3.0 * deviation.sqrt());
    (measured - served > allowed).then(|| {
        format!(
            "it gives the right class of {right} of {asked} validation images, {served:.3}, of which the training \
             job had {measured:.3} ({ACCURACY}): it sees other pixels than training did, such as of another \
             orientation, size or order of colours"
        )
    })
}

/// The class with the greatest probability.
fn best(probabilities: &[f64]) -> usize {
    let places = probabilities.iter().enumerate();
    places
        .max_by(|(_, left), (_, right)| left.total_cmp(right))
        .map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_beyond_chance_is_said_with_both_numbers() {
        for (right, asked, measured, is_drop) in [
            (97, 100, 0.99, false),
            (89, 100, 0.99, false),
            (88, 100, 0.99, true),
            (12, 100, 0.99, true),
            // Of few images, chance allows more.
            (3, 5, 0.8, false),
            (0, 5, 0.8, true),
            // A better one is no fault.
            (100, 100, 0.5, false),
        ] {
            let said = drop_of(right, asked, measured);
            assert_eq!(said.is_some(), is_drop, "{right} of {asked}: {said:?}");
        }
        let said = drop_of(12, 100, 0.99).unwrap();
        assert!(said.contains("0.120") && said.contains("0.990"), "{said}");
    }
}
