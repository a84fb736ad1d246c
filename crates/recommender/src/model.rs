//! A trained model: scores of user-item pairs, and the best items for a user.

use crate::hyperparameters::Layout;

/// Biases and latent factors of the users and items that training saw.
///
/// A pair's score is `mean + user bias + item bias + user factors · item factors`. Unseen users and
/// items contribute zero: an unknown user gets the item's mean, an unknown item the user's mean,
/// and both together the global mean. Biases with few rows are shrunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The layout of the training rows.
    pub layout: Layout,
    /// Mean label of the training rows.
    pub mean: f32,
    /// Factors per user and per item.
    pub factors: usize,
    /// The users' indices, ascending. A user's position is its row in the fields below.
    pub user_ids: Vec<u32>,
    /// The items' indices, ascending.
    pub item_ids: Vec<u32>,
    /// One bias per user.
    pub user_biases: Vec<f32>,
    /// One bias per item.
    pub item_biases: Vec<f32>,
    /// `factors` numbers per user.
    pub user_factors: Vec<f32>,
    /// `factors` numbers per item.
    pub item_factors: Vec<f32>,
    /// The start of each user's range in `seen`, and at last the end of the last range.
    pub seen_offsets: Vec<u32>,
    /// The rows of the items that each user has in the training rows, ascending.
    pub seen: Vec<u32>,
}

/// A recommended item.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Recommendation {
    /// The item's index.
    pub item: u32,
    /// The expected label.
    pub score: f32,
}

impl Model {
    /// The expected label of a pair.
    pub fn score(&self, user: u32, item: u32) -> f32 {
        let (user, item) = (self.user_row(user), self.item_row(item));
        self.baseline_of_rows(user, item) + self.factor_term(user, item)
    }

    /// The score without the factors: global mean and biases.
    pub fn baseline(&self, user: u32, item: u32) -> f32 {
        self.baseline_of_rows(self.user_row(user), self.item_row(item))
    }

    /// The `n` items with the highest scores for a user, best first, ties by index. With
    /// `exclude_seen`, items of the user's training rows are left out.
    pub fn top(&self, user: u32, n: usize, exclude_seen: bool) -> Vec<Recommendation> {
        let user = self.user_row(user);
        let seen = if exclude_seen { self.seen(user) } else { &[] };
        let mut candidates: Vec<Recommendation> = (0u32..)
            .zip(&self.item_ids)
            .filter(|(row, _)| seen.binary_search(row).is_err())
            .map(|(row, &item)| {
                let row = Some(row as usize);
                let score = self.baseline_of_rows(user, row) + self.factor_term(user, row);
                Recommendation { item, score }
            })
            .collect();
        let best_first = |a: &Recommendation, b: &Recommendation| {
            b.score.total_cmp(&a.score).then(a.item.cmp(&b.item))
        };
        if n < candidates.len() {
            candidates.select_nth_unstable_by(n, best_first);
            candidates.truncate(n);
        }
        candidates.sort_unstable_by(best_first);
        candidates
    }

    fn user_row(&self, user: u32) -> Option<usize> {
        self.user_ids.binary_search(&user).ok()
    }

    fn item_row(&self, item: u32) -> Option<usize> {
        self.item_ids.binary_search(&item).ok()
    }

    fn seen(&self, user: Option<usize>) -> &[u32] {
        user.map_or(&[], |row| {
            &self.seen[self.seen_offsets[row] as usize..self.seen_offsets[row + 1] as usize]
        })
    }

    fn baseline_of_rows(&self, user: Option<usize>, item: Option<usize>) -> f32 {
        self.mean
            + user.map_or(0.0, |row| self.user_biases[row])
            + item.map_or(0.0, |row| self.item_biases[row])
    }

    fn factor_term(&self, user: Option<usize>, item: Option<usize>) -> f32 {
        let (Some(user), Some(item)) = (user, item) else {
            return 0.0;
        };
        let user = &self.user_factors[user * self.factors..][..self.factors];
        let item = &self.item_factors[item * self.factors..][..self.factors];
        user.iter().zip(item).map(|(u, i)| u * i).sum()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two users (3, 9) and three items (2, 4, 7). User 3 has seen item 7.
    pub(crate) fn small() -> Model {
        Model {
            layout: Layout {
                user_column: 1,
                item_column: 2,
            },
            mean: 3.0,
            factors: 2,
            user_ids: vec![3, 9],
            item_ids: vec![2, 4, 7],
            user_biases: vec![0.5, -0.5],
            item_biases: vec![0.25, 0.0, 1.0],
            user_factors: vec![1.0, 0.0, 0.0, 1.0],
            item_factors: vec![0.0, 0.0, 1.0, -1.0, 0.5, 0.5],
            seen_offsets: vec![0, 1, 1],
            seen: vec![2],
        }
    }

    #[test]
    fn a_score_is_the_sum_of_its_parts() {
        let model = small();
        assert!((model.score(3, 4) - 4.5).abs() < 1e-6);
        assert!((model.score(9, 4) - 1.5).abs() < 1e-6);
        assert!((model.baseline(3, 4) - 3.5).abs() < 1e-6);
    }

    #[test]
    fn the_unknown_falls_back_to_means() {
        let model = small();
        assert!((model.score(0, 7) - 4.0).abs() < 1e-6);
        assert!((model.score(3, 99) - 3.5).abs() < 1e-6);
        assert!((model.score(u32::MAX, 0) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_best_items_come_first_without_seen_ones() {
        let items = |user, n, exclude| -> Vec<u32> {
            small()
                .top(user, n, exclude)
                .iter()
                .map(|r| r.item)
                .collect()
        };
        assert_eq!(items(3, 10, false), [7, 4, 2]);
        assert_eq!(items(3, 10, true), [4, 2]);
        assert_eq!(items(3, 1, true), [4]);
        assert_eq!(items(0, 2, true), [7, 2]);
    }
}
