//! Seeded random draws: the same seed gives the same draws on every machine.

use fastrand::Rng;

/// A seeded random generator.
#[derive(Debug, Clone)]
pub struct Draw(Rng);

impl Draw {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// True with this probability.
    pub fn chance(&mut self, share: f64) -> bool {
        self.0.f64() < share
    }

    /// A whole number below `end`, which must be above zero.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    /// One of the choices, each as likely.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Normally distributed with mean 0 and deviation 1. The sum of twelve uniform numbers is close
    /// enough, and uses no function that differs between machines.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0
    }

    /// Shuffles the items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// Random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.0.u8(..))
            .take(count)
            .collect()
    }

    /// Decimal digits, of which the first is not zero.
    pub fn digits(&mut self, count: usize) -> String {
        let first = self.0.u8(b'1'..=b'9');
        let rest = std::iter::repeat_with(|| self.0.u8(b'0'..=b'9')).take(count - 1);
        std::iter::once(first)
            .chain(rest.collect::<Vec<_>>())
            .map(char::from)
            .collect()
    }
}

/// Ranks from 0 by Zipf's law: the likelihood of a rank is one over a power of its place.
#[derive(Debug, Clone)]
pub struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    /// Over `count` ranks, at least one. The exponent is given in halves: multiplications and
    /// square roots are the same on every machine.
    pub fn new(count: usize, half_powers: u32) -> Self {
        let mut sum = 0.0;
        let cumulative = (1..=count.max(1))
            .map(|rank| {
                let root = (rank as f64).sqrt();
                sum += 1.0 / (0..half_powers).fold(1.0, |power, _| power * root);
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// Draws a rank.
    pub fn draw(&self, draw: &mut Draw) -> usize {
        let whole = self.cumulative[self.cumulative.len() - 1];
        let at = draw.0.f64() * whole;
        self.cumulative
            .partition_point(|sum| *sum <= at)
            .min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_are_drawn_as_zipf_says() {
        let (zipf, mut draw) = (Zipf::new(100, 2), Draw::new(1));
        let mut counts = [0_u32; 100];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut draw)] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[9]);
        assert!(
            (8.0..12.5).contains(&ratio),
            "the first is ten times the tenth: {ratio}"
        );
        assert!(counts[99] > 0);
    }

    #[test]
    fn a_normal_draw_has_mean_zero_and_deviation_one() {
        let mut draw = Draw::new(1);
        let drawn: Vec<f64> = (0..20_000).map(|_| draw.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(
            mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
    }
}
