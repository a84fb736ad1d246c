//! Checks of a definition beyond its types, so that a mistake is found before anything is read or
//! paid for. The crate `dataset` checks the dataset's paths and shares.

use crate::faults::Faults;
use crate::{Definition, ImageVerify, Limits, Training, image_files};
use contract::Names;

impl Definition {
    /// Checks what the types cannot express.
    ///
    /// # Errors
    /// Names every invalid field.
    pub fn validate(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        self.check(&mut faults);
        faults.none_or()
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        if let Err(message) = Names::check_pipeline(&self.pipeline) {
            faults.add("pipeline", message);
        }
        self.check_parts(faults);
        self.source.validate(faults);
        if let Some(ready) = &self.ready {
            ready.validate(faults);
        }
        if let Some(gate) = &self.gate {
            gate.validate(faults);
        }
        if let Some(dataset) = &self.dataset {
            dataset.validate(faults);
            image_files::check(dataset, self.source.images().is_some(), faults);
            if let Some(images) = self.source.images() {
                images.check_dataset(dataset, faults);
            }
        }
        self.check_images(faults);
        if let Some(training) = &self.training {
            training.validate(faults);
        }
        self.check_model(faults);
        self.limits.validate(faults);
        crate::notify::validate(self.late, self.stale, self.notify.as_ref(), faults);
        // A time that is out of its own range makes every sum wrong.
        if faults.as_slice().is_empty()
            && let Err(fault) = self.longest_run().check()
        {
            faults.push(fault);
        }
    }

    /// Checks that what is for images alone has images.
    fn check_images(&self, faults: &mut Faults) {
        let gate = self.dataset.as_ref().map(|dataset| &dataset.gate);
        let leak = gate.and_then(|gate| gate.maximum_leak);
        let quarantined = self.gate.as_ref().and_then(|it| it.maximum_quarantined);
        let Limits {
            max_objects,
            max_bytes,
            ..
        } = self.limits;
        let Some(images) = self.source.images() else {
            for (field, is_set) in [
                ("limits.maxObjects", max_objects.is_some()),
                ("limits.maxBytes", max_bytes.is_some()),
                ("gate.maximumQuarantined", quarantined.is_some()),
                ("dataset.gate.maximumLeak", leak.is_some()),
            ] {
                if is_set {
                    faults.add(field, "is for `source.images`: leave it out");
                }
            }
            return;
        };
        if leak.is_some() && images.verify == ImageVerify::Structure {
            faults.add(
                "dataset.gate.maximumLeak",
                "needs `source.images.verify` to be `decode`: other images have no `differenceHash`",
            );
        }
    }

    /// Checks the fields that depend on several parts, as far as the definition has these parts.
    fn check_model(&self, faults: &mut Faults) {
        let (Some(dataset), Some(training)) = (&self.dataset, &self.training) else {
            return;
        };
        image_files::check_training(dataset, training, faults);
        if let Some(algorithm) = &training.algorithm {
            algorithm.check_dataset(dataset, &training.hyperparameters, faults);
        }
        if let Some(promotion) = &self.promotion {
            promotion.validate(training, dataset, faults);
        }
        if let Some(tuning) = &training.tuning {
            tuning.validate_objective(training, self.promotion.as_ref(), faults);
        }
        match (&self.promotion, &self.batch) {
            (None, _) => {}
            (Some(_), Some(batch)) => batch.validate(dataset, self.endpoint(), faults),
            (Some(_), None) => self.endpoint().validate(training, faults),
        }
    }

    /// Warnings about valid settings that may be mistakes, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.training.as_ref().map_or_else(Vec::new, unknown_names);
        if self.promotion.is_some() && self.batch.is_none() {
            warnings.extend(self.endpoint().warning());
        }
        if let (Some(images), Some(dataset)) = (self.source.images(), &self.dataset) {
            warnings.extend(images.split_warning(dataset));
        }
        warnings
    }
}

/// Hyperparameters that the algorithm is not known to have.
fn unknown_names(training: &Training) -> Vec<String> {
    let Training {
        algorithm,
        hyperparameters,
        tuning,
        ..
    } = training;
    let unknown = algorithm.as_ref().map(|algorithm| {
        let ranges = tuning.iter().flat_map(|tuning| tuning.ranges.keys());
        let names = hyperparameters.keys();
        algorithm
            .hyperparameters()
            .warnings(algorithm.name.as_str(), names, ranges)
    });
    unknown.unwrap_or_default()
}

#[cfg(test)]
mod tests;
