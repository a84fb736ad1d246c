//! Which attribute is the label: the candidates, best first, each with its reason.

use dataset::Surveyed;
use definition::Encoding;
use dynamodb_json::Path;

/// Names that labels have, and nothing else.
const LABELS: [&str; 27] = [
    "label",
    "target",
    "outcome",
    "class",
    "y",
    "churn",
    "churned",
    "rating",
    "stars",
    "converted",
    "conversion",
    "purchased",
    "bought",
    "clicked",
    "fraud",
    "fraudulent",
    "defaulted",
    "survived",
    "won",
    "cancelled",
    "canceled",
    "returned",
    "approved",
    "accepted",
    "response",
    "spam",
    "readmitted",
];

/// Words beside such a name that change nothing: `is_fraud`, `hasChurned`.
const BESIDE: [&str; 7] = ["is", "has", "was", "did", "the", "final", "true"];

/// Names of what is often predicted, and as often predicts.
const OFTEN: [&str; 13] = [
    "price", "amount", "score", "value", "revenue", "sales", "duration", "status", "type",
    "category", "count", "total", "result",
];

/// The most values of a text that is a class.
pub const MOST_CLASSES: u64 = 100;

/// An attribute that may be the label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its path.
    pub path: String,
    /// Why it is one, as a phrase.
    pub why: String,
    /// Whether its name is one that labels have.
    pub is_named_so: bool,
    points: u32,
}

/// The candidates, best first: attributes that vary, that most items have, and that are numbers or
/// classes; neither keys nor moments.
pub fn candidates(survey: &[Surveyed], keys: &[String], items: u64) -> Vec<Candidate> {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| Path::attribute(key).to_string())
        .collect();
    let fit = survey
        .iter()
        .filter(|it| !keys.contains(&it.path) && it.moments.is_none() && !it.is_constant)
        .filter(|it| it.values * 2 >= items && it.distinct != Some(1));
    let mut found: Vec<_> = fit.filter_map(candidate).collect();
    found.sort_by(|one, other| {
        let order = other.points.cmp(&one.points);
        order.then_with(|| one.path.cmp(&other.path))
    });
    found
}

/// The label, if one candidate alone has a name that labels have.
pub fn clear(candidates: &[Candidate]) -> Option<&Candidate> {
    let mut named = candidates.iter().filter(|it| it.is_named_so);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The label that a person's answer names: by its number from 1 in the list, or by its path.
/// `None` if the answer is empty.
pub fn answered(answer: &str, candidates: &[Candidate]) -> Option<String> {
    let answer = answer.trim();
    let number = answer.parse::<usize>().ok();
    let numbered = number.and_then(|at| candidates.get(at.checked_sub(1)?));
    match numbered {
        Some(candidate) => Some(candidate.path.clone()),
        None => (!answer.is_empty()).then(|| answer.to_owned()),
    }
}

fn candidate(surveyed: &Surveyed) -> Option<Candidate> {
    let (encoding, is_number) = surveyed.inferred.as_ref().ok()?;
    let values = surveyed.distinct;
    let (points, kind) = match (encoding, values) {
        (Encoding::Boolean, _) => (30, "is true or false".to_owned()),
        (Encoding::Ordinal, Some(2)) => (30, "has two values".to_owned()),
        (Encoding::Ordinal, Some(count)) if count <= MOST_CLASSES => {
            (20, format!("has {count} different texts"))
        }
        (Encoding::Number, Some(2)) => (30, "is one of two numbers".to_owned()),
        (Encoding::Number, _) if *is_number => (10, "is text that spells numbers".to_owned()),
        (Encoding::Number, _) => (10, "is a number".to_owned()),
        _ => return None,
    };
    let words = words(&surveyed.path);
    let is_named_so = words.iter().any(|word| LABELS.contains(&word.as_str()))
        && words
            .iter()
            .all(|word| LABELS.contains(&word.as_str()) || BESIDE.contains(&word.as_str()));
    let is_often = words.iter().any(|word| OFTEN.contains(&word.as_str()));
    let (more, named) = match (is_named_so, is_often) {
        (true, _) => (200, ", and its name is one that labels have"),
        (false, true) => (100, ", and its name is one of what is often predicted"),
        (false, false) => (0, ""),
    };
    let is_nested = surveyed.path.contains('.');
    Some(Candidate {
        path: surveyed.path.clone(),
        why: format!("{kind}{named}"),
        is_named_so,
        points: points + more + u32::from(!is_nested) * 5,
    })
}

/// The words of a path's last name, small: `is_fraud` and `isFraud` are `is` and `fraud`.
pub fn words(path: &str) -> Vec<String> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        let begins = letter.is_uppercase() && was_small || !letter.is_alphanumeric();
        if begins {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            let word = words.last_mut().expect("there is a first word");
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(words("user.hasChurned"), ["has", "churned"]);
        assert_eq!(words("is-fraud_2"), ["is", "fraud", "2"]);
        assert_eq!(words("RATING"), ["rating"]);
    }

    fn surveyed(path: &str, encoding: Encoding, distinct: u64) -> Surveyed {
        Surveyed {
            path: path.to_owned(),
            values: 100,
            distinct: Some(distinct),
            is_constant: distinct == 1,
            moments: None,
            inferred: Ok((encoding, false)),
        }
    }

    #[test]
    fn a_label_is_clear_if_one_name_alone_says_so() {
        let mut survey = vec![
            surveyed("id", Encoding::Ordinal, 2),
            surveyed("constant_target", Encoding::Number, 1),
            surveyed("price", Encoding::Number, 90),
            surveyed("item.rating", Encoding::Number, 9),
            surveyed("favourite", Encoding::Boolean, 2),
            surveyed("comment", Encoding::Ordinal, 101),
        ];
        let found = candidates(&survey, &["id".to_owned()], 100);
        let paths: Vec<_> = found.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["item.rating", "price", "favourite"]);
        assert_eq!(clear(&found).unwrap().path, "item.rating");
        assert_eq!(answered(" 2\n", &found).as_deref(), Some("price"));
        assert_eq!(answered("id\n", &found).as_deref(), Some("id"));
        assert_eq!(
            answered("4", &found).as_deref(),
            Some("4"),
            "it may be a name"
        );
        assert_eq!(answered("\n", &found), None);
        survey.push(surveyed("target", Encoding::Number, 9));
        assert_eq!(clear(&candidates(&survey, &[], 100)), None);
    }
}
