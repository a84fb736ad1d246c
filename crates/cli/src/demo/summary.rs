//! What a run came to, for people. It must not know how it came about: it reads the run's records.

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

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The execution's output.
    pub output: PublishReportOutput,
    /// Shards of CSV.
    pub shards: usize,
    /// The training job, with its metrics.
    pub training: TrainingRecord,
    /// The decision.
    pub verdict: VerdictRecord,
    /// The deployment, if the model was promoted.
    pub deployment: Option<DeploymentRecord>,
    /// Each state, with what it took.
    pub states: Vec<(String, std::time::Duration)>,
    /// Whom the endpoint recommends to.
    pub user: String,
    /// What that user liked best, by their ratings.
    pub liked: Vec<Shown>,
    /// What the endpoint recommends, by its scores.
    pub recommended: Vec<Shown>,
}

/// A film as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its title.
    pub title: String,
    /// Its genre.
    pub genre: &'static str,
    /// The user's rating, or the endpoint's score.
    pub score: f64,
    /// What the user thought of a recommended film: such a pair was kept from training to validate.
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
        // Who saw a film again rated it again: the better rating counts, and comes first.
        let mut ratings: Vec<(usize, f64)> = Vec::new();
        for row in interactions.of_user(&user) {
            if let Some(rating) = row.rating
                && ratings.iter().all(|(film, _)| *film != row.film)
            {
                ratings.push((row.film, rating));
            }
        }
        let liked = ratings.iter().take(LIKED_BEST).map(|(film, rating)| Shown {
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
            .map(|told| {
                let film = interactions.film(&told.item);
                Shown {
                    rated: rated(&told.item),
                    score: told.score,
                    genre: film.map_or("", |film| film.genre),
                    title: film.map_or(told.item, |film| film.title.clone()),
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

    /// A metric beside the same of a simple model; `more` tells which direction is better.
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

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = &self.output.rows;
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
        self.beside(f, "validation:rmse", "validation:baseline_rmse", false)?;
        self.beside(f, "validation:ndcg@10", "validation:baseline_ndcg@10", true)?;
        let verdict = &self.verdict;
        writeln!(
            f,
            "  verdict              {:?}: {}",
            verdict.verdict, verdict.reason
        )?;
        let endpoint = self.output.endpoint.as_deref().unwrap_or("none");
        write!(f, "  endpoint             {endpoint}: ")?;
        match &self.deployment {
            Some(deployed) => writeln!(
                f,
                "InService on {}, {} rows answered",
                // The demos have an endpoint, whose configuration is named like the model.
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

fn films(f: &mut Formatter<'_>, films: &[Shown]) -> fmt::Result {
    for film in films {
        write!(f, "  {:>5.2}  {}  ({})", film.score, film.title, film.genre)?;
        match film.rated {
            Some(rating) => writeln!(f, "  kept from training, rated {rating:.2}")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}
