//! A parameter as written: one figure, or two between which every campaign draws its own.

use std::fmt;

use rand::RngExt;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::simulate::draw::Rng;

/// `0.5`, or `[0.2, 2.0]`. An assumption is written as two figures, so that results say how they depend on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sweep {
    from: f64,
    to: f64,
}

impl<'de> Deserialize<'de> for Sweep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Figures)
    }
}

struct Figures;

impl<'de> Visitor<'de> for Figures {
    type Value = Sweep;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("f64 or two of them")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Sweep, E> {
        Ok(Sweep::fixed(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Sweep, E> {
        Ok(Sweep::fixed(value as f64))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut figures: A) -> Result<Sweep, A::Error> {
        let (Some(from), Some(to), None) =
            (figures.next_element()?, figures.next_element()?, figures.next_element::<f64>()?)
        else {
            return Err(A::Error::custom("two figures are needed, the lower one first"));
        };
        Ok(Sweep { from, to })
    }
}

impl Sweep {
    /// Always the same.
    #[must_use]
    pub const fn fixed(value: f64) -> Self {
        Self { from: value, to: value }
    }

    /// Between two.
    #[must_use]
    pub const fn between(from: f64, to: f64) -> Self {
        Self { from, to }
    }

    /// The same, when it lies within these bounds.
    ///
    /// # Errors
    /// The parameter's name and its bounds.
    pub(super) fn within(self, name: &str, least: f64, most: f64) -> Result<Self, String> {
        if self.from >= least && self.from <= self.to && self.to <= most {
            return Ok(self);
        }
        Err(format!("{name}: {least} to {most}, one figure or two in ascending order"))
    }

    /// Whether all of it lies below this.
    pub(super) fn is_below(self, bound: f64) -> bool {
        self.to < bound
    }

    /// The same, when it is a share.
    ///
    /// # Errors
    /// The parameter's name.
    pub(super) fn share(self, name: &str) -> Result<Self, String> {
        self.within(name, 0.0, 1.0)
    }

    /// One value, all as likely.
    pub(super) fn draw(self, rng: &mut Rng) -> f64 {
        self.from + rng.random::<f64>() * (self.to - self.from)
    }

    /// One value, every order of magnitude as likely: for rates and counts. As [`Self::draw`] when 0 is among them.
    pub(super) fn draw_log(self, rng: &mut Rng) -> f64 {
        if self.from <= 0.0 {
            return self.draw(rng);
        }
        self.from * (self.to / self.from).powf(rng.random::<f64>())
    }

    /// As [`Self::draw_log`], a whole number.
    pub(super) fn count(self, rng: &mut Rng) -> u64 {
        self.draw_log(rng).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[derive(Deserialize)]
    struct Table {
        a: Sweep,
        b: Sweep,
        c: Sweep,
    }

    #[test]
    fn reads_one_figure_or_two() {
        let table: Table = toml::from_str("a = 2\nb = 0.5\nc = [1, 2.5]").unwrap();
        assert_eq!(
            (table.a, table.b, table.c),
            (Sweep::fixed(2.0), Sweep::fixed(0.5), Sweep::between(1.0, 2.5))
        );
        assert!(toml::from_str::<Table>("a = 2\nb = 0.5\nc = [1]").is_err());
    }

    #[test]
    fn draws_between_its_figures() {
        let mut rng = Rng::seed_from_u64(1);
        let sweep = Sweep::between(0.02, 10.0);
        let drawn: Vec<f64> = (0..2_000).map(|_| sweep.draw_log(&mut rng)).collect();
        assert!(drawn.iter().all(|value| (0.02..=10.0).contains(value)));
        // The geometric mean of the bounds is the median.
        let below = drawn.iter().filter(|value| **value < (0.02_f64 * 10.0).sqrt()).count();
        assert!((900..1_100).contains(&below), "{below}");
        assert_eq!(Sweep::fixed(3.0).draw_log(&mut rng), 3.0);
    }

    #[test]
    fn refuses_what_is_out_of_bounds() {
        assert!(Sweep::between(2.0, 1.0).share("x").is_err());
        assert!(Sweep::fixed(f64::NAN).within("x", 0.0, 1.0).is_err());
        assert!(Sweep::between(0.0, 1.0).share("x").is_ok());
    }
}
