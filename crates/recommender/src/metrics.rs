//! Metrics of a model: errors on the rows of each channel, and the ranking of each user's held-out
//! items, with those of simple predictors for comparison.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::Model;
use crate::channel::Interactions;

/// The number of places of a ranking that count.
const CUTOFF: usize = 10;

/// Metrics by name, in print order.
#[derive(Debug, Default, PartialEq)]
pub struct Metrics(Vec<(&'static str, f64)>);

impl Metrics {
    /// One line per metric, `name=value;` with six decimals, for `MetricDefinitions`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|(name, value)| format!("{name}={};", (value * 1e6).round() / 1e6))
    }

    /// A JSON object from name to value.
    pub fn to_json(&self) -> Value {
        Value::Object(
            self.0
                .iter()
                .map(|(name, v)| ((*name).to_owned(), json!(v)))
                .collect::<Map<_, _>>(),
        )
    }

    /// A metric by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

/// Evaluates a model on its training rows, and on held-out rows if there are any.
pub fn evaluate(model: &Model, train: &Interactions, validation: Option<&Interactions>) -> Metrics {
    let mut metrics = vec![
        ("train:rows", train.len() as f64),
        (
            "train:rmse",
            rmse(train, |user, item| model.score(user, item)),
        ),
    ];
    if let Some(held_out) = validation {
        let means = ItemMeans::of(train, model.mean);
        metrics.extend([
            ("validation:rows", held_out.len() as f64),
            (
                "validation:rmse",
                rmse(held_out, |user, item| model.score(user, item)),
            ),
            (
                "validation:baseline_rmse",
                rmse(held_out, |user, item| model.baseline(user, item)),
            ),
            (
                "validation:item_mean_rmse",
                rmse(held_out, |_, item| means.mean(item)),
            ),
            (
                "validation:global_mean_rmse",
                rmse(held_out, |_, _| model.mean),
            ),
        ]);
        let lowest = train.labels.iter().copied().fold(f32::INFINITY, f32::min);
        let users = rankable(held_out);
        metrics.push(("validation:ndcg_users", users.len() as f64));
        // Without a user whose items have an order, NDCG is undefined. Zero would look like a bad
        // model.
        if !users.is_empty() {
            metrics.extend([
                (
                    "validation:ndcg@10",
                    ndcg(&users, lowest, |user, item| model.score(user, item)),
                ),
                (
                    "validation:baseline_ndcg@10",
                    ndcg(&users, lowest, |user, item| model.baseline(user, item)),
                ),
                (
                    "validation:popularity_ndcg@10",
                    ndcg(&users, lowest, |_, item| means.rows(item)),
                ),
            ]);
        }
    }
    Metrics(metrics)
}

/// Count and mean of each item's training labels.
struct ItemMeans {
    global: f32,
    sums: HashMap<u32, (f32, f64)>,
}

impl ItemMeans {
    fn of(train: &Interactions, global: f32) -> Self {
        let mut sums: HashMap<u32, (f32, f64)> = HashMap::new();
        for (_, item, label) in train.iter() {
            let entry = sums.entry(item).or_default();
            entry.0 += 1.0;
            entry.1 += f64::from(label);
        }
        Self { global, sums }
    }

    /// The item's plain mean. For an unseen item, the global mean.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a mean of f32 labels lies in its range"
    )]
    fn mean(&self, item: u32) -> f32 {
        self.sums
            .get(&item)
            .map_or(self.global, |(rows, sum)| (sum / f64::from(*rows)) as f32)
    }

    fn rows(&self, item: u32) -> f32 {
        self.sums.get(&item).map_or(0.0, |(rows, _)| *rows)
    }
}

/// Root of the mean squared difference between label and prediction.
fn rmse(rows: &Interactions, predict: impl Fn(u32, u32) -> f32) -> f64 {
    let squares: f64 = rows
        .iter()
        .map(|(user, item, label)| f64::from(label - predict(user, item)).powi(2))
        .sum();
    (squares / rows.len() as f64).sqrt()
}

/// The held-out items of each user with at least two different labels. Only these have an order.
fn rankable(held_out: &Interactions) -> BTreeMap<u32, Vec<(u32, f32)>> {
    let mut users: BTreeMap<u32, Vec<(u32, f32)>> = BTreeMap::new();
    for (user, item, label) in held_out.iter() {
        users.entry(user).or_default().push((item, label));
    }
    users.retain(|_, items| {
        items
            .iter()
            .any(|(_, label)| label.total_cmp(&items[0].1).is_ne())
    });
    users
}

/// Mean over users of the normalised discounted cumulative gain of their items in the order of
/// `score`. The gain is how far the label lies above the lowest training label.
fn ndcg(
    users: &BTreeMap<u32, Vec<(u32, f32)>>,
    lowest: f32,
    score: impl Fn(u32, u32) -> f32,
) -> f64 {
    let gained = |labels: &mut dyn Iterator<Item = f32>| -> f64 {
        labels
            .take(CUTOFF)
            .enumerate()
            .map(|(place, label)| {
                f64::from((label - lowest).max(0.0)) / ((place + 2) as f64).log2()
            })
            .sum()
    };
    let of_user = |(&user, items): (&u32, &Vec<(u32, f32)>)| {
        let mut ranked: Vec<(f32, u32, f32)> = items
            .iter()
            .map(|&(item, label)| (score(user, item), item, label))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut ideal: Vec<f32> = items.iter().map(|(_, label)| *label).collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let best = gained(&mut ideal.into_iter());
        // All labels at or below the lowest one gain nothing in any order.
        if best > 0.0 {
            gained(&mut ranked.into_iter().map(|(_, _, label)| label)) / best
        } else {
            1.0
        }
    };
    users.iter().map(of_user).sum::<f64>() / users.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::small;

    fn rows(rows: &[(u32, u32, f32)]) -> Interactions {
        let mut it = Interactions::default();
        for &(user, item, label) in rows {
            it.push(user, item, label);
        }
        it
    }

    #[test]
    fn errors_are_root_mean_squares() {
        let held_out = rows(&[(1, 1, 3.0), (1, 2, 5.0)]);
        assert!((rmse(&held_out, |_, _| 2.0) - (10.0f64 / 2.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn the_right_order_has_an_ndcg_of_one_and_the_wrong_one_less() {
        let users = rankable(&rows(&[
            (1, 1, 5.0),
            (1, 2, 3.0),
            (1, 3, 1.0),
            (2, 1, 4.0),
            (2, 2, 4.0),
        ]));
        assert_eq!(users.len(), 1, "user 2's labels are equal");
        assert!(
            (ndcg(&users, 1.0, |_, item| -f32::from(
                u8::try_from(item).unwrap()
            )) - 1.0)
                .abs()
                < 1e-9
        );
        // Gains 4, 2, 0 in the order 0, 2, 4, by hand:
        let worst = (2.0 / 3f64.log2() + 4.0 / 2.0) / (4.0 + 2.0 / 3f64.log2());
        let reversed = ndcg(&users, 1.0, |_, item| {
            f32::from(u8::try_from(item).unwrap())
        });
        assert!((reversed - worst).abs() < 1e-9, "{reversed} is not {worst}");
    }

    #[test]
    fn item_means_fall_back_to_the_global_one() {
        let means = ItemMeans::of(&rows(&[(1, 1, 2.0), (2, 1, 4.0)]), 9.0);
        assert!((means.mean(1) - 3.0).abs() < 1e-6 && (means.mean(2) - 9.0).abs() < 1e-6);
        assert!((means.rows(1) - 2.0).abs() < 1e-6 && means.rows(2).abs() < 1e-6);
    }

    #[test]
    fn lines_are_what_metric_definitions_look_for() {
        let metrics = evaluate(
            &small(),
            &rows(&[(3, 4, 4.5)]),
            Some(&rows(&[(3, 2, 3.75)])),
        );
        let lines: Vec<_> = metrics.lines().collect();
        assert!(lines.contains(&"train:rmse=0;".to_owned()), "{lines:?}");
        assert!(lines.contains(&"validation:rmse=0;".to_owned()));
        assert!(lines.contains(&"validation:global_mean_rmse=0.75;".to_owned()));
        assert_eq!(
            metrics.get("validation:ndcg@10"),
            None,
            "no user's items have an order"
        );
        assert_eq!(metrics.to_json()["validation:rows"], 1.0);
    }
}
