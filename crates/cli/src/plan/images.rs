//! What the lake's own images cost in each class of storage, by their sizes, and which is the
//! cheapest.

use super::steps::size;
use super::text::dollars;
use crate::place::Settings;
use crate::progress::count;
use crate::text::Table;
use definition::Definition;
use definition::prices::{COLDER, COLDER_LEAST_BYTES, STANDARD, StorageClass};
use lake::records::{SizeClass, SourcePlan};
use raw_export::Planned;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// Days that are compared where images are kept for ever.
const FIVE_YEARS: u32 = 1825;
/// Days after which images move in the comparison, where the stack has none: S3 moves nothing
/// younger to Standard-IA.
const DAYS: u32 = 30;
const DAYS_OF_MONTH: f64 = 30.0;
const GB: f64 = (1_u64 << 30) as f64;

/// What the images cost that are below the prefix now, from the day they came.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImagesRow {
    /// Images, and their bytes.
    pub images: u64,
    /// Bytes of the images.
    pub bytes: u64,
    /// The images by size, from the smallest on.
    pub sizes: Vec<SizeRow>,
    /// Days for which an image is kept: the stack's, or else five years.
    pub kept_days: u32,
    /// The storage classes, cheapest first.
    pub classes: Vec<ClassRow>,
}

/// Images of about a size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SizeRow {
    /// Each has fewer bytes; absent for the largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<u64>,
    /// Images.
    pub images: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A storage class.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClassRow {
    /// `STANDARD`, `STANDARD_IA` or `GLACIER_IR`.
    pub class: String,
    /// Days after which images move there; 0 for `STANDARD`.
    pub after_days: u32,
    /// US dollars for storing all images for the days that they are kept, and for moving them.
    pub dollars: f64,
    /// How often a month everything may be read so that it costs less than `STANDARD`; absent for
    /// `STANDARD`, and if it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readings_per_month: Option<f64>,
    /// Whether the stack's parameters ask for it.
    pub is_set: bool,
}

/// What the images of a definition cost. `None` if they are not in the lake, where the stack's rules
/// move and remove them.
pub fn kept(definition: &Definition, planned: &Planned, settings: Settings) -> Option<ImagesRow> {
    let source = definition.source.images()?;
    let Some(SourcePlan::Images(plan)) = &planned.source else {
        return None;
    };
    (source.bucket.is_none() && !plan.sizes.is_empty()).then(|| row(&plan.sizes, settings))
}

fn row(sizes: &[SizeClass], settings: Settings) -> ImagesRow {
    let kept_days = match settings.images_expiry_days {
        0 => FIVE_YEARS,
        days => days,
    };
    let set_class = settings.images_cold_class.name();
    let is_moved = settings.images_cold_days > 0;
    let after_days = if is_moved {
        settings.images_cold_days
    } else {
        DAYS
    };
    let standard = Kept::of(sizes, &STANDARD, 0, kept_days);
    let mut classes = vec![ClassRow {
        class: STANDARD.name.to_owned(),
        after_days: 0,
        dollars: standard.dollars,
        readings_per_month: None,
        is_set: !is_moved,
    }];
    for class in &COLDER {
        let cold = Kept::of(sizes, class, after_days, kept_days);
        let saved = standard.dollars - cold.dollars;
        let months = cold.days / DAYS_OF_MONTH;
        let reading = cold.reading * months;
        classes.push(ClassRow {
            class: class.name.to_owned(),
            after_days,
            dollars: cold.dollars,
            readings_per_month: (saved > 0.0 && reading > 0.0).then(|| saved / reading),
            is_set: is_moved && class.name == set_class,
        });
    }
    classes.sort_by(|one, two| one.dollars.total_cmp(&two.dollars));
    ImagesRow {
        images: sizes.iter().map(|class| class.images).sum(),
        bytes: sizes.iter().map(|class| class.bytes).sum(),
        sizes: sizes
            .iter()
            .map(|class| SizeRow {
                below: class.below,
                images: class.images,
                bytes: class.bytes,
            })
            .collect(),
        kept_days,
        classes,
    }
}

/// What keeping images in a class takes.
struct Kept {
    /// Storage and transitions.
    dollars: f64,
    /// Days in the class.
    days: f64,
    /// Dollars that a reading of everything costs more than in Standard.
    reading: f64,
}

impl Kept {
    fn of(sizes: &[SizeClass], class: &StorageClass, after_days: u32, kept_days: u32) -> Self {
        let kept = f64::from(kept_days);
        let warm = f64::from(after_days).min(kept);
        let cold = kept - warm;
        // Nothing moves that is removed before.
        let moves = cold > 0.0 && class.name != STANDARD.name;
        let billed = if moves {
            cold.max(class.least_days)
        } else {
            0.0
        };
        let mut all = Self {
            dollars: 0.0,
            days: if moves { cold } else { 0.0 },
            reading: 0.0,
        };
        for of_size in sizes {
            let (images, gb) = (of_size.images as f64, of_size.bytes as f64 / GB);
            let is_small = of_size
                .below
                .is_some_and(|below| below <= COLDER_LEAST_BYTES);
            if !moves || is_small {
                all.dollars += gb * STANDARD.gb_month * kept / DAYS_OF_MONTH;
                continue;
            }
            let months = (warm * STANDARD.gb_month + billed * class.gb_month) / DAYS_OF_MONTH;
            all.dollars += gb * months + images * class.transition;
            all.reading += gb * class.retrieval_gb + images * (class.get - STANDARD.get);
        }
        all
    }
}

impl ImagesRow {
    fn set(&self) -> Option<&ClassRow> {
        self.classes.iter().find(|class| class.is_set)
    }

    /// Whether the class that is set loses money, and what else may be a mistake.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let standard = self.classes.iter().find(|it| it.class == STANDARD.name);
        if let (Some(set), Some(standard)) = (self.set(), standard)
            && set.after_days > 0
            && set.dollars > standard.dollars
        {
            warnings.push(format!(
                "ImagesColdClass {} after {} days costs {} more than leaving the images in STANDARD: set ImagesColdDays to 0",
                set.class,
                set.after_days,
                dollars(set.dollars - standard.dollars),
            ));
        }
        let least = COLDER.iter().find(|class| {
            self.set().is_some_and(|set| {
                let stays = f64::from(self.kept_days) - f64::from(set.after_days);
                set.class == class.name && stays > 0.0 && stays < class.least_days
            })
        });
        if let Some(class) = least {
            warnings.push(format!(
                "images are removed after {} days, and {} bills {} days after a move: they are paid for longer than they are kept",
                self.kept_days, class.name, class.least_days
            ));
        }
        if self
            .set()
            .is_some_and(|set| set.after_days >= self.kept_days)
        {
            warnings.push(format!(
                "ImagesColdDays moves nothing: images are removed after {} days",
                self.kept_days
            ));
        }
        let small = self.sizes.iter();
        let small = small.filter(|it| it.below.is_some_and(|below| below <= COLDER_LEAST_BYTES));
        let small: u64 = small.map(|it| it.bytes).sum();
        if self.set().is_some_and(|set| set.after_days > 0) && small * 2 > self.bytes {
            warnings.push(format!(
                "{} of {} are images below 128 KB, which stay in STANDARD",
                size(small),
                size(self.bytes)
            ));
        }
        warnings
    }

    /// What a person reads.
    pub fn text(&self) -> String {
        let mut text = format!(
            "images: {}, {}, for {} days\n",
            count(self.images),
            size(self.bytes),
            count(self.kept_days.into())
        );
        let mut table = Table::new(&["STORAGE CLASS", "AFTER", "COSTS", "PAYS UP TO"]);
        for (at, row) in self.classes.iter().enumerate() {
            let mut marks = String::new();
            if at == 0 {
                marks.push_str(", the cheapest");
            }
            if row.is_set {
                marks.push_str(", as set");
            }
            let after = match row.after_days {
                0 => String::new(),
                days => format!("{days} days"),
            };
            let readings = row.readings_per_month;
            let readings = readings.map(|often| format!("{often:.2} readings a month"));
            table.row([
                format!("{}{marks}", row.class),
                after,
                dollars(row.dollars),
                readings.unwrap_or_default(),
            ]);
        }
        // Writing to memory cannot fail.
        let _ = write!(text, "{table}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::ColdClass;

    /// A day of 100 GiB, in images of this size.
    fn day(bytes: u64) -> [SizeClass; 1] {
        let all = 100 << 30;
        [SizeClass {
            below: if bytes < 128 << 10 {
                Some(128 << 10)
            } else {
                None
            },
            images: all / bytes,
            bytes: all,
        }]
    }

    fn set(class: ColdClass, after: u32, expiry: u32) -> Settings {
        Settings {
            images_cold_class: class,
            images_cold_days: after,
            images_expiry_days: expiry,
            ..Settings::DEFAULT
        }
    }

    fn order(row: &ImagesRow) -> Vec<&str> {
        row.classes
            .iter()
            .map(|class| class.class.as_str())
            .collect()
    }

    #[test]
    fn the_cheapest_class_follows_the_sizes_and_the_days() {
        let year = set(ColdClass::GlacierIr, 30, 365);
        let large = row(&day(250 << 10), year);
        assert_eq!(order(&large), ["GLACIER_IR", "STANDARD_IA", "STANDARD"]);
        assert!(large.warnings().is_empty(), "{:?}", large.warnings());
        // A gigabyte costs $0.023 · 365 / 30 in Standard.
        let standard = large.classes[2].dollars;
        assert!((standard - 100.0 * 0.023 * 365.0 / 30.0).abs() < 1e-9);
        // Small images stay where they are, so that nothing is cheaper.
        let small = row(&day(64 << 10), year);
        let dollars: Vec<_> = small.classes.iter().map(|it| it.dollars).collect();
        assert!(
            dollars.iter().all(|it| (it - dollars[0]).abs() < 1e-9),
            "{dollars:?}"
        );
        let warnings = small.warnings();
        assert!(
            warnings[0].contains("below 128 KB, which stay"),
            "{warnings:?}"
        );
        // Within 60 days no move is paid back.
        let short = row(&day(250 << 10), set(ColdClass::StandardIa, 30, 60));
        assert_eq!(order(&short)[0], "STANDARD");
        assert!(short.warnings()[0].contains("set ImagesColdDays to 0"));
    }

    #[test]
    fn a_move_pays_after_the_months_that_its_price_is_worth() {
        for (bytes, class, months) in [
            (250_u64 << 10, ColdClass::StandardIa, 4.0),
            (250 << 10, ColdClass::GlacierIr, 4.4),
            (500 << 10, ColdClass::StandardIa, 2.0),
            (500 << 10, ColdClass::GlacierIr, 2.3),
        ] {
            let pays = |days: f64| {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a test"
                )]
                let expiry = 30 + days.round() as u32;
                let row = row(&day(bytes), set(class, 30, expiry));
                let set = row.classes.iter().find(|it| it.is_set).unwrap().dollars;
                let standard = row.classes.iter().find(|it| it.after_days == 0).unwrap();
                set < standard.dollars
            };
            assert!(!pays(months * 30.0 * 0.9), "{bytes} {class:?}");
            assert!(pays(months * 30.0 * 1.1), "{bytes} {class:?}");
        }
    }

    #[test]
    fn readings_eat_what_a_colder_class_saves() {
        let row = row(&day(100 << 20), set(ColdClass::StandardIa, 30, 0));
        let readings = |class: &str| {
            let row = row.classes.iter().find(|it| it.class == class).unwrap();
            row.readings_per_month.unwrap()
        };
        assert!((readings("STANDARD_IA") - 1.05).abs() < 0.01);
        assert!((readings("GLACIER_IR") - 0.63).abs() < 0.01);
        assert_eq!(row.kept_days, 1825);
        let text = row.text();
        assert!(text.contains("GLACIER_IR, the cheapest"), "{text}");
        assert!(text.contains("STANDARD_IA, as set"), "{text}");
    }

    #[test]
    fn what_is_removed_too_soon_is_said() {
        let soon = row(&day(1 << 20), set(ColdClass::GlacierIr, 30, 90));
        let warnings = soon.warnings();
        assert!(
            warnings
                .iter()
                .any(|it| it.contains("bills 90 days after a move")),
            "{warnings:?}"
        );
        let never = row(&day(1 << 20), set(ColdClass::GlacierIr, 90, 60));
        assert_eq!(
            never.warnings(),
            ["ImagesColdDays moves nothing: images are removed after 60 days"]
        );
    }
}
