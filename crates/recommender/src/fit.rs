//! Fits a model to interactions: means and biases in closed form, then the residuals with
//! `discorec`'s matrix factorisation.

use std::cell::RefCell;

use discorec::{FitInfo, RecommenderBuilder};

use crate::channel::Interactions;
use crate::{Error, Hyperparameters, Model};

/// Rounds of alternating between the users' and the items' biases, which converge within a few.
const BIAS_ROUNDS: usize = 10;
/// The candidates of automatic regularization, for labels scaled to a deviation of 1.
const REGULARIZATIONS: [f32; 4] = [0.05, 0.1, 0.2, 0.4];
/// The regularization when there are too few rows to choose one.
const FALLBACK_REGULARIZATION: f32 = 0.1;
/// One training row in this many is held out for the choice.
const HELD_OUT: usize = 10;
/// The fewest held-out rows that allow a choice.
const FEWEST_HELD_OUT: usize = 50;

/// A model, and the result of automatic regularization.
#[derive(Debug)]
pub struct Fit {
    /// The model.
    pub model: Model,
    /// The penalty on the factors.
    pub regularization: f32,
    /// Passes over the training rows.
    pub iterations: u32,
}

/// Fits a model to `interactions`, of which there is at least one. `report` gets lines on progress.
/// The same rows in the same order with the same settings give the same model.
pub fn fit(
    interactions: &Interactions,
    settings: &Hyperparameters,
    report: &dyn Fn(&str),
) -> Result<Fit, Error> {
    let user_ids = distinct(&interactions.users);
    let item_ids = distinct(&interactions.items);
    let rows = Interactions {
        users: rows_of(&interactions.users, &user_ids),
        items: rows_of(&interactions.items, &item_ids),
        labels: interactions.labels.clone(),
    };
    let shape = (user_ids.len(), item_ids.len());

    let (regularization, iterations) = match settings.regularization {
        Some(given) => (given, settings.iterations),
        None => choose(&rows, shape, settings, report),
    };

    let biases = Biases::fit(&rows, shape, settings.bias_regularization);
    let (residuals, scale) = biases.residuals(&rows);
    let factorisation = builder(settings, regularization, iterations)
        .callback(|info: FitInfo| {
            report(&format!(
                "iteration {} of {iterations}: loss {:.4}",
                info.iteration, info.train_loss
            ));
        })
        .fit_explicit(residuals.iter());

    // Every user and item has a row, so the library has its factors. Labels were scaled for the
    // factorisation; the users' factors scale the product back.
    let known = "discorec keeps the factors of every user and item it was given";
    let factors = settings.factors as usize;
    let mut user_factors = Vec::with_capacity(shape.0 * factors);
    for user in 0..index(shape.0) {
        user_factors.extend(
            factorisation
                .user_factors(&user)
                .expect(known)
                .iter()
                .map(|f| f * scale),
        );
    }
    let mut item_factors = Vec::with_capacity(shape.1 * factors);
    for item in 0..index(shape.1) {
        item_factors.extend_from_slice(factorisation.item_factors(&item).expect(known));
    }
    if !user_factors
        .iter()
        .chain(&item_factors)
        .all(|f| f.is_finite())
    {
        return Err(Error::Diverged {
            learning_rate: settings.learning_rate,
        });
    }

    let (seen_offsets, seen) = seen(&rows, shape.0);
    let model = Model {
        layout: settings.layout,
        mean: biases.mean,
        factors,
        user_ids,
        item_ids,
        user_biases: biases.users,
        item_biases: biases.items,
        user_factors,
        item_factors,
        seen_offsets,
        seen,
    };
    Ok(Fit {
        model,
        regularization,
        iterations,
    })
}

/// Chooses regularization and iterations by the loss on a tenth of the training rows. It does not
/// use the validation channel, whose metrics would then be too good.
fn choose(
    rows: &Interactions,
    shape: (usize, usize),
    settings: &Hyperparameters,
    report: &dyn Fn(&str),
) -> (f32, u32) {
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let (mut fitted, mut held_out) = (Interactions::default(), Interactions::default());
    for (user, item, label) in rows.iter() {
        let side = if random.usize(..HELD_OUT) == 0 {
            &mut held_out
        } else {
            &mut fitted
        };
        side.push(user, item, label);
    }
    if held_out.len() < FEWEST_HELD_OUT {
        report(&format!(
            "regularization {FALLBACK_REGULARIZATION}: {} rows are too few to choose another",
            rows.len()
        ));
        return (FALLBACK_REGULARIZATION, settings.iterations);
    }
    let biases = Biases::fit(&fitted, shape, settings.bias_regularization);
    let (residuals, scale) = biases.residuals(&fitted);
    let mut held_out = biases.subtract(&held_out);
    held_out.labels.iter_mut().for_each(|label| *label /= scale);

    let mut best = (f32::INFINITY, FALLBACK_REGULARIZATION, settings.iterations);
    for regularization in REGULARIZATIONS {
        let lowest = RefCell::new((f32::INFINITY, settings.iterations));
        builder(settings, regularization, settings.iterations)
            .callback(|info: FitInfo| {
                let mut lowest = lowest.borrow_mut();
                if info.valid_loss < lowest.0 {
                    // discorec trains most factors from its second iteration on.
                    *lowest = (info.valid_loss, info.iteration.max(2));
                }
            })
            .fit_eval_explicit(residuals.iter(), held_out.iter());
        let (loss, iterations) = lowest.into_inner();
        report(&format!(
            "regularization {regularization}: held-out loss {loss:.4} after {iterations} iterations"
        ));
        if loss < best.0 {
            best = (loss, regularization, iterations);
        }
    }
    (best.1, best.2)
}

fn builder<'a>(
    settings: &Hyperparameters,
    regularization: f32,
    iterations: u32,
) -> RecommenderBuilder<'a> {
    let mut builder = RecommenderBuilder::new();
    builder
        .factors(settings.factors)
        .iterations(iterations)
        .regularization(regularization)
        .learning_rate(settings.learning_rate)
        .seed(settings.seed);
    builder
}

/// The global mean, and the difference of each user and item from it.
struct Biases {
    mean: f32,
    users: Vec<f32>,
    items: Vec<f32>,
}

impl Biases {
    /// Ridge regression on the indicators of user and item, by alternating its closed forms: a
    /// bias is the mean of the residuals of the others, with `shrink` more rows at zero.
    fn fit(rows: &Interactions, (users, items): (usize, usize), shrink: f32) -> Self {
        let sum: f64 = rows.labels.iter().map(|&label| f64::from(label)).sum();
        let mut it = Self {
            mean: narrow(sum / rows.len() as f64),
            users: vec![0.0; users],
            items: vec![0.0; items],
        };
        let counts = |ids: &[u32], len| {
            let mut counts = vec![f64::from(shrink); len];
            for &id in ids {
                counts[id as usize] += 1.0;
            }
            counts
        };
        let user_counts = counts(&rows.users, users);
        let item_counts = counts(&rows.items, items);
        for _ in 0..BIAS_ROUNDS {
            let mut sums = vec![0.0; items];
            for (user, item, label) in rows.iter() {
                sums[item as usize] += f64::from(label - it.mean - it.users[user as usize]);
            }
            it.items = ratios(&sums, &item_counts);
            let mut sums = vec![0.0; users];
            for (user, item, label) in rows.iter() {
                sums[user as usize] += f64::from(label - it.mean - it.items[item as usize]);
            }
            it.users = ratios(&sums, &user_counts);
        }
        it
    }

    /// The labels minus mean and biases.
    fn subtract(&self, rows: &Interactions) -> Interactions {
        let mut left = rows.clone();
        for (row, (user, item, label)) in rows.iter().enumerate() {
            left.labels[row] =
                label - self.mean - self.users[user as usize] - self.items[item as usize];
        }
        left
    }

    /// The residuals scaled to a deviation of 1, and the scale. The scaling makes learning rate
    /// and regularization independent of the labels' unit.
    fn residuals(&self, rows: &Interactions) -> (Interactions, f32) {
        let mut left = self.subtract(rows);
        let squares: f64 = left
            .labels
            .iter()
            .map(|&label| f64::from(label).powi(2))
            .sum();
        let deviation = narrow((squares / rows.len() as f64).sqrt());
        let scale = if deviation > 0.0 { deviation } else { 1.0 };
        left.labels.iter_mut().for_each(|label| *label /= scale);
        (left, scale)
    }
}

/// Sums divided by counts. A bias without rows is zero.
fn ratios(sums: &[f64], counts: &[f64]) -> Vec<f32> {
    let ratio = |(&sum, &count): (&f64, &f64)| {
        if count > 0.0 {
            narrow(sum / count)
        } else {
            0.0
        }
    };
    sums.iter().zip(counts).map(ratio).collect()
}

/// Converts to the precision of the model.
#[expect(
    clippy::cast_possible_truncation,
    reason = "means of f32 labels lie in its range"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// A row number as `u32`: there are no more rows than indices.
fn index(row: usize) -> u32 {
    u32::try_from(row).expect("distinct u32 indices, less one row, number at most u32::MAX")
}

fn distinct(ids: &[u32]) -> Vec<u32> {
    let mut distinct = ids.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

/// The position of each index among the `distinct` ones.
fn rows_of(ids: &[u32], distinct: &[u32]) -> Vec<u32> {
    ids.iter()
        .map(|id| index(distinct.partition_point(|known| known < id)))
        .collect()
}

/// The distinct items of each user, as offsets and rows.
fn seen(rows: &Interactions, users: usize) -> (Vec<u32>, Vec<u32>) {
    let mut pairs: Vec<(u32, u32)> = rows.iter().map(|(user, item, _)| (user, item)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let offsets = (0..=users)
        .map(|user| index(pairs.partition_point(|pair| (pair.0 as usize) < user)))
        .collect();
    (offsets, pairs.into_iter().map(|(_, item)| item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interactions(rows: &[(u32, u32, f32)]) -> Interactions {
        let mut it = Interactions::default();
        for &(user, item, label) in rows {
            it.push(user, item, label);
        }
        it
    }

    /// Users of two kinds, who like the items of their own parity. Indices are far apart.
    fn two_kinds() -> Interactions {
        let mut it = Interactions::default();
        for user in 0..60u32 {
            for item in 0..40u32 {
                if (user + item * 2) % 5 != 0 {
                    it.push(
                        user * 1000 + 5,
                        item * 9 + 1,
                        if user % 2 == item % 2 { 5.0 } else { 1.0 },
                    );
                }
            }
        }
        it
    }

    #[test]
    fn scores_of_unseen_pairs_are_learnt() {
        let model = fit(&two_kinds(), &Hyperparameters::default(), &|_| ())
            .unwrap()
            .model;
        // Pairs with (user + item * 2) % 5 == 0 are not among the rows above.
        assert!(model.score(2 * 1000 + 5, 4 * 9 + 1) > 4.0);
        assert!(model.score(1000 + 5, 7 * 9 + 1) > 4.0);
        assert!(model.score(1000 + 5, 2 * 9 + 1) < 2.0);
        assert!((model.baseline(1000 + 5, 7 * 9 + 1) - 3.0).abs() < 0.5);
        assert!(
            !model.top(5, 40, true).iter().any(|r| r.item == 9 + 1),
            "a seen item"
        );
        assert!(model.top(5, 5, false).iter().all(|r| (r.item / 9) % 2 == 0));
    }

    #[test]
    fn the_same_seed_gives_the_same_model_and_another_does_not() {
        let with = |seed| {
            let settings = Hyperparameters {
                seed,
                iterations: 4,
                ..Default::default()
            };
            fit(&two_kinds(), &settings, &|_| ()).unwrap().model
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn the_unit_of_the_labels_does_not_matter() {
        let mut large = two_kinds();
        large
            .labels
            .iter_mut()
            .for_each(|label| *label = *label * 1e4 + 1e5);
        let small = fit(&two_kinds(), &Hyperparameters::default(), &|_| ())
            .unwrap()
            .model;
        let large = fit(&large, &Hyperparameters::default(), &|_| ())
            .unwrap()
            .model;
        let back = (large.score(5, 10) - 1e5) / 1e4;
        assert!((back - small.score(5, 10)).abs() < 0.1, "{back}");
    }

    #[test]
    fn biases_with_few_rows_are_shrunk() {
        let rows = interactions(&[
            (0, 0, 5.0),
            (1, 1, 3.0),
            (1, 1, 3.0),
            (1, 1, 3.0),
            (1, 1, 1.0),
        ]);
        let biases = Biases::fit(&rows, (2, 3), 5.0);
        assert!((biases.mean - 3.0).abs() < 1e-6);
        assert!(biases.users[0] > 0.2 && biases.users[0] < 2.0 / 6.0 + 1e-3);
        assert!(biases.items[2].abs() < f32::EPSILON, "an item without rows");
    }

    #[test]
    fn one_row_and_constant_labels_are_enough() {
        for rows in [
            vec![(7, 3, 2.0)],
            vec![(1, 1, 2.0), (2, 1, 2.0), (2, 2, 2.0)],
        ] {
            let model = fit(&interactions(&rows), &Hyperparameters::default(), &|_| ())
                .unwrap()
                .model;
            assert!((model.score(rows[0].0, rows[0].1) - 2.0).abs() < 0.05);
        }
    }

    #[test]
    fn repeated_pairs_are_seen_once() {
        let rows = interactions(&[(0, 1, 1.0), (1, 0, 1.0), (0, 1, 2.0), (0, 0, 2.0)]);
        assert_eq!(seen(&rows, 2), (vec![0, 2, 3], vec![0, 1, 0]));
    }
}
