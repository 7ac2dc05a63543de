//! How far a share that was counted may be from the true one: the exact interval of Clopper and Pearson.
//!
//! C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
//! (1934). Its bounds are quantiles of beta distributions; the incomplete beta function is the continued fraction DLMF §8.17.22.

/// Bounds of a share, both in 0 to 1, `low <= high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Interval that holds the true share in at least 95 of 100 such counts; half of the error on each side.
///
/// Nothing tried says nothing: 0 to 1. More hits than trials count as all. Good to nine digits up to 10⁹ trials.
#[must_use]
pub fn exact_95(hits: u64, trials: u64) -> Interval {
    exact(hits, trials, 0.95)
}

/// The same for any confidence between 0 and 1, which is not checked.
#[must_use]
pub fn exact(hits: u64, trials: u64, confidence: f64) -> Interval {
    let hits = hits.min(trials);
    let tail = (1.0 - confidence) / 2.0;
    let (k, n) = (hits as f64, trials as f64);
    Interval {
        low: if hits == 0 { 0.0 } else { solve(tail, k, n - k + 1.0) },
        high: if hits == trials { 1.0 } else { solve(1.0 - tail, k + 1.0, n - k) },
    }
}

/// Where the regularised incomplete beta function reaches `share`, by halving: it only grows.
fn solve(share: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta(middle, a, b) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Regularised incomplete beta function, for `x` in 0 to 1 and positive `a`, `b`.
fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast only below the mean; above it, the function's symmetry serves.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

/// The continued fraction by Lentz' method. Its steps grow with the root of the parameters; the bound suffices for 10⁹.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const STEPS: u32 = 100_000;
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut sum = d;
    for step in 1..STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        sum *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let change = d * c;
        sum *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    sum
}

/// Logarithm of the gamma function of a positive number: Stirling's series (DLMF §5.11.1) above ten, and steps of one up to there.
fn ln_gamma(x: f64) -> f64 {
    let mut shift = 0.0;
    let mut z = x;
    while z < 10.0 {
        shift += z.ln();
        z += 1.0;
    }
    let (inverse, square) = (1.0 / z, 1.0 / (z * z));
    let series = inverse
        * (1.0 / 12.0
            - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))));
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::{exact, exact_95};

    /// Probability of at least `hits` of `trials`, summed term by term: the definition.
    fn at_least(hits: u64, trials: u64, p: f64) -> f64 {
        let mut term = (1.0 - p).powf(trials as f64);
        let mut below = 0.0;
        for k in 0..hits {
            below += term;
            term *= (trials - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        }
        1.0 - below
    }

    #[test]
    fn the_bounds_are_those_of_the_definition() {
        for trials in [1, 2, 7, 10, 40, 60] {
            for hits in 0..=trials {
                let interval = exact_95(hits, trials);
                let share = hits as f64 / trials as f64;
                assert!(interval.low <= share && share <= interval.high, "{hits} of {trials}");
                if hits > 0 {
                    let tail = at_least(hits, trials, interval.low);
                    assert!((tail - 0.025).abs() < 1e-9, "{hits} of {trials}: {tail}");
                }
                if hits < trials {
                    let tail = 1.0 - at_least(hits + 1, trials, interval.high);
                    assert!((tail - 0.025).abs() < 1e-9, "{hits} of {trials}: {tail}");
                }
            }
        }
    }

    #[test]
    fn printed_tables_agree() {
        let five = exact_95(5, 10);
        assert!((five.low - 0.187_086).abs() < 1e-6 && (five.high - 0.812_914).abs() < 1e-6, "{five:?}");
        let none = exact_95(0, 10);
        assert!(none.low == 0.0 && (none.high - (1.0 - 0.025_f64.powf(0.1))).abs() < 1e-12, "{none:?}");
        assert!((exact(0, 299, 0.90).high - (1.0 - 0.05_f64.powf(1.0 / 299.0))).abs() < 1e-12);
    }

    #[test]
    fn the_corners_have_an_answer() {
        assert_eq!((exact_95(0, 0).low, exact_95(0, 0).high), (0.0, 1.0));
        assert_eq!(exact_95(9, 3), exact_95(3, 3));
        // Many trials: the normal approximation is right to its own error.
        let many = exact_95(300_000_000, 1_000_000_000);
        let half = 1.959_964 * (0.3 * 0.7 / 1e9_f64).sqrt();
        assert!(
            (many.low - (0.3 - half)).abs() < 1e-8 && (many.high - (0.3 + half)).abs() < 1e-8,
            "{many:?}"
        );
    }
}
