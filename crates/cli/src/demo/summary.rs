//! The summary of a run, gathered from its records.

use super::data::Interactions;
use super::recommend::Recommendation;
use super::{DemoError, count, duration, outcome_in_words};
use crate::execution::Finished;
use contract::states::PublishReportOutput;
use lake::documents;
use lake::keys::RunKeys;
use lake::records::{DeploymentRecord, TrainingRecord, VerdictRecord};
use lake::store::ObjectStore;
use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

const LIKED_BEST: usize = 5;

/// The summary of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The execution's output.
    pub output: PublishReportOutput,
    /// Number of CSV shards.
    pub shards: usize,
    /// The training job with its metrics.
    pub training: TrainingRecord,
    /// The decision on the model.
    pub verdict: VerdictRecord,
    /// The deployment, if the model was promoted.
    pub deployment: Option<DeploymentRecord>,
    /// Each state with its duration.
    pub states: Vec<(String, std::time::Duration)>,
    /// The user to whom films are recommended.
    pub user: String,
    /// The films that the user rated best.
    pub liked: Vec<ShownFilm>,
    /// The films that the endpoint recommends, by score.
    pub recommended: Vec<ShownFilm>,
}

/// A film of the summary.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownFilm {
    /// Its title.
    pub title: String,
    /// Its genre.
    pub genre: &'static str,
    /// The user's rating, or the endpoint's score.
    pub score: f64,
    /// The user's own rating of a recommended film, which was held out of training for validation.
    pub rated: Option<f64>,
}

impl Summary {
    pub(super) async fn gather(
        store: &impl ObjectStore,
        keys: &RunKeys,
        output: PublishReportOutput,
        finished: Finished,
        interactions: &Interactions,
        user: String,
        recommended: Vec<Recommendation>,
    ) -> Result<Self, DemoError> {
        let shards: Vec<serde_json::Value> =
            documents::read(store, &keys.shards(), "the list of shards").await?;
        // A user may rate a film twice: the better rating comes first and counts.
        let mut ratings: Vec<(usize, f64)> = Vec::new();
        for row in interactions.of_user(&user) {
            if let Some(rating) = row.rating
                && ratings.iter().all(|(film, _)| *film != row.film)
            {
                ratings.push((row.film, rating));
            }
        }
        let liked = ratings
            .iter()
            .take(LIKED_BEST)
            .map(|(film, rating)| ShownFilm {
                title: interactions.films[*film].title.clone(),
                genre: interactions.films[*film].genre,
                score: *rating,
                rated: None,
            });
        let liked = liked.collect();
        let rated = |id: &str| {
            let rating = ratings
                .iter()
                .find(|(film, _)| interactions.films[*film].id == id);
            rating.map(|(_, rating)| *rating)
        };
        let recommended = recommended
            .into_iter()
            .map(|recommended| {
                let film = interactions.film(&recommended.item);
                ShownFilm {
                    rated: rated(&recommended.item),
                    score: recommended.score,
                    genre: film.map_or("", |film| film.genre),
                    title: film.map_or(recommended.item, |film| film.title.clone()),
                }
            })
            .collect();
        let now = SystemTime::now();
        let rows = finished.view.rows.iter();
        Ok(Self {
            shards: shards.len(),
            training: documents::read(store, &keys.training(), "the training job's record").await?,
            verdict: documents::read(store, &keys.verdict(), "the verdict").await?,
            deployment: documents::read_if_there(store, &keys.deployment(), "the deployment")
                .await?,
            states: rows.map(|row| (row.state.clone(), row.took(now))).collect(),
            output,
            user,
            liked,
            recommended,
        })
    }

    fn metric(&self, name: &str) -> Option<f64> {
        self.training.metrics.get(name).copied()
    }

    /// A metric beside that of a baseline; `more` if larger values are better.
    fn beside(
        &self,
        f: &mut Formatter<'_>,
        metric: &str,
        baseline: &str,
        more: bool,
    ) -> fmt::Result {
        let Some(model) = self.metric(metric) else {
            return Ok(());
        };
        let Some(simple) = self.metric(baseline) else {
            return writeln!(f, "  {metric:<20} {model:.4}");
        };
        let gain = if more {
            model / simple - 1.0
        } else {
            1.0 - model / simple
        };
        let word = if gain >= 0.0 { "better" } else { "worse" };
        let percent = gain.abs() * 100.0;
        writeln!(
            f,
            "  {metric:<20} {model:.4}, without tastes {simple:.4}: {percent:.1} % {word}"
        )
    }
}

impl Summary {
    /// How good the model is, and whether it serves.
    pub(super) fn model(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.beside(f, "validation:rmse", "validation:baseline_rmse", false)?;
        self.beside(f, "validation:ndcg@10", "validation:baseline_ndcg@10", true)?;
        let verdict = &self.verdict;
        writeln!(
            f,
            "  verdict              {:?}: {}",
            verdict.verdict, verdict.reason
        )
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.output.rows.unwrap_or_default();
        writeln!(
            f,
            "Run {} of pipeline {}",
            self.output.run, self.output.pipeline
        )?;
        writeln!(
            f,
            "  exported             {} items",
            count(self.output.items)
        )?;
        writeln!(
            f,
            "  CSV                  {} rows to train on, {} to validate on, {} rejected, in {} shard{}",
            count(rows.train),
            count(rows.validation),
            count(rows.rejected),
            self.shards,
            if self.shards == 1 { "" } else { "s" },
        )?;
        self.model(f)?;
        let endpoint = self.output.endpoint.as_deref().unwrap_or("none");
        write!(f, "  endpoint             {endpoint}: ")?;
        match &self.deployment {
            Some(deployed) => writeln!(
                f,
                "InService on {}, {} rows answered",
                // The configuration of the endpoint is named after the model.
                deployed.model,
                deployed.smoke_rows
            )?,
            None => writeln!(f, "{}", outcome_in_words(self.output.outcome))?,
        }
        let states: Vec<_> = self
            .states
            .iter()
            .map(|(state, took)| format!("{state} {}", duration(*took)))
            .collect();
        writeln!(f, "  took                 {}", states.join(", "))?;
        writeln!(f, "\nUser {} liked best", self.user)?;
        films(f, &self.liked)?;
        writeln!(f, "\nThe endpoint recommends")?;
        films(f, &self.recommended)
    }
}

fn films(f: &mut Formatter<'_>, films: &[ShownFilm]) -> fmt::Result {
    for film in films {
        write!(f, "  {:>5.2}  {}  ({})", film.score, film.title, film.genre)?;
        match film.rated {
            Some(rating) => writeln!(f, "  held out of training, rated {rating:.2}")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}
