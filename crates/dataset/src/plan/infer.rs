//! Infers a column from an attribute's profile: its encoding, and whether it is a sensible feature.

use crate::plan::table;
use definition::Encoding;
use dynamodb_json::Kind;
use profile::Attribute;
use profile::Profile;

/// Mean length, in characters, from which on mostly unique text is left out.
const LONG_MEAN: u64 = 20;

/// Length, in characters, from which on a text is prose.
const PROSE: u64 = 256;

/// The number of distinct values of an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Distinctness {
    /// The profile lists all.
    Exactly(u64),
    /// Estimated by a sketch.
    About(u64),
}

impl Distinctness {
    pub(crate) fn of(path: &str, profile: &Profile) -> Self {
        match profile.distinct(path) {
            Some(distinct) => Self::Exactly(distinct as u64),
            None => profile
                .sketch(path)
                .map_or(Self::Exactly(0), |sketch| Self::About(sketch.count())),
        }
    }
}

/// The encoding that fits the types of an attribute's values.
///
/// Numbers alone are numbers, booleans alone are booleans, and text, with or without numbers, is
/// ordinal. Anything else has no encoding; the reason completes "… has …, which".
pub(crate) fn encoding(attribute: &Attribute) -> Result<Encoding, &'static str> {
    // A few values of other types do not decide: they are rejected.
    match table::main_kind(attribute) {
        Some(Kind::N) => return Ok(Encoding::Number),
        Some(Kind::Bool) => return Ok(Encoding::Boolean),
        _ => {}
    }
    match attribute.types.kinds().as_slice() {
        [Kind::N] => Ok(Encoding::Number),
        [Kind::Bool] => Ok(Encoding::Boolean),
        [Kind::S] | [Kind::S, Kind::N] => Ok(Encoding::Ordinal),
        [] => Err("hold nothing to learn from"),
        [_] => Err("have no numeric encoding"),
        _ => Err("no one encoding covers"),
    }
}

/// The types of an attribute's values, in words.
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

/// From this number of items on, unique texts are identifiers.
const MANY: u64 = 20;

/// Whether all values of an attribute are distinct, as far as known.
fn is_unique(attribute: &Attribute, distinct: Distinctness) -> bool {
    let values = attribute.types.of(Kind::S) + attribute.types.of(Kind::N);
    match distinct {
        Distinctness::Exactly(distinct) => distinct == values && values > 1,
        // The sketch errs by a few per cent.
        Distinctness::About(distinct) => distinct * 10 >= values * 9,
    }
}

/// Why a key attribute only identifies its item, if it does: its values are all distinct, however
/// short.
pub(crate) fn identifying_key(
    attribute: &Attribute,
    distinct: Distinctness,
    items: u64,
) -> Option<String> {
    let values = attribute.types.of(Kind::S) + attribute.types.of(Kind::N);
    (values == items && is_unique(attribute, distinct)).then(|| {
        "is a key attribute with a value of its own in every item, which says nothing of others; declare it in `dataset.columns` if it does"
            .to_owned()
    })
}

/// The same for text of any attribute.
pub(crate) fn identifying_text(attribute: &Attribute, distinct: Distinctness) -> Option<String> {
    let texts = attribute.types.of(Kind::S);
    let are_texts = attribute.types.of(Kind::N) == 0 && texts >= MANY;
    (are_texts && is_unique(attribute, distinct)).then(|| {
        format!(
            "is an identifier: it has another text in each of {texts} items; declare it in `dataset.columns` if it is none"
        )
    })
}

/// Why an attribute is prose, an identifier or a timestamp, if it is; such text is not a category.
pub(crate) fn no_category(attribute: &Attribute, distinct: Distinctness) -> Option<String> {
    let texts = attribute.texts.as_ref()?;
    let is_overflowed = !matches!(distinct, Distinctness::Exactly(_));
    let mean = texts.total_length / attribute.types.of(Kind::S).max(1);
    // One long text among short ones is a category like them.
    if texts.max_length >= PROSE && (mean >= LONG_MEAN || is_overflowed) {
        return Some(format!(
            "is free text, up to {} characters long",
            texts.max_length
        ));
    }
    let count = attribute.types.of(Kind::S);
    let values = count + attribute.types.of(Kind::N);
    let (about, distinct, is_long) = match distinct {
        Distinctness::Exactly(distinct) => ("", distinct, mean >= LONG_MEAN),
        // This many mostly unique values are not categories, however short they are.
        Distinctness::About(distinct) => ("about ", distinct.min(values), true),
    };
    (distinct * 2 > values && is_long).then(|| {
        format!(
            "is free text, an identifier or a timestamp: {about}{distinct} distinct values among {values}, {mean} characters on average"
        )
    })
}
