//! Requests the ratings that a user would give every film, in rows encoded as for training.

use super::DemoError;
use super::data::Interactions;
use super::recommend::{ITEM, Recommendation, USER, ask};
use dataset::{Columns, CsvRows, Encoder};
use serde_json::json;
use std::collections::HashSet;

// Characters of an invalid answer that are shown.
const SHOWN: usize = 80;

/// The films with the best predicted ratings, best first, among those that anybody has rated.
pub async fn best(
    sagemaker_url: &str,
    endpoint: &str,
    columns: &Columns,
    interactions: &Interactions,
    user: &str,
    count: usize,
) -> Result<Vec<Recommendation>, DemoError> {
    if columns.code(USER, user).is_none() {
        return Err(DemoError::UnknownUser {
            user: user.to_owned(),
        });
    }
    let encoder = Encoder::new(columns)?;
    let (mut films, mut rows) = (Vec::new(), CsvRows::new());
    let mut seen = HashSet::new();
    for interaction in &interactions.rows {
        // The context comes from the first user who rated the film: the model needs one.
        let film = &interactions.films[interaction.film].id;
        if !seen.insert(interaction.film) || columns.code(ITEM, film).is_none() {
            continue;
        }
        let mut item = interaction.item().clone();
        item[USER] = json!({"S": user});
        let item = item.to_string();
        let is_row = dynamodb_json::parse_item(item.as_bytes())
            .is_ok_and(|item| encoder.features(&encoder.values(&item), &mut rows).is_ok());
        if is_row {
            films.push(film.clone());
        }
    }
    let body = rows.as_bytes().to_vec();
    let answer = ask(sagemaker_url, endpoint, |client, url| {
        let request = client.post(url).header("content-type", "text/csv");
        request.header("accept", "text/csv").body(body)
    });
    let text = answer.await?.text().await;
    let text = text.map_err(|source| DemoError::Endpoint {
        endpoint: endpoint.to_owned(),
        source,
    })?;
    let scores: Vec<f64> = text
        .split([',', '\n'])
        .filter_map(|cell| cell.trim().parse().ok())
        .collect();
    if scores.len() != films.len() {
        return Err(DemoError::NoPredictions {
            endpoint: endpoint.to_owned(),
            rows: films.len(),
            answer: text.chars().take(SHOWN).collect(),
        });
    }
    let mut all: Vec<_> = films
        .into_iter()
        .zip(scores)
        .map(|(item, score)| Recommendation { item, score })
        .collect();
    all.sort_by(|one, other| other.score.total_cmp(&one.score));
    all.truncate(count);
    Ok(all)
}
