//! What an attribute's profile makes of it: its encoding, and whether it is a sensible feature when
//! nobody asked for it. It must not know of declared columns.

use definition::Encoding;
use dynamodb_json::Kind;
use profile::Attribute;
use profile::EXACT_INTEGERS;
use profile::Profile;

/// Mean length, in characters, from which text whose values mostly occur once is left out.
const LONG_MEAN: u64 = 20;

/// Length, in characters, from which a text is prose.
const PROSE: u64 = 256;

/// How many distinct values an attribute has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Distinctness {
    /// The profile has them all.
    Exactly(u64),
    /// They were counted by a sketch.
    About(u64),
    /// Some were not seen.
    Unknown,
}

impl Distinctness {
    pub(crate) fn of(path: &str, profile: &Profile) -> Self {
        match profile.distinct(path) {
            Some(distinct) => Self::Exactly(distinct as u64),
            None => profile
                .sketch(path)
                .map_or(Self::Unknown, |sketch| Self::About(sketch.count())),
        }
    }
}

/// The encoding that fits the types of an attribute's values.
///
/// Numbers alone are numbers, booleans alone are booleans, and text, with or without numbers among
/// it, is ordinal. All else is no cell; the reason completes "… has …, which".
pub(crate) fn encoding(attribute: &Attribute) -> Result<Encoding, &'static str> {
    match attribute.types.kinds().as_slice() {
        [Kind::N] => Ok(Encoding::Number),
        [Kind::Bool] => Ok(Encoding::Boolean),
        [Kind::S] | [Kind::S, Kind::N] => Ok(Encoding::Ordinal),
        [] => Err("say nothing to learn from"),
        [_] => Err("have no numeric encoding"),
        _ => Err("no one encoding covers"),
    }
}

/// The types of an attribute's values, for people.
pub(crate) fn found(attribute: &Attribute) -> String {
    match attribute.types.kinds().as_slice() {
        [] => "nulls alone".to_owned(),
        [kind] => format!("values of type {kind}"),
        kinds => {
            let tags: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
            format!("values of types {}", tags.join(", "))
        }
    }
}

/// The greatest whole number by size, if all are whole numbers and float32 would round it.
pub(crate) fn rounded(attribute: &Attribute) -> Option<f64> {
    let numbers = attribute
        .numbers
        .as_ref()
        .filter(|numbers| numbers.integers)?;
    let largest = numbers.maximum.abs().max(numbers.minimum.abs());
    (largest > EXACT_INTEGERS).then_some(largest)
}

/// Whether an attribute is prose, an identifier or a timestamp, and why; such text is no category.
pub(crate) fn no_category(attribute: &Attribute, distinct: Distinctness) -> Option<String> {
    let texts = attribute.texts.as_ref()?;
    if texts.max_length >= PROSE {
        return Some(format!(
            "is free text, up to {} characters long",
            texts.max_length
        ));
    }
    let count = attribute.types.of(Kind::S);
    let mean = texts.total_length / count.max(1);
    let values = count + attribute.types.of(Kind::N);
    let (about, distinct, is_long) = match distinct {
        Distinctness::Exactly(distinct) => ("", distinct, mean >= LONG_MEAN),
        // So many that mostly occur once are no categories, however short they are.
        Distinctness::About(distinct) => ("about ", distinct.min(values), true),
        Distinctness::Unknown => return None,
    };
    (distinct * 2 > values && is_long).then(|| {
        format!(
            "is free text, an identifier or a timestamp: {about}{distinct} distinct values among {values}, {mean} characters on average"
        )
    })
}
