//! Which attributes are columns, and which of them orders the rows.

use super::candidates::words;
use dataset::Surveyed;
use definition::Encoding;
use dynamodb_json::Kind;
use profile::Profile;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Words of the names of an item's own moment, the best first.
const MOMENTS: [&str; 10] = [
    "created",
    "timestamp",
    "ts",
    "at",
    "time",
    "date",
    "datetime",
    "occurred",
    "ordered",
    "day",
];

/// Words of the names of other moments: they change, lie in the future, or are not the item's.
const OTHERS: [&str; 11] = [
    "updated", "modified", "changed", "expires", "expiry", "ttl", "due", "end", "ends", "birth",
    "deleted",
];

/// A column is rare if fewer than one item in so many has it: a sample may then miss it.
const RARE: u64 = 50;

/// The columns of a definition.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The columns as a definition has them, each with what is known of its values.
    pub columns: Vec<(Value, String)>,
    /// The attributes that are left out, each with the reason.
    pub left_out: Vec<(Value, String)>,
    /// The columns that few items have.
    pub rare: Vec<String>,
}

/// Chooses the columns as a run would, less constants and the moment that orders the rows. If they
/// are `only` some, their order is that of `only`: the recommender finds them by their positions.
pub fn choose(
    survey: &[Surveyed],
    label: &str,
    time: Option<&str>,
    only: Option<&[String]>,
    profile: &Profile,
) -> Chosen {
    let mut chosen = Chosen::default();
    for surveyed in survey.iter().filter(|it| it.path != label) {
        let path = &surveyed.path;
        let is_other = only.is_some_and(|only| !only.contains(path));
        let column = match &surveyed.inferred {
            _ if time == Some(path.as_str()) => Err("orders the rows, in `split.time`".to_owned()),
            _ if surveyed.is_constant => Err("has the same value in every sampled item".to_owned()),
            Ok(_) if is_other => Err("is not read by the recommender".to_owned()),
            Ok((encoding, from_text)) => Ok(column(path, *encoding, *from_text)),
            Err(reason) => Err(reason.clone()),
        };
        match column {
            Ok(column) => {
                if surveyed.values * RARE < profile.items() {
                    chosen.rare.push(path.clone());
                }
                chosen.columns.push((column, known(surveyed, profile)));
            }
            Err(reason) => chosen.left_out.push((json!(path), reason)),
        }
    }
    if let Some(only) = only {
        let position = |column: &Value| only.iter().position(|path| column["path"] == **path);
        chosen.columns.sort_by_key(|(column, _)| position(column));
    }
    chosen
}

fn column(path: &str, encoding: Encoding, from_text: bool) -> Value {
    let mut column = json!({"path": path, "encoding": encoding});
    if from_text {
        column["fromText"] = Value::Bool(true);
    }
    column
}

/// What is known of a column's values, as a phrase.
fn known(surveyed: &Surveyed, profile: &Profile) -> String {
    let attribute = profile.attribute(&surveyed.path);
    let is_text = attribute.is_some_and(|it| it.types.of(Kind::S) > 0);
    let numbers = attribute.and_then(|it| it.numbers.as_ref());
    let mut phrase = match (surveyed.distinct, numbers) {
        (_, Some(numbers)) if !is_text => format!("{} to {}", numbers.minimum, numbers.maximum),
        (Some(count), _) if is_text => format!("{count} texts"),
        (None, _) if is_text => "many texts".to_owned(),
        _ => "true or false".to_owned(),
    };
    let missing = profile.items().saturating_sub(surveyed.values);
    if missing > 0 {
        let share = missing as f64 * 100.0 / profile.items() as f64;
        // Writing to memory cannot fail.
        let _ = write!(phrase, "; missing in {share:.1} %, as an empty cell");
    }
    phrase
}

/// The attribute whose moment orders the rows, if nearly all items have one. Numbers need a name
/// that says what they are.
pub fn time<'s>(survey: &'s [Surveyed], label: &str, items: u64) -> Option<&'s Surveyed> {
    let moments = survey.iter().filter(|it| {
        let varies = it.distinct.is_none_or(|count| count >= 10);
        it.moments.is_some() && varies && it.path != label && it.values * 20 >= items * 19
    });
    let ranked = moments.filter_map(|it| {
        let words = words(&it.path);
        if words.iter().any(|word| OTHERS.contains(&word.as_str())) {
            return None;
        }
        let place = |word: &String| MOMENTS.iter().position(|known| known == word);
        match words.iter().filter_map(place).min() {
            Some(place) => Some((place, it)),
            None if it.moments == Some(Kind::S) => Some((MOMENTS.len(), it)),
            None => None,
        }
    });
    ranked.min_by_key(|(place, _)| *place).map(|(_, it)| it)
}

/// The column of users and the column of items, by their names.
pub fn pair(survey: &[Surveyed], label: &str) -> Result<[String; 2], &'static str> {
    const USERS: [&str; 6] = ["user", "customer", "member", "visitor", "client", "account"];
    const ITEMS: [&str; 9] = [
        "item", "product", "film", "movie", "sku", "article", "song", "track", "book",
    ];
    let of = |names: &[&str]| {
        let fit = survey
            .iter()
            .filter(|it| it.path != label && !it.is_constant);
        let mut texts = fit.filter(|it| matches!(it.inferred, Ok((Encoding::Ordinal, false))));
        let found = texts.find(|it| words(&it.path).iter().any(|w| names.contains(&w.as_str())));
        found.map(|it| it.path.clone())
    };
    let user = of(&USERS).ok_or("the users")?;
    let item = of(&ITEMS).ok_or("the items")?;
    Ok([user, item])
}
