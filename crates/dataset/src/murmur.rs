//! The hash that theta sketches of other makers have of sixteen bytes: every value comes through it,
//! and mostly nothing comes after it.

/// Austin Appleby's `MurmurHash3_x64_128` of a number's sixteen bytes, the lowest first, without the
/// lowest bit of its first half: what [DataSketches](https://datasketches.apache.org) compares.
#[inline]
pub(crate) const fn theta_hash(value: u128, seed: u64) -> u64 {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    const LENGTH: u64 = size_of::<u128>() as u64;
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let (low, high) = (value as u64, (value >> 64) as u64);
    let low = low.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let first = (seed ^ low).rotate_left(27).wrapping_add(seed);
    let first = first.wrapping_mul(5).wrapping_add(0x52dc_e729);
    let high = high.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let second = (seed ^ high).rotate_left(31).wrapping_add(first);
    let second = second.wrapping_mul(5).wrapping_add(0x3849_5ab5);
    let second = second ^ LENGTH;
    let first = (first ^ LENGTH).wrapping_add(second);
    let second = second.wrapping_add(first);
    mixed(first).wrapping_add(mixed(second)) >> 1
}

const fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasketches::theta::ThetaSketchBuilder;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_a_sketch_keeps(value: u128) {
            let mut sketch = ThetaSketchBuilder::default().build().unwrap();
            sketch.update(value);
            let kept: Vec<_> = sketch.iter().map(|entry| entry.hash()).collect();
            prop_assert_eq!(kept, [theta_hash(value, 9001)]);
        }
    }
}
