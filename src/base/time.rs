//! Packet time: nanoseconds since 1970-01-01T00:00:00Z, as the input says it.

use std::fmt;
use std::ops::{Add, Range};
use std::time::Duration;

use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};

use crate::base::text::put_digits;

/// A day.
pub const DAY: Duration = Duration::from_secs(86_400);

/// A moment in packet time, in nanoseconds since the Unix epoch (UTC). Reaches to the year 2554.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct At(u64);

impl At {
    /// The moment `nanos` nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: At) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time so long before; 1970 when that would be earlier still.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The beginning of a day in UTC, written `2026-01-31`; `None` when it is no date, or one before 1970.
    #[must_use]
    pub fn of_date(text: &str) -> Option<Self> {
        let (year, month, day) = read_date(text)?;
        (1970..2500).contains(&year).then(|| Self(days_from_civil(year, month, day) * 86_400 * 1_000_000_000))
    }

    /// Reads what [`At::rfc3339`] writes, and nothing else.
    #[must_use]
    pub fn of_rfc3339(text: &str) -> Option<Self> {
        Self::parse(text).filter(|at| at.rfc3339().as_str() == text)
    }

    /// RFC 3339 in UTC with nine digits of seconds, such as `2026-11-21T20:15:03.412000000Z`.
    #[must_use]
    pub fn rfc3339(self) -> ArrayString<30> {
        let (days, second_of_day) = (self.0 / 1_000_000_000 / 86_400, self.0 / 1_000_000_000 % 86_400);
        let (year, month, day) = civil_from_days(days);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        put_digits(&mut text[0..4], year);
        put_digits(&mut text[5..7], month);
        put_digits(&mut text[8..10], day);
        put_digits(&mut text[11..13], second_of_day / 3600);
        put_digits(&mut text[14..16], second_of_day / 60 % 60);
        put_digits(&mut text[17..19], second_of_day % 60);
        put_digits(&mut text[20..29], self.0 % 1_000_000_000);
        // The bytes are ASCII digits and marks, so the conversion cannot fail.
        ArrayString::from_byte_string(&text).unwrap_or_default()
    }

    /// Reads RFC 3339: `2026-11-21T20:15:03Z`, with up to nine digits of a fraction, and `Z` or an offset as `+01:00`.
    /// `None` when it is none, before 1970, or a leap second.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |range: Range<usize>| {
            let digits = text.get(range)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
        };
        let marks = [(10, "T"), (13, ":"), (16, ":")];
        if !marks.into_iter().all(|(at, mark)| text.get(at..=at) == Some(mark)) {
            return None;
        }
        let day = Self::of_date(text.get(..10)?)?.0 / 1_000_000_000;
        let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let rest = text.get(19..)?;
        let zone = rest.find(['Z', '+', '-'])?;
        let nanos = match rest.get(..zone)?.strip_prefix('.') {
            None if zone == 0 => 0,
            Some(fraction) if (1..=9).contains(&fraction.len()) => {
                digits(20..20 + fraction.len())? * 10_u64.pow(9 - fraction.len() as u32)
            }
            _ => return None,
        };
        let local = day + hour * 3_600 + minute * 60 + second;
        let ahead = match (rest.get(zone..=zone)?, &rest[zone + 1..]) {
            ("Z", "") => 0,
            (sign, offset) if sign != "Z" && offset.len() == 5 && offset.get(2..3) == Some(":") => {
                let start = 19 + zone + 1;
                let (hours, minutes) = (digits(start..start + 2)?, digits(start + 3..start + 5)?);
                let seconds =
                    (hours < 24 && minutes < 60).then_some((hours * 3_600 + minutes * 60) as i64)?;
                if sign == "+" { seconds } else { -seconds }
            }
            _ => return None,
        };
        let second = local.checked_add_signed(-ahead)?;
        Some(Self(second.checked_mul(1_000_000_000)?.checked_add(nanos)?))
    }
}

impl Add<Duration> for At {
    type Output = At;

    /// Saturates at the end of representable time.
    fn add(self, span: Duration) -> At {
        At(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Year, month and day of a date written `2026-01-31`; `None` when there is no such day.
#[must_use]
pub fn read_date(text: &str) -> Option<(u64, u64, u64)> {
    let shape_fits = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape_fits {
        return None;
    }
    let part = |range: Range<usize>| text.get(range)?.parse().ok();
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some((year, month, day))
}

/// Days since 1970-01-01 of a date from then on, by the same eras as [`civil_from_days`].
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted / 400, shifted % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01. Counts in eras of 400 years
/// (146,097 days) that begin on 1 March, so that the leap day is the last of its year.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_rfc3339_with_nanoseconds() {
        assert_eq!(At::from_nanos(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(At::from_nanos(951_782_400_000_000_001).to_string(), "2000-02-29T00:00:00.000000001Z");
    }

    #[test]
    fn reads_dates() {
        let date = |text| At::of_date(text).map(|at| at.rfc3339().as_str()[..10].to_owned());
        for text in ["1970-01-01", "2000-02-29", "2026-12-31", "2400-02-29", "2026-03-01"] {
            assert_eq!(date(text).as_deref(), Some(text));
        }
        for text in [
            "",
            "1969-12-31",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-1-01",
            "2026-00-01",
            "2026-01-00",
            "+026-01-01",
            "2026/01/01",
            "9999-01-01",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn reads_rfc3339_and_nothing_else() {
        let nanos = |text| At::parse(text).map(At::nanos);
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(nanos("2000-02-29T01:00:00.5+01:00"), Some(951_782_400_500_000_000));
        for text in [
            "",
            "2026-11-21",
            "2026-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T20:15:03",
            "2026-11-21T20:15:03.Z",
            "2026-11-21T20:15:03.1234567890Z",
            "2026-11-21T20:15:03z",
            "2026-11-21T20:15:03Zx",
            "2026-11-21T20:15:03+0100",
            "2026-11-21 20:15:03Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59Z",
            "2026-11-2\u{e9}T20:15:03Z",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_printed(nanos in 0..i64::MAX as u64) {
            let at = At::from_nanos(nanos);
            prop_assert_eq!(At::parse(&at.rfc3339()), Some(at));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:+. é-]{0,40}") {
            let _ = At::parse(&text);
        }

        #[test]
        fn agrees_with_jiff(nanos in 0..i64::MAX) {
            let other = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            let at = At::from_nanos(nanos as u64);
            prop_assert_eq!(at.to_string(), format!("{other:.9}"));
            prop_assert_eq!(At::of_rfc3339(&at.to_string()), Some(at));
        }
    }
}
