//! The promotion rule: threshold, first model, gain over the champion. Pure.

use contract::RunId;
use contract::states::Verdict;
use definition::{Goal, Promotion};
use lake::records::{Champion, JudgedRows, Reevaluation};

/// A decision with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether the model may serve.
    pub verdict: Verdict,
    /// The champion's value of the same metric, if it has one.
    pub champion: Option<f64>,
    /// Why, in one line.
    pub reason: String,
}

/// Judges the model of `run`, whose metric has this (finite) value.
pub fn judge(
    promotion: &Promotion,
    run: &RunId,
    value: f64,
    champion: Option<&Champion>,
) -> Judgement {
    let metric = &promotion.metric;
    if let Some(champion) = champion.filter(|champion| champion.run == *run) {
        return Judgement {
            verdict: Verdict::Promote,
            champion: Some(champion.value).filter(|_| champion.metric == *metric),
            reason: format!("this run's model serves already, with {metric} {value}"),
        };
    }
    let comparable = champion.filter(|champion| champion.metric == *metric);
    let judgement = |verdict, reason| Judgement {
        verdict,
        champion: comparable.map(|champion| champion.value),
        reason,
    };
    if let Some(reason) = beyond_threshold(promotion, value) {
        return judgement(Verdict::Keep, reason);
    }
    match (comparable, champion) {
        (Some(champion), _) => {
            let (verdict, reason) = by_gain(promotion, value, champion.value, champion);
            judgement(verdict, reason)
        }
        (None, Some(champion)) => {
            let reason = format!(
                "the first model judged by {metric} ({value}): the champion (run {}) was judged by {}",
                champion.run, champion.metric
            );
            judgement(Verdict::Promote, reason)
        }
        (None, None) => {
            let reason = format!("the first model of this pipeline, with {metric} {value}");
            judgement(Verdict::Promote, reason)
        }
    }
}

/// Why a model with this value may not serve at all, or `None` if it may.
pub fn beyond_threshold(promotion: &Promotion, value: f64) -> Option<String> {
    let threshold = promotion.threshold?;
    let metric = &promotion.metric;
    let side = match promotion.goal {
        Goal::Minimize => "above",
        Goal::Maximize => "below",
    };
    (gain(promotion.goal, value, threshold) < 0.0).then(|| {
        format!("{metric} {value} is {side} the threshold {threshold}, so it may not serve at all")
    })
}

/// Judges the model by the metric of both models on the same rows.
pub fn judge_on_same_rows(
    promotion: &Promotion,
    own: f64,
    champion: &Champion,
    figures: &Reevaluation,
) -> Judgement {
    let champions_own = champions_own(promotion, champion);
    let JudgedRows {
        rows,
        unfit,
        trained,
    } = figures.rows;
    let of = match champions_own {
        Some(theirs) => format!("by their own validation data {own} and {theirs}"),
        None => format!("by its own validation data {own}"),
    };
    let rows = format!(
        "on the same {rows} rows ({unfit} unfit for the champion and {trained} that it was trained on left out; {of})"
    );
    let (verdict, reason) = beyond_threshold(promotion, figures.value).map_or_else(
        || by_gain(promotion, figures.value, figures.champion, champion),
        |reason| (Verdict::Keep, reason),
    );
    Judgement {
        verdict,
        champion: champions_own,
        reason: format!("{rows} {reason}"),
    }
}

/// Keeps the champion because the two cannot be compared: the champion was verified, and a
/// definition that asks for a comparison does not want a promotion without one.
pub fn keep_incomparable(promotion: &Promotion, champion: &Champion, why: &str) -> Judgement {
    let reason = format!(
        "it cannot be compared with the champion (run {}) on the same rows: {why}; to have it judged by its own \
         metric, start a run with {{\"promotion\": {{\"reevaluate\": null}}}}",
        champion.run
    );
    keep_for_now(promotion, champion, reason)
}

/// Keeps the champion, finally or for now, with this reason.
pub fn keep_for_now(promotion: &Promotion, champion: &Champion, reason: String) -> Judgement {
    Judgement {
        verdict: Verdict::Keep,
        champion: champions_own(promotion, champion),
        reason,
    }
}

/// The champion's value on its own validation data, if it was judged by the same metric.
fn champions_own(promotion: &Promotion, champion: &Champion) -> Option<f64> {
    Some(champion.value).filter(|_| champion.metric == promotion.metric)
}

/// Whether a value is better than the champion's by enough, and why.
fn by_gain(
    promotion: &Promotion,
    value: f64,
    champions: f64,
    champion: &Champion,
) -> (Verdict, String) {
    let gain = gain(promotion.goal, value, champions);
    let better = gain > promotion.minimum_gain;
    let reason = format!(
        "{} {value} against {champions} of the champion (run {}): a gain of {gain:.6}, which is {} the required {}",
        promotion.metric,
        champion.run,
        if better { "more than" } else { "not more than" },
        promotion.minimum_gain,
    );
    let verdict = if better {
        Verdict::Promote
    } else {
        Verdict::Keep
    };
    (verdict, reason)
}

/// By how much `value` is better than `other`; negative if it is worse.
fn gain(goal: Goal, value: f64, other: f64) -> f64 {
    match goal {
        Goal::Minimize => other - value,
        Goal::Maximize => value - other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::states::Verdict::{Keep, Promote};

    fn run(text: &str) -> RunId {
        RunId::parse(text).unwrap()
    }

    fn ours() -> RunId {
        run("20261120-173000-1a2b3c4d")
    }

    fn champion(metric: &str, value: f64) -> Champion {
        Champion {
            run: run("20261119-173000-00000000"),
            stack: "shop".to_owned(),
            metric: metric.to_owned(),
            value,
            model: String::new(),
            endpoint_config: None,
            endpoint: None,
            compute: None,
            dataset: String::new(),
            previous_endpoint_config: None,
            rolled_back_from: None,
        }
    }

    fn promotion(goal: Goal, threshold: Option<f64>, minimum_gain: f64) -> Promotion {
        Promotion {
            metric: "m".to_owned(),
            goal,
            threshold,
            minimum_gain,
            approval: None,
            reevaluate: None,
            register: true,
            model_package_group: None,
        }
    }

    #[test]
    fn goal_threshold_and_gain_decide() {
        use Goal::{Maximize, Minimize};
        // Goal, threshold, minimum gain, champion, value, verdict.
        let cases = [
            // The first model, without and with a threshold, which itself is good enough.
            (Minimize, None, 0.0, None, 9.0, Promote),
            (Minimize, Some(1.0), 0.0, None, 1.0, Promote),
            (Minimize, Some(1.0), 0.0, None, 1.1, Keep),
            (Maximize, Some(1.0), 0.0, None, 1.0, Promote),
            (Maximize, Some(1.0), 0.0, None, 0.9, Keep),
            // Against a champion: strictly better.
            (Minimize, None, 0.0, Some(0.5), 0.4, Promote),
            (Minimize, None, 0.0, Some(0.5), 0.5, Keep),
            (Minimize, None, 0.0, Some(0.5), 0.6, Keep),
            (Maximize, None, 0.0, Some(0.5), 0.6, Promote),
            (Maximize, None, 0.0, Some(0.5), 0.5, Keep),
            (Maximize, None, 0.0, Some(0.5), 0.4, Keep),
            // By more than the gain; a negative gain tolerates a loss.
            (Minimize, None, 0.25, Some(1.0), 0.75, Keep),
            (Minimize, None, 0.25, Some(1.0), 0.5, Promote),
            (Maximize, None, -0.25, Some(1.0), 0.875, Promote),
            (Maximize, None, -0.25, Some(1.0), 0.75, Keep),
            // The threshold binds also where the champion is worse.
            (Minimize, Some(0.3), 0.0, Some(0.5), 0.4, Keep),
        ];
        for (goal, threshold, gain, best, value, verdict) in cases {
            let best = best.map(|value| champion("m", value));
            let rule = promotion(goal, threshold, gain);
            let judgement = judge(&rule, &ours(), value, best.as_ref());
            assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
            assert_eq!(judgement.champion, best.map(|champion| champion.value));
            assert!(!judgement.reason.contains('\n'));
        }
    }

    #[test]
    fn under_another_metric_the_first_model_is_promoted_with_that_reason() {
        let rule = promotion(Goal::Minimize, None, 0.0);
        let judgement = judge(&rule, &ours(), 9.0, Some(&champion("ndcg", 0.1)));
        assert_eq!((judgement.verdict, judgement.champion), (Promote, None));
        assert!(
            judgement.reason.contains("was judged by ndcg"),
            "{}",
            judgement.reason
        );
    }

    #[test]
    fn a_run_that_serves_already_is_not_its_own_rival() {
        let rule = promotion(Goal::Minimize, Some(0.1), 0.0);
        let mut itself = champion("m", 0.5);
        itself.run = ours();
        assert_eq!(judge(&rule, &ours(), 0.5, Some(&itself)).verdict, Promote);
    }
}
