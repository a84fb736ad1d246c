//! What is trained, and which model replaces another.

use super::Algorithm;
use super::jsonc::Object;
use super::proposal::Parts;
use super::task::Task;
use crate::demo;
use serde_json::{Value, json};

impl Parts<'_> {
    pub(super) const fn why_training(&self) -> &'static str {
        match self.wishes.algorithm {
            Algorithm::Recommender => {
                "Learns tastes from pairs of user and item, the first two columns."
            }
            _ => {
                "SageMaker's built-in XGBoost, which needs no image; it stops when it no longer \
                  improves."
            }
        }
    }

    pub(super) fn training(&self) -> Object {
        let mut training = Object::default();
        if self.wishes.algorithm == Algorithm::Recommender {
            training.value("image", self.wishes.image.unwrap_or_default(), "");
            let demo = demo::definition();
            let demo = demo.training().expect("the demo trains");
            let hyperparameters = json!(demo.hyperparameters);
            training.value("hyperparameters", hyperparameters, "");
            let metrics = demo.metrics.iter().filter(|it| it.name.ends_with(":rmse"));
            let metrics = metrics
                .map(|metric| (json!(metric), String::new()))
                .collect();
            training.list(
                "metrics",
                metrics,
                "How the metric is read from the job's log.",
            );
            return training;
        }
        training.value("algorithm", json!({"name": "xgboost"}), "");
        let task = &self.label.task;
        let mut hyperparameters = Object::default();
        hyperparameters.value("objective", task.objective(), "");
        if let Task::Multiclass { classes, .. } = task {
            let comment = "The classes of the sample: more if the table has more.";
            hyperparameters.value("num_class", *classes, comment);
        }
        hyperparameters.value("eval_metric", task.metric().0, "");
        hyperparameters.value("num_round", 200, "");
        hyperparameters.value("early_stopping_rounds", 20, "");
        hyperparameters.value("eta", 0.1, "");
        hyperparameters.value("max_depth", 6, "");
        hyperparameters.value("subsample", 0.8, "");
        training.object("hyperparameters", hyperparameters, "");
        training
    }

    /// When a model is promoted, and why so.
    pub(super) fn promotion(&self) -> (Value, String) {
        let (metric, is_less, why) = match self.wishes.algorithm {
            Algorithm::Recommender => Task::Regression.metric(),
            Algorithm::Xgboost | Algorithm::None => self.label.task.metric(),
        };
        let promotion = json!({
            "metric": format!("validation:{metric}"),
            "goal": if is_less { "minimize" } else { "maximize" },
        });
        let comment = format!(
            "A model replaces the one in service if it has a better `{metric}`: {why}. Add \
             `threshold` to refuse models that are too bad to serve at all."
        );
        (promotion, comment)
    }
}
