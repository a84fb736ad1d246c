//! How often a schedule starts runs: a run that takes longer than that meets the next one, which
//! then fails as `AlreadyRunning`.

use std::collections::BTreeSet;

const DAY: u32 = 24 * 60;

/// The shortest time between two starts, in minutes; none if the expression starts one run, or
/// cannot be read. Days that follow each other are assumed where an expression names days.
///
/// Source: EventBridge Scheduler user guide, "Schedule types".
pub fn shortest_period(expression: &str) -> Option<u32> {
    if let Some(rate) = inside(expression, "rate") {
        let (count, unit) = rate.trim().split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        let minutes = match unit.trim().trim_end_matches('s') {
            "minute" => 1,
            "hour" => 60,
            "day" => DAY,
            _ => return None,
        };
        return count.checked_mul(minutes);
    }
    let fields: Vec<_> = inside(expression, "cron")?.split_whitespace().collect();
    let [minute, hour, ..] = fields[..] else {
        return None;
    };
    let (minutes, hours) = (values(minute, 60)?, values(hour, 24)?);
    let starts = hours
        .iter()
        .flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute));
    let starts: Vec<_> = starts.collect();
    let next = starts.iter().skip(1).copied();
    let next = next.chain(starts.first().map(|first| first + DAY));
    starts.iter().zip(next).map(|(now, next)| next - now).min()
}

fn inside<'e>(expression: &'e str, kind: &str) -> Option<&'e str> {
    let rest = expression.trim().strip_prefix(kind)?.trim_start();
    rest.strip_prefix('(')?.strip_suffix(')')
}

/// The values of a field below `end`: `*`, `5`, `1-9`, `0/15`, and lists of these.
fn values(field: &str, end: u32) -> Option<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last): (u32, u32) = match range.split_once('-') {
            _ if range == "*" => (0, end - 1),
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None => {
                let first = range.parse().ok()?;
                (first, if step.is_some() { end - 1 } else { first })
            }
        };
        if last >= end {
            return None;
        }
        all.extend((first..=last).step_by(step.unwrap_or(1)));
    }
    Some(all)
}

/// What is wrong with a schedule for runs of so many minutes.
pub fn warning(expression: &str, minutes: f64) -> Option<String> {
    let period = shortest_period(expression)?;
    (f64::from(period) < minutes).then(|| {
        format!(
            "the schedule `{expression}` starts a run every {period} minutes at its shortest, and a run takes up to \
             {minutes:.0}: the next one would end as AlreadyRunning"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_period_is_that_between_two_starts() {
        for (expression, minutes) in [
            ("rate(5 minutes)", Some(5)),
            ("rate(1 hour)", Some(60)),
            ("rate(3 days)", Some(3 * DAY)),
            ("cron(0 3 * * ? *)", Some(DAY)),
            ("cron(7/15 * * * ? *)", Some(15)),
            ("cron(0,50 * * * ? *)", Some(10)),
            ("cron(30 3/6 * * ? *)", Some(360)),
            ("cron(0 9-17 ? * MON-FRI *)", Some(60)),
            ("cron(0 1,23 * * ? *)", Some(120)),
            ("cron(* * * * ? *)", Some(1)),
            ("at(2026-12-24T00:00:00)", None),
            ("cron(61 3 * * ? *)", None),
            ("cron(0/0 3 * * ? *)", None),
            ("rate(soon)", None),
            ("", None),
        ] {
            assert_eq!(shortest_period(expression), minutes, "{expression}");
        }
    }

    #[test]
    fn only_a_run_that_meets_the_next_one_is_warned_of() {
        let schedule = "rate(30 minutes)";
        assert_eq!(warning(schedule, 30.0), None);
        let warned = warning(schedule, 44.6).unwrap();
        assert!(warned.contains("every 30 minutes"), "{warned}");
        assert!(warned.contains("takes up to 45"), "{warned}");
    }
}
