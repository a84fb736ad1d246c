//! The demo's invented films: titles, genres and tastes.

use super::draw::Draw;

/// Dimensions of a taste, one for each genre.
pub const TASTES: usize = 6;

/// A point in the space of tastes.
pub type Taste = [f64; TASTES];

const OWN_GENRE: f64 = 1.0;
const OTHER_GENRES: f64 = 0.25;
const QUALITY: f64 = 0.35;

struct Genre {
    name: &'static str,
    nouns: [&'static str; 8],
}

const GENRES: [Genre; TASTES] = [
    Genre {
        name: "space opera",
        nouns: [
            "Nebula", "Airlock", "Orbit", "Comet", "Void", "Starship", "Eclipse", "Antenna",
        ],
    },
    Genre {
        name: "sea story",
        nouns: [
            "Lighthouse",
            "Tide",
            "Harbour",
            "Anchor",
            "Fjord",
            "Storm",
            "Île",
            "Whale",
        ],
    },
    Genre {
        name: "mystery",
        nouns: [
            "Attic",
            "Cipher",
            "Witness",
            "Staircase",
            "Alibi",
            "Orchid",
            "Ledger",
            "Séance",
        ],
    },
    Genre {
        name: "comedy",
        nouns: [
            "Wedding",
            "Neighbour",
            "Parrot",
            "Umbrella",
            "Elevator",
            "Piñata",
            "Nephew",
            "Waltz",
        ],
    },
    Genre {
        name: "western",
        nouns: [
            "Canyon",
            "Saddle",
            "Stagecoach",
            "Dust",
            "Sheriff",
            "Prairie",
            "Gold",
            "Coyote",
        ],
    },
    Genre {
        name: "kitchen drama",
        nouns: [
            "Soufflé", "Knife", "Oven", "Recipe", "Bakery", "Café", "Pepper", "Table",
        ],
    },
];

const ADJECTIVES: [&str; 24] = [
    "Silent",
    "Last",
    "Hidden",
    "Crimson",
    "Paper",
    "Second",
    "Borrowed",
    "Northern",
    "Hollow",
    "Golden",
    "Broken",
    "Midnight",
    "Distant",
    "Little",
    "Forgotten",
    "Electric",
    "Bitter",
    "Winter",
    "Glass",
    "Patient",
    "Seventh",
    "Burning",
    "Honest",
    "Crooked",
];

/// A film.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Its id, such as `f-0042`.
    pub id: String,
    /// Its title; no two films share one.
    pub title: String,
    /// Its genre.
    pub genre: &'static str,
    /// Its position in the space of tastes.
    pub(super) taste: Taste,
    /// Added to every user's rating.
    pub(super) quality: f64,
}

/// Invents films, the most popular ones first.
pub fn films(count: usize, draw: &mut Draw) -> Vec<Film> {
    // Shuffled; a title is used again, with a number, only after all have been used.
    let combinations = TASTES * 8 * ADJECTIVES.len();
    let mut order: Vec<usize> = (0..combinations).collect();
    draw.shuffle(&mut order);
    (0..count)
        .map(|index| {
            let combination = order[index % combinations];
            let genre = combination % TASTES;
            let noun = GENRES[genre].nouns[combination / TASTES % 8];
            let adjective = ADJECTIVES[combination / TASTES / 8];
            let part = index / combinations + 1;
            let title = if part == 1 {
                format!("The {adjective} {noun}")
            } else {
                format!("The {adjective} {noun}, Part {part}")
            };
            let mut taste = [0.0; TASTES].map(|_| draw.normal() * OTHER_GENRES);
            taste[genre] += OWN_GENRE;
            Film {
                id: format!("f-{index:04}"),
                title,
                genre: GENRES[genre].name,
                taste,
                quality: draw.normal() * QUALITY,
            }
        })
        .collect()
}
