//! Spans and counts with the range in which they make sense: what is beyond it is refused where it is written.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// Units of spans, in milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A span of time as written, `50ms`, `10s`, `15m`, `1h`: of `MIN` to `MAX` milliseconds, or of none where `ZERO` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<const MIN: u64, const MAX: u64, const ZERO: bool = false>(pub Duration);

impl<'de, const MIN: u64, const MAX: u64, const ZERO: bool> Deserialize<'de> for Span<MIN, MAX, ZERO> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time such as \"50ms\", \"10s\", \"15m\" or \"1h\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
                let parsed = UNITS.iter().find_map(|(unit, milliseconds)| {
                    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
                    count.checked_mul(*milliseconds)
                });
                parsed.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        let milliseconds = deserializer.deserialize_str(Text)?;
        if (MIN..=MAX).contains(&milliseconds) || ZERO && milliseconds == 0 {
            return Ok(Self(Duration::from_millis(milliseconds)));
        }
        let or_none = if ZERO { ", or \"0s\"" } else { "" };
        let (least, most) = (text_of(MIN), text_of(MAX));
        Err(D::Error::custom(format!("out of range: write \"{least}\" to \"{most}\"{or_none}")))
    }
}

/// A span as it is written.
fn text_of(milliseconds: u64) -> String {
    let unit = UNITS.iter().rev().find(|(_, unit)| milliseconds.is_multiple_of(*unit));
    unit.map_or_else(String::new, |(name, unit)| format!("{}{name}", milliseconds / unit))
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    /// For sizes of tables and queues.
    #[must_use]
    pub const fn size(self) -> usize {
        self.0 as usize
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Count<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = i64::deserialize(deserializer)?;
        let fits = u32::try_from(count).ok().filter(|count| (MIN..=MAX).contains(count));
        fits.map(Self).ok_or_else(|| D::Error::custom(format!("out of range: write {MIN} to {MAX}")))
    }
}
