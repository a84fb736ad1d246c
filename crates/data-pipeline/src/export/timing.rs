//! When an export runs: the schedule that its activity has or inherits.

use super::{Needed, Planner};
use crate::ConvertError;
use crate::ledger::Use;
use crate::period::{self, Period};
use crate::pipeline::Object;
use crate::report::Outcome;
use crate::schedule::{Start, after, translate, written};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// When an export runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// The schedule's expression; none if it is started by hand.
    pub expression: Option<String>,
    /// The times of UTC between which it starts runs.
    pub start: Option<String>,
    pub end: Option<String>,
    /// In words.
    pub words: String,
    /// Days without a run after which the schedule's alarm is due.
    pub days_without_run: i64,
    /// What is to be known of it.
    pub notes: Vec<String>,
}

impl Timing {
    fn by_hand(why: &str) -> Self {
        Self {
            words: format!("by hand: {why}"),
            ..Self::default()
        }
    }
}

const FIRST_ACTIVATION: &str = "FIRST_ACTIVATION_DATE_TIME";

impl<'p> Planner<'p> {
    /// Marks the fields of the schedule, and translates it.
    pub(super) fn timing(
        &mut self,
        activity: &'p Object,
        file: &str,
    ) -> Result<Timing, ConvertError> {
        let style = self.known(activity, "scheduleType")?.unwrap_or_default();
        let style = style.to_ascii_lowercase();
        let schedule = self
            .pipeline
            .referred(activity, "schedule")
            .into_iter()
            .next();
        let Some(schedule) = schedule.filter(|_| style != "ondemand") else {
            let why = "a pipeline on demand has no schedule: `millrace start`";
            for field in ["scheduleType", "schedule"] {
                self.mark(activity, field, Use::new(Outcome::Derived, why));
            }
            if let Some(schedule) = self.pipeline.referred(activity, "schedule").first() {
                self.mark_schedule(schedule, &Use::new(Outcome::Derived, why));
            }
            return Ok(Timing::by_hand("it is on demand"));
        };
        let to = |use_: Use| use_.to(format!("{file}#Schedule"));
        let derived = to(Use::new(Outcome::Derived, "the schedule"));
        self.mark(activity, "schedule", derived.clone());
        let style_is = if style == "timeseries" {
            let why = "a run starts at an interval's end: at the same times, the first one a period \
                       later";
            to(Use::new(Outcome::Approximated, why))
        } else {
            derived.clone()
        };
        self.mark(activity, "scheduleType", style_is);
        self.scheduled(schedule, &style, file)
    }

    fn mark_schedule(&mut self, schedule: &Object, new: &Use) {
        for field in [
            "type",
            "period",
            "startAt",
            "startDateTime",
            "endDateTime",
            "occurrences",
        ] {
            self.mark(schedule, field, new.clone());
        }
    }

    fn scheduled(
        &mut self,
        schedule: &'p Object,
        style: &str,
        file: &str,
    ) -> Result<Timing, ConvertError> {
        let Some(written) = self.first(schedule, "period")? else {
            return Err(self
                .pipeline
                .inconsistent(&schedule.id, "the schedule has no `period`"));
        };
        let text = match self.need(schedule, "period", &written)? {
            Needed::Text(text) | Needed::Runtime(text) => text,
            Needed::Missing => return Ok(Timing::default()),
        };
        if text.eq_ignore_ascii_case("ONDEMAND_PERIOD") {
            let why = "a pipeline on demand has no schedule: `millrace start`";
            self.mark_schedule(schedule, &Use::new(Outcome::Derived, why));
            return Ok(Timing::by_hand("it is on demand"));
        }
        let Some(period) = Period::read(&text) else {
            let why = "it is no period: a number, and minutes, hours, days, weeks, months or \
                       years. Set the schedule by hand";
            self.mark_schedule(schedule, &Use::new(Outcome::Unknown, why));
            return Ok(Timing::by_hand("its period cannot be read"));
        };
        let start = self.start(schedule)?;
        let Some(start) = start else {
            return Ok(Timing::default());
        };
        let end = match self.end(schedule, (period, start), style, file)? {
            End::Over(ended) => {
                let new = Use::new(Outcome::Derived, format!("{ended}: there is no schedule"));
                self.mark_schedule(schedule, &new);
                return Ok(Timing::by_hand(&ended));
            }
            End::At(end) => Some(end),
            End::None => None,
        };
        // The run of an interval starts at its end.
        let delay = i64::from(style == "timeseries");
        let (made, past) = translate(period, start, delay, self.clock);
        let starts = if made.first.is_some() {
            "ScheduleStart"
        } else {
            "Schedule"
        };
        let mut mark = |field: &str, (outcome, why): (Outcome, String), place: &str| {
            let new = Use::new(outcome, why).to(format!("{file}#{place}"));
            self.mark(schedule, field, new);
        };
        let is = (Outcome::Derived, "the schedule".to_owned());
        mark("type", is, "Schedule");
        mark("period", made.period, "Schedule");
        mark("startDateTime", made.start.clone(), starts);
        mark("startAt", made.start, starts);
        let mut notes = Vec::from_iter(past);
        if style == "timeseries" {
            notes.push("A run starts at the end of its interval, as it did.".to_owned());
        }
        if period.days() > 6 {
            notes.push(format!(
                "The alarm no-run watches at most 7 days, and this pipeline runs {}: expect the \
                 alarm between runs, or remove it.",
                made.words
            ));
        }
        Ok(Timing {
            expression: Some(made.expression),
            start: made.first,
            end,
            words: made.words,
            days_without_run: (period.days() + 1).min(7),
            notes,
        })
    }

    /// The start. Nothing if a parameter has no value.
    fn start(&mut self, schedule: &'p Object) -> Result<Option<Start>, ConvertError> {
        for field in ["startDateTime", "startAt"] {
            let Some(written) = self.first(schedule, field)? else {
                continue;
            };
            let text = match self.need(schedule, field, &written)? {
                Needed::Text(text) => text,
                // The time of the activation.
                Needed::Runtime(_) => return Ok(Some(Start::Activation)),
                Needed::Missing => return Ok(None),
            };
            if let Some(moment) = period::moment(&text) {
                return Ok(Some(Start::At(moment)));
            }
            if text.eq_ignore_ascii_case(FIRST_ACTIVATION) {
                return Ok(Some(Start::Activation));
            }
            let place = format!("{}.{field}", schedule.id);
            let why = "is no time such as 2013-08-26T00:00:00";
            return Err(self.pipeline.inconsistent(&place, why));
        }
        Ok(Some(Start::Activation))
    }

    /// When the schedule ends, or why it is over.
    fn end(
        &mut self,
        schedule: &'p Object,
        (period, start): (Period, Start),
        style: &str,
        file: &str,
    ) -> Result<End, ConvertError> {
        let occurrences = self.known(schedule, "occurrences")?;
        let occurrences = occurrences
            .as_deref()
            .and_then(|text| text.parse::<i64>().ok());
        let written_end = self.known(schedule, "endDateTime")?;
        let written_end = written_end.as_deref().and_then(period::moment);
        if occurrences == Some(1) {
            return Ok(End::Over("it ran once".to_owned()));
        }
        let (last, field) = match (occurrences, start) {
            (Some(count), Start::At(first)) => (last_of(first, period, count), "occurrences"),
            _ => (written_end, "endDateTime"),
        };
        let last = last.and_then(|last| last.to_zoned(TimeZone::UTC).ok());
        let Some(last) = last else {
            // Neither is known: a parameter without a value, or no time.
            for field in ["occurrences", "endDateTime"] {
                let why = "its last run is not known: set ScheduleEnd by hand";
                self.mark(schedule, field, Use::new(Outcome::NoCounterpart, why));
            }
            return Ok(End::None);
        };
        // The run of an interval starts at its end.
        let delay = i64::from(style == "timeseries");
        let last = last.checked_add(after(period, delay)).unwrap_or(last);
        if last.timestamp() < self.clock.now {
            let shown = last.strftime("%Y-%m-%d %H:%M UTC");
            return Ok(End::Over(format!("it ended on {shown}")));
        }
        // Runs keep their time of day in the zone, so that the last one may start later than the old
        // one did: in winter, if the schedule is made in summer.
        let offset = |time| i64::from(self.clock.rules.to_offset(time).seconds());
        let later = (offset(self.clock.now) - offset(last.timestamp())).max(0);
        // A run starts within the minute.
        let end = last.checked_add(jiff::Span::new().minutes(1).seconds(later));
        let end = written(&end.unwrap_or(last));
        let why = "the schedule starts no run after the last one";
        let new = Use::new(Outcome::Derived, why).to(format!("{file}#ScheduleEnd"));
        self.mark(schedule, field, new);
        Ok(End::At(end))
    }
}

/// The end of a schedule.
enum End {
    /// It has none that is known.
    None,
    /// It is over, and why.
    Over(String),
    /// Its time of UTC.
    At(String),
}

fn last_of(first: DateTime, period: Period, count: i64) -> Option<DateTime> {
    let times = count.checked_sub(1)?;
    let span = match (period.minutes(), period.months()) {
        (Some(minutes), _) => jiff::Span::new().try_minutes(minutes.checked_mul(times)?),
        (None, months) => jiff::Span::new().try_months(months?.checked_mul(times)?),
    };
    first.checked_add(span.ok()?).ok()
}
