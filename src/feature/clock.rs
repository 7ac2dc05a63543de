//! Time as tables count it, and what time takes away.

use crate::base::time::At;

/// Whole seconds since the Unix epoch, as tables rank their keys.
pub(super) const fn seconds(at: At) -> u32 {
    let seconds = at.nanos() / 1_000_000_000;
    if seconds > u32::MAX as u64 { u32::MAX } else { seconds as u32 }
}

/// What is left after the seconds `from` … `to` of something that fades by half in `half_life_s`: 1 to 0.
pub(super) fn left(from: u32, to: u32, half_life_s: f32) -> f32 {
    (-(to.saturating_sub(from) as f32) / half_life_s).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_left_after_a_half_life_and_nothing_grows_backwards() {
        for (from, to, expected) in [(100, 100, 1.0), (100, 160, 0.5), (100, 220, 0.25), (220, 100, 1.0)] {
            assert!((left(from, to, 60.0) - expected).abs() < 1e-6, "{from} to {to}");
        }
        assert_eq!(seconds(At::from_nanos(1_999_999_999)), 1);
    }
}
