//! Invented interactions of users with films, from a seed. Popularity follows Zipf's law, ratings
//! follow tastes, which a model can learn, and the items hold every type that real tables hold.

use super::catalogue::{self, Film, TASTES, Taste};
use super::draw::{Draw, Zipf};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

const INTERACTIONS_PER_USER: usize = 20;
const INTERACTIONS_PER_FILM: usize = 60;
const FEWEST_USERS: usize = 10;
const FEWEST_FILMS: usize = 30;
const USERS_HALF_POWERS: u32 = 1;
const FILMS_HALF_POWERS: u32 = 2;
const TRIES_FOR_UNSEEN: usize = 30;

const MEAN_RATING: f64 = 3.3;
const MILDNESS: f64 = 0.3;
const NOISE: f64 = 0.4;
// Large enough that tastes explain more than the films' qualities do.
const LIKED: f64 = 1.5;
const DISLIKED: f64 = -1.0;
const INDIFFERENT: f64 = 0.3;

const UNRATED: f64 = 0.004;
const FIRST_SECOND: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z
const SECONDS: usize = 300 * 24 * 3600;

const REVIEWS: [&str; 8] = [
    "Loved it!",
    "She said \"again?\", and I said \"again!\"",
    "First half: slow.\nSecond half: slower.\r\nStill, the ending…",
    "10/10 🍿🎬 would cry again 😭",
    "Zu lang, aber schön. Größe zählt doch.",
    "とても面白かった、もう一度見たい",
    "a,b;c\t\"quoted\", 'single' and a backslash \\ at the end\\",
    "👩‍👩‍👧 family night; café au lait; naïve plot",
];

/// Users' interactions, and the films.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    /// The films, the most popular ones first.
    pub films: Vec<Film>,
    /// The interactions.
    pub rows: Vec<Interaction>,
}

/// One user's interaction with a film.
#[derive(Debug, Clone, PartialEq)]
pub struct Interaction {
    /// The user; the partition key.
    pub user: String,
    /// Index into [`Interactions::films`].
    pub film: usize,
    /// 0.5 to 5 in halves; `None` if the user did not rate the film.
    pub rating: Option<f64>,
    item: Value,
}

struct User {
    id: String,
    taste: Taste,
    mildness: f64,
    device: &'static str,
    seen: HashSet<usize>,
}

impl Interactions {
    /// Generates `count` interactions; the same seed and count give the same ones.
    pub fn generate(seed: u64, count: usize) -> Self {
        let mut draw = Draw::new(seed);
        let films = (count / INTERACTIONS_PER_FILM).max(FEWEST_FILMS);
        let films = catalogue::films(films, &mut draw);
        let users = (count / INTERACTIONS_PER_USER).max(FEWEST_USERS);
        let mut users: Vec<_> = (0..users).map(|index| user(index, &mut draw)).collect();
        let activity = Zipf::new(users.len(), USERS_HALF_POWERS);
        let popularity = Zipf::new(films.len(), FILMS_HALF_POWERS);
        let mut keys = HashSet::new();
        let mut rows = Vec::with_capacity(count);
        while rows.len() < count {
            let user = &mut users[activity.draw(&mut draw)];
            let film = unseen(user, &popularity, &mut draw);
            let second = FIRST_SECOND + i64::try_from(draw.below(SECONDS)).unwrap_or_default();
            // A user sees a film again only at another time.
            if keys.insert((user.id.clone(), film, second)) {
                rows.push(interaction(user, film, &films[film], second, &mut draw));
                user.seen.insert(film);
            }
        }
        Self { films, rows }
    }

    /// The rows as the table's items, in DynamoDB JSON.
    pub fn items(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.rows.iter().map(Interaction::item)
    }

    /// A user's interactions, best rated first.
    pub fn of_user(&self, user: &str) -> Vec<&Interaction> {
        let mut rows: Vec<_> = self.rows.iter().filter(|row| row.user == user).collect();
        rows.sort_by(|a, b| b.rating.unwrap_or(0.0).total_cmp(&a.rating.unwrap_or(0.0)));
        rows
    }

    /// The film with an item id.
    pub fn film(&self, id: &str) -> Option<&Film> {
        self.films.iter().find(|film| film.id == id)
    }
}

impl Interaction {
    /// The table's item, in DynamoDB JSON.
    pub const fn item(&self) -> &Value {
        &self.item
    }
}

fn user(index: usize, draw: &mut Draw) -> User {
    let mut taste = [0.0; TASTES].map(|_| draw.normal() * INDIFFERENT);
    let (liked, disliked) = (draw.below(TASTES), draw.below(TASTES));
    taste[disliked] += DISLIKED;
    taste[liked] += LIKED;
    User {
        id: format!("u-{index:05}"),
        taste,
        mildness: draw.normal() * MILDNESS,
        device: draw.one_of(&["phone", "tablet", "tv", "laptop"]),
        seen: HashSet::new(),
    }
}

fn unseen(user: &User, popularity: &Zipf, draw: &mut Draw) -> usize {
    let mut film = popularity.draw(draw);
    for _ in 0..TRIES_FOR_UNSEEN {
        if !user.seen.contains(&film) {
            break;
        }
        film = popularity.draw(draw);
    }
    film
}

fn rating(user: &User, film: &Film, draw: &mut Draw) -> f64 {
    let affinity: f64 = user.taste.iter().zip(&film.taste).map(|(a, b)| a * b).sum();
    let exact = MEAN_RATING + user.mildness + film.quality + affinity + draw.normal() * NOISE;
    ((exact * 2.0).round() / 2.0).clamp(0.5, 5.0)
}

fn interaction(
    user: &User,
    place: usize,
    film: &Film,
    second: i64,
    draw: &mut Draw,
) -> Interaction {
    let rating = rating(user, film, draw);
    let rating = (!draw.chance(UNRATED)).then_some(rating);
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
    let mut item = Map::new();
    let mut put = |name: &str, kind: &str, value: Value| {
        item.insert(name.to_owned(), json!({ kind: value }));
    };
    put("user_id", "S", json!(user.id));
    put("event_id", "S", json!(format!("{}#{at}", film.id)));
    put("item_id", "S", json!(film.id));
    put("item_title", "S", json!(film.title));
    put("genre", "S", json!(film.genre));
    put("event_type", "S", json!(event_type(rating, draw)));
    put("at", "S", json!(at.to_string()));
    if let Some(rating) = rating {
        put("rating", "N", json!(rating.to_string()));
    }
    put("context", "M", context(user, draw));
    if draw.chance(0.6) {
        put("tags", "SS", tags(film, draw));
    }
    if draw.chance(0.2) {
        let first = draw.below(8) + 1;
        put(
            "chapters",
            "NS",
            json!([first.to_string(), format!("{}.5", first + 1)]),
        );
    }
    if draw.chance(0.3) {
        put(
            "favourite",
            "BOOL",
            json!(rating.is_some_and(|rating| rating >= 4.5)),
        );
    }
    if draw.chance(0.15) {
        put("review", "S", json!(draw.one_of(&REVIEWS)));
    }
    if draw.chance(0.05) {
        put("referrer", "NULL", json!(true));
    }
    if draw.chance(0.03) {
        let positions = [
            json!({"N": "12"}),
            json!({"S": "credits"}),
            json!({"L": []}),
        ];
        put("positions", "L", json!(positions));
    }
    if draw.chance(0.01) {
        put("ledger_number", "N", json!(draw.digits(38)));
    }
    if draw.chance(0.005) {
        put("thumbnail", "B", json!(STANDARD.encode(draw.bytes(24))));
    }
    Interaction {
        user: user.id.clone(),
        film: place,
        rating,
        item: Value::Object(item),
    }
}

fn event_type(rating: Option<f64>, draw: &mut Draw) -> &'static str {
    match rating {
        None => "view",
        Some(_) if draw.chance(0.7) => "rate",
        Some(rating) if rating >= 4.0 => draw.one_of(&["purchase", "share"]),
        Some(_) => "abandon",
    }
}

fn context(user: &User, draw: &mut Draw) -> Value {
    let device = if draw.chance(0.9) {
        user.device
    } else {
        "laptop"
    };
    let os = match device {
        "tv" => "tvOS",
        "laptop" => "Linux",
        _ => draw.one_of(&["Android", "iOS"]),
    };
    let version = format!("{}.{}", draw.below(3) + 1, draw.below(10));
    let mut context = json!({
        "device": {"S": device},
        "os": {"S": os},
        "app": {"M": {"version": {"S": version}, "beta": {"BOOL": draw.chance(0.1)}}},
    });
    if draw.chance(0.5) {
        let country = draw.one_of(&["AT", "BR", "CH", "JP", "NO"]);
        context["country"] = json!({ "S": country });
    }
    context
}

fn tags(film: &Film, draw: &mut Draw) -> Value {
    let moods = ["cosy", "tense", "slow", "with popcorn 🍿"];
    json!([film.genre, draw.one_of(&moods)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 20_000;

    #[test]
    fn the_same_seed_gives_the_same_and_another_another() {
        let first = Interactions::generate(7, 500);
        assert_eq!(first, Interactions::generate(7, 500));
        assert_ne!(first.rows, Interactions::generate(8, 500).rows);
    }

    #[test]
    fn keys_are_unique_whatever_the_size() {
        for count in [0, 1, 100, 5000] {
            let interactions = Interactions::generate(3, count);
            let keys: HashSet<_> = interactions
                .items()
                .map(|item| {
                    (
                        item["user_id"]["S"].as_str(),
                        item["event_id"]["S"].as_str(),
                    )
                })
                .collect();
            assert_eq!((interactions.rows.len(), keys.len()), (count, count));
        }
    }

    #[test]
    fn titles_are_unique() {
        let films = catalogue::films(3000, &mut Draw::new(1));
        let titles: HashSet<_> = films.iter().map(|film| &film.title).collect();
        assert_eq!(titles.len(), films.len());
    }

    #[test]
    fn ratings_are_halves_and_few_are_missing() {
        let interactions = Interactions::generate(42, COUNT);
        let mut missing = 0;
        for row in &interactions.rows {
            let Some(rating) = row.rating else {
                assert!(row.item().get("rating").is_none());
                missing += 1;
                continue;
            };
            assert!(
                (0.5..=5.0).contains(&rating) && (rating * 2.0).fract() == 0.0,
                "{rating}"
            );
            assert_eq!(row.item()["rating"]["N"], rating.to_string());
        }
        assert!(missing > 0 && missing * 100 < COUNT, "{missing}");
    }

    #[test]
    fn popularity_falls_off() {
        let interactions = Interactions::generate(42, COUNT);
        let mut counts = vec![0_usize; interactions.films.len()];
        for row in &interactions.rows {
            counts[row.film] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let popular: usize = counts[..counts.len() / 5].iter().sum();
        assert!(
            popular * 2 > COUNT,
            "a fifth of the films has most interactions: {popular}"
        );
    }

    #[test]
    fn tastes_explain_more_than_users_and_films_do() {
        let interactions = Interactions::generate(42, COUNT);
        let genres: Vec<_> = interactions.films.iter().map(|film| film.genre).collect();
        // The mean by user and genre is a model of tastes; the mean by user knows none.
        let residual = |key: &dyn Fn(&Interaction) -> String| {
            let mut sums = std::collections::HashMap::<String, (f64, f64)>::new();
            let rated = || {
                interactions
                    .rows
                    .iter()
                    .filter_map(|row| Some((row, row.rating?)))
            };
            for (row, rating) in rated() {
                let (sum, count) = sums.entry(key(row)).or_default();
                *sum += rating;
                *count += 1.0;
            }
            rated()
                .map(|(row, rating)| (rating - sums[&key(row)].0 / sums[&key(row)].1).powi(2))
                .sum::<f64>()
        };
        let by_user = residual(&|row| row.user.clone());
        let by_taste = residual(&|row| format!("{} {}", row.user, genres[row.film]));
        assert!(by_taste < 0.7 * by_user, "{by_taste} against {by_user}");
    }

    #[test]
    fn everything_that_tables_hold_occurs() {
        let interactions = Interactions::generate(42, COUNT);
        let text: Vec<_> = interactions.items().map(Value::to_string).collect();
        let occurs = |pattern: &str| text.iter().any(|item| item.contains(pattern));
        for kind in ["SS", "NS", "BOOL", "NULL", "L", "B", "M"] {
            assert!(occurs(&format!("{{\"{kind}\":")), "{kind}");
        }
        for inside in ["🍿", "\\n", "\\\"", "もう一度", "\\\\"] {
            assert!(occurs(inside), "{inside}");
        }
        let longest = interactions
            .items()
            .filter_map(|item| item["ledger_number"]["N"].as_str());
        assert!(longest.map(str::len).all(|digits| digits == 38));
        assert!(occurs("ledger_number"));
        let names: HashSet<_> = interactions
            .items()
            .map(|item| item.as_object().unwrap().len())
            .collect();
        assert!(
            names.len() > 4,
            "items differ in which attributes they have"
        );
    }
}
