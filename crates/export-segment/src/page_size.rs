//! What a page will consume, by what pages before it did, and how many items it may look at so that
//! it is no burst.

/// Seconds of the rate that one page may consume. Pages in flight are spaced by what they consume, so
/// this is by how much a task may be ahead of its rate; a twentieth of five seconds is 0.25.
const SECONDS_PER_PAGE: f64 = 0.1;
/// What a page may consume however small the rate is: DynamoDB rounds each page up to the next of
/// these grains, so that smaller pages would read next to nothing for what they consume.
const LEAST_GRAINS: f64 = 2.0;
/// 4 KB, read with eventual consistency.
const GRAIN: f64 = 0.5;
/// A page's 1 MB, read with eventual consistency.
const PAGE_UNITS: f64 = 128.0;
/// The largest item, 400 KB, read so.
const ITEM_UNITS: f64 = 50.0;
/// By how much a page may have more items than any before it, while little is known of them.
const GROWTH: f64 = 8.0;

/// What pages consume.
#[derive(Debug)]
pub struct PageSize {
    /// What a full page consumes at most.
    most: f64,
    /// What a page is rounded up to a multiple of.
    grain: f64,
    /// What a page consumed lately: at once more, only slowly less.
    expected: f64,
    units_per_item: Option<f64>,
    /// Items of the largest page so far.
    items_seen: f64,
    largest_item: f64,
}

impl PageSize {
    /// `item_units` is what an item consumes on average, if anybody has counted.
    pub fn new(consistent: bool, item_units: Option<f64>) -> Self {
        let strength = if consistent { 2.0 } else { 1.0 };
        Self {
            most: PAGE_UNITS * strength,
            grain: GRAIN * strength,
            expected: PAGE_UNITS * strength,
            units_per_item: item_units,
            // What was counted is believed, within reason.
            items_seen: item_units.map_or(0.0, |units| PAGE_UNITS / units.max(f64::MIN_POSITIVE)),
            largest_item: ITEM_UNITS * strength,
        }
    }

    /// How many items the next page may look at, `None` for any, and what it will consume.
    pub fn next(&self, rate: f64) -> (Option<u32>, f64) {
        let allowed = (rate * SECONDS_PER_PAGE).max(self.grain * LEAST_GRAINS);
        if allowed >= self.most {
            return (None, self.expected);
        }
        let units_per_item = self.units_per_item.unwrap_or(self.largest_item);
        let items = (allowed / units_per_item).floor();
        let items = items.min((self.items_seen * GROWTH).max(1.0)).max(1.0);
        // The bounds are those of u32: a float becomes the nearest.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = items as u32;
        (Some(limit), (items * units_per_item).min(self.expected))
    }

    /// Takes note of a page.
    pub fn learn(&mut self, scanned: u64, units: f64) {
        self.expected = units.max(f64::midpoint(self.expected, units));
        if scanned > 0 && units > 0.0 {
            // Half a grain is what rounding adds on average; of a page of one grain nobody knows how
            // much of it there was.
            let net = (units - self.grain / 2.0).max(self.grain / 4.0);
            let measured = net / scanned as f64;
            let known = self.units_per_item.unwrap_or(measured);
            self.units_per_item = Some(f64::midpoint(known, measured));
            self.items_seen = self.items_seen.max(scanned as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_rate_reads_whole_pages() {
        let size = PageSize::new(false, None);
        assert_eq!(size.next(1500.0), (None, 128.0));
        assert_eq!(
            PageSize::new(true, None).next(1500.0).0,
            Some(1),
            "150 of 256"
        );
    }

    #[test]
    fn a_small_rate_begins_with_one_item_and_grows_into_what_it_may() {
        let mut size = PageSize::new(false, None);
        let mut limits = Vec::new();
        for _ in 0..12 {
            let (limit, units) = size.next(100.0);
            let limit = limit.unwrap();
            limits.push(limit);
            assert!(units <= 50.0, "no more than an item of 400 KB: {units}");
            let items = f64::from(limit);
            size.learn(u64::from(limit), (items * 0.05).max(0.5));
        }
        assert_eq!(limits[0], 1);
        assert!(limits.is_sorted(), "{limits:?}");
        assert!(
            limits.last().is_some_and(|&n| (195..=210).contains(&n)),
            "10 units: {limits:?}"
        );
    }

    #[test]
    fn what_was_counted_before_is_believed_at_once_and_corrected() {
        let mut size = PageSize::new(false, Some(0.05));
        assert_eq!(size.next(100.0).0, Some(200));
        for _ in 0..20 {
            let limit = size.next(100.0).0.unwrap();
            size.learn(u64::from(limit), f64::from(limit));
        }
        assert!(size.next(100.0).0.unwrap() <= 11, "{size:?}");
    }

    #[test]
    fn what_is_expected_rises_at_once_and_falls_slowly() {
        let mut size = PageSize::new(false, None);
        size.learn(10, 0.5);
        assert!((size.next(1e6).1 - 64.25).abs() < 1e-9);
        size.learn(10, 100.0);
        assert!((size.next(1e6).1 - 100.0).abs() < 1e-9);
    }
}
