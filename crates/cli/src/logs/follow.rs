//! The lines of a run as they come.

use super::{LATE, Line, between, functions, states, times};
use crate::place::Place;
use crate::runs::{Detail, Found, RunError, StepRow};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// Width of the longest name of a function, `deploy-endpoint`.
const WIDTH: usize = 15;

// As `watch` does: often at first, and seldom in long runs, to keep calls few.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const PAUSE_SHARE: u32 = 100;

/// Reads the lines of a run that it has not read before.
#[derive(Debug)]
pub struct Follower<'a> {
    place: &'a Place,
    found: &'a Found,
    step: Option<&'a str>,
    seen: BTreeSet<String>,
    read: Option<SystemTime>,
}

/// What came since the last time.
#[derive(Debug)]
pub struct News {
    /// The run, as it is now.
    pub detail: Detail,
    /// The lines, as text.
    pub text: String,
    /// Whether the run has not come to the step that was named.
    pub is_early: bool,
}

impl<'a> Follower<'a> {
    /// Of the step that is named, or else of every step.
    pub const fn new(place: &'a Place, found: &'a Found, step: Option<&'a str>) -> Self {
        Self {
            place,
            found,
            step,
            seen: BTreeSet::new(),
            read: None,
        }
    }

    /// Reads what is new. After the run's end, everything is there.
    ///
    /// # Errors
    /// If the run has ended without the step, the stack is not known, or a service cannot be asked.
    pub async fn news(&mut self) -> Result<News, RunError> {
        let now = SystemTime::now();
        let detail = Detail::read(self.place, self.found).await?;
        let is_over = detail.run.finished.is_some();
        let since = self.read.map(|read| read - LATE);
        let chosen = match states(&detail, self.step) {
            Ok(chosen) => chosen,
            Err(RunError::NoStep { .. }) if !is_over => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_early = self.step.is_some() && chosen.is_empty();
        // A run that fails is followed to its end, and not only its last step.
        let chosen = match self.step {
            None if self.read.is_some() => every(&detail, since, is_over),
            _ => chosen,
        };
        let functions = functions(self.place, &chosen)?;
        let (start, _) = times(&detail);
        // Of a killed invocation all lines are needed.
        let from = since
            .filter(|_| !is_over)
            .map_or(start, |since| since.max(start));
        let lines = between(self.place, &detail, &functions, from).await?;
        let lines = lines.into_iter();
        let new: Vec<Line> = lines
            .filter(|line| self.seen.insert(line.id.clone()))
            .collect();
        self.read = Some(now);
        Ok(News {
            text: new.iter().map(|line| line.text(WIDTH)).collect(),
            detail,
            is_early,
        })
    }
}

/// Every step, less those of which no line can be new.
fn every(detail: &Detail, since: Option<SystemTime>, is_over: bool) -> Vec<&str> {
    let steps = detail.steps.iter();
    steps
        .filter(|step| is_over || !step.over || since.is_none_or(|since| ended(step) >= since))
        .map(|step| step.state.as_str())
        .collect()
}

fn ended(step: &StepRow) -> SystemTime {
    let started = step.started.parse::<jiff::Timestamp>();
    let started = started.map_or(SystemTime::UNIX_EPOCH, SystemTime::from);
    started + Duration::try_from_secs_f64(step.seconds).unwrap_or_default()
}

impl News {
    /// Time until there may be more; `None` after the run's end.
    pub fn pause(&self) -> Option<Duration> {
        let (start, _) = times(&self.detail);
        let took = start.elapsed().unwrap_or_default();
        let is_over = self.detail.run.finished.is_some();
        (!is_over).then(|| (took / PAUSE_SHARE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
    }
}
