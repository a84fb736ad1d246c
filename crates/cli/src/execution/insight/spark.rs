//! A line of numbers as a line of blocks.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values that are shown: the last ones.
const WIDTH: usize = 20;

/// The last values as blocks, the smallest lowest: `█▅▃▂▁`. Values that are all the same are in the
/// middle.
pub fn spark(values: &[f64]) -> String {
    let shown = &values[values.len().saturating_sub(WIDTH)..];
    let smallest = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = largest - smallest;
    let block = |value: &f64| {
        let share = (value - smallest) / range;
        let at = BLOCKS.partition_point(|block| share_of(*block) < share);
        BLOCKS[at.min(BLOCKS.len() - 1)]
    };
    if range > 0.0 {
        shown.iter().map(block).collect()
    } else {
        shown.iter().map(|_| BLOCKS[3]).collect()
    }
}

/// The share of the range that a block reaches up to.
fn share_of(block: char) -> f64 {
    let at = BLOCKS.iter().position(|other| *other == block);
    at.map_or(0, |at| at + 1) as f64 / BLOCKS.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_value_is_lowest_and_the_largest_highest() {
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[0.5]), "▄");
        assert_eq!(spark(&[8.0, 4.0, 2.0, 1.0, 1.0]), "█▄▂▁▁");
        assert_eq!(spark(&[0.1, 0.1]), "▄▄");
        let many: Vec<f64> = (0..50).map(f64::from).collect();
        let shown = spark(&many);
        assert_eq!(shown.chars().count(), 20);
        assert!(shown.starts_with('▁') && shown.ends_with('█'), "{shown}");
    }
}
