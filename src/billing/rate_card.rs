//! The rate card: what a sender pays for a call to a destination, by date and by volume. `docs/billing.md` describes
//! the file.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::base::caret::Caret;
use crate::base::number::Number;
use crate::base::sheet::{Row, read_rows};
use crate::base::time::{At, read_date};

const REQUIRED: [&str; 7] =
    ["sender", "dest_prefix", "valid_from", "valid_to", "tier_from", "currency", "price"];
const OPTIONAL: [&str; 1] = ["unit"];
/// Columns by their place in [`REQUIRED`] and [`OPTIONAL`].
const SENDER: usize = 0;
const DEST_PREFIX: usize = 1;
const VALID_FROM: usize = 2;
const VALID_TO: usize = 3;
const TIER_FROM: usize = 4;
const CURRENCY: usize = 5;
const PRICE: usize = 6;
const UNIT: usize = 7;

/// Highest price of one call, in any currency: sums of it cannot overflow.
const PRICE_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// Finest price: millionths of the currency, so that sums stay exact.
const PRICE_DECIMALS_MAX: u32 = 6;

/// What is charged for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChargeUnit {
    /// Every attempt.
    #[default]
    Attempt,
    /// Attempts that reached alerting.
    Alerted,
    /// Attempts that were not answered.
    Unanswered,
}

impl ChargeUnit {
    /// Names in the file, in the order of the enum.
    pub const NAMES: [&'static str; 3] = ["attempt", "alerted", "unanswered"];

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "" | "attempt" => Some(Self::Attempt),
            "alerted" => Some(Self::Alerted),
            "unanswered" => Some(Self::Unanswered),
            _ => None,
        }
    }
}

/// A day in UTC, as the integer that its digits spell: 20260131.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Day(u32);

impl Day {
    /// After every day: the end of a rate that has none.
    const NEVER: Day = Day(u32::MAX);

    fn of(at: At) -> Self {
        let text = at.rfc3339();
        let digits = text.bytes().take(10).filter(u8::is_ascii_digit);
        Self(digits.fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    /// Reads `2026-01-31`.
    fn parse(text: &str) -> Option<Self> {
        let (year, month, day) = read_date(text)?;
        // Four digits, two and two: eight in all.
        u32::try_from(year * 10_000 + month * 100 + day).ok().map(Self)
    }

    /// Its beginning; `None` when it is no day.
    fn begin(self) -> Option<At> {
        At::of_date(&format!("{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100))
    }
}

/// A step of the price by volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Billable calls of the month that come before it.
    pub from: u64,
    /// Price of one call, at most six decimals.
    pub price: Decimal,
}

/// What one sender pays for one destination in one span of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    from: Day,
    to: Day,
    /// ISO 4217 code.
    pub currency: String,
    /// What is charged for.
    pub unit: ChargeUnit,
    /// Steps by volume, the first from 0.
    tiers: Vec<Tier>,
}

impl Rate {
    /// The step that the next call pays when `before` calls of the month were billable already.
    #[must_use]
    pub fn tier(&self, before: u64) -> Tier {
        // The card's checks see to a tier from 0.
        let index = self.tiers.partition_point(|tier| tier.from <= before).saturating_sub(1);
        self.tiers[index]
    }
}

/// All rates, by sender and destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateCard {
    /// Sender → digits of the destination → rates that do not overlap in time.
    by_sender: BTreeMap<String, BTreeMap<String, Vec<Rate>>>,
}

impl RateCard {
    /// Reads the file's text; `path` is shown in findings.
    ///
    /// # Errors
    /// Every finding.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Caret>> {
        let mut card = Self::default();
        // Of each rate's first row: where a finding about the rate as a whole belongs.
        let mut places: BTreeMap<(String, String, Day, Day), Caret> = BTreeMap::new();
        let mut findings = read_rows((path, text), &REQUIRED, &OPTIONAL, |row, findings| {
            let known = findings.len();
            if let Some(line) = Line::read(row, findings).filter(|_| findings.len() == known) {
                let key = (line.sender.clone(), line.prefix.clone(), line.rate.from, line.rate.to);
                places.entry(key).or_insert_with(|| row.finding(TIER_FROM, ""));
                findings.extend(card.add(line).err().map(|(column, message)| row.finding(column, message)));
            }
        })
        .err()
        .unwrap_or_default();
        for ((sender, prefix, from, to), place) in places {
            let rates = card.by_sender.get(&sender).and_then(|prefixes| prefixes.get(&prefix));
            let rate = rates.into_iter().flatten().find(|rate| (rate.from, rate.to) == (from, to));
            if rate.is_some_and(|rate| rate.tiers[0].from != 0) {
                let message =
                    format!("no price for the first calls of `{sender}` to +{prefix} in these days");
                findings.push(Caret { message, ..place }.with_help("add a row with tier_from 0"));
            }
        }
        findings.sort();
        if findings.is_empty() { Ok(card) } else { Err(findings) }
    }

    /// The rate of a call, and the digits of its destination prefix: the longest that has a rate on that day.
    #[must_use]
    pub fn rate(&self, sender: &str, called: Number, at: At) -> Option<(&str, &Rate)> {
        let prefixes = self.by_sender.get(sender)?;
        let digits = called.digits();
        let digits = std::str::from_utf8(&digits).unwrap_or_default();
        let day = Day::of(at);
        (0..=digits.len()).rev().find_map(|length| {
            let (prefix, rates) = prefixes.get_key_value(&digits[..length])?;
            let rate = rates.iter().find(|rate| rate.from <= day && day < rate.to)?;
            Some((prefix.as_str(), rate))
        })
    }

    /// When the last price of a sender ends; `None` when it has none, or one without an end.
    #[must_use]
    pub fn end(&self, sender: &str) -> Option<At> {
        self.by_sender.get(sender)?.values().flatten().map(|rate| rate.to).max()?.begin()
    }

    /// Adds one row to the rate it belongs to; the column and words of what speaks against it.
    fn add(&mut self, line: Line) -> Result<(), (usize, String)> {
        let rates = self.by_sender.entry(line.sender).or_default().entry(line.prefix).or_default();
        let Some(rate) = rates.iter_mut().find(|rate| (rate.from, rate.to) == (line.rate.from, line.rate.to))
        else {
            if rates.iter().any(|rate| rate.from < line.rate.to && line.rate.from < rate.to) {
                let message = "an earlier row has a price for the same sender and destination on some of these days; \
                               end it (valid_to is the first day without it) or begin later";
                return Err((VALID_FROM, message.into()));
            }
            rates.push(line.rate);
            return Ok(());
        };
        if rate.currency != line.rate.currency {
            return Err((CURRENCY, format!("the other tiers of this rate are in {}", rate.currency)));
        }
        if rate.unit != line.rate.unit {
            let unit = ChargeUnit::NAMES[rate.unit as usize];
            return Err((UNIT, format!("the other tiers of this rate are for `{unit}`")));
        }
        let tier = line.rate.tiers[0];
        match rate.tiers.binary_search_by_key(&tier.from, |tier| tier.from) {
            Ok(_) => Err((TIER_FROM, format!("a second price from {} calls on; delete one", tier.from))),
            Err(index) => {
                rate.tiers.insert(index, tier);
                Ok(())
            }
        }
    }
}

/// One row of the file: a rate with one tier.
struct Line {
    sender: String,
    prefix: String,
    rate: Rate,
}

impl Line {
    /// Reads every cell, so that all findings of a row are seen; `None` when one is unreadable.
    fn read(row: &Row<'_>, findings: &mut Vec<Caret>) -> Option<Self> {
        let mut keep = |column, result: Result<_, String>| {
            findings.extend(result.err().map(|message| row.finding(column, message)));
        };
        let prefix = row.cell(DEST_PREFIX).strip_prefix('+').filter(|digits| is_prefix(digits));
        keep(
            DEST_PREFIX,
            prefix.map(drop).ok_or_else(|| {
                "a destination is `+` and up to 15 digits, such as `+49`; `+` alone is the world".into()
            }),
        );
        keep(
            SENDER,
            (!row.cell(SENDER).is_empty()).then_some(()).ok_or_else(|| "a sender has a name".into()),
        );
        let from = Day::parse(row.cell(VALID_FROM));
        keep(VALID_FROM, from.map(drop).ok_or_else(|| "not a date, such as 2026-01-31".into()));
        let to =
            if row.cell(VALID_TO).is_empty() { Some(Day::NEVER) } else { Day::parse(row.cell(VALID_TO)) };
        keep(
            VALID_TO,
            to.map(drop).ok_or_else(|| "not a date, such as 2026-01-31; empty means no end".into()),
        );
        if from.zip(to).is_some_and(|(from, to)| to <= from) {
            keep(
                VALID_TO,
                Err("valid_to is the first day without this price, so it comes after valid_from".into()),
            );
        }
        let tier = row.cell(TIER_FROM).parse::<u64>().ok().filter(|_| !row.cell(TIER_FROM).starts_with('+'));
        keep(TIER_FROM, tier.map(drop).ok_or_else(|| "not a count of calls, such as 0 or 1000000".into()));
        let currency = row.cell(CURRENCY);
        let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        keep(
            CURRENCY,
            is_currency.then_some(()).ok_or_else(|| "a currency is three capitals, such as EUR".into()),
        );
        let price = read_price(row.cell(PRICE));
        keep(PRICE, price.as_ref().map(drop).map_err(|message| (*message).into()));
        let unit = ChargeUnit::from_name(row.cell(UNIT));
        keep(
            UNIT,
            unit.map(drop).ok_or_else(|| format!("a unit is one of {}", ChargeUnit::NAMES.join(", "))),
        );
        let tiers = vec![Tier { from: tier?, price: price.ok()? }];
        let rate = Rate { from: from?, to: to?, currency: currency.into(), unit: unit?, tiers };
        Some(Self { sender: row.cell(SENDER).into(), prefix: prefix?.into(), rate })
    }
}

fn is_prefix(digits: &str) -> bool {
    digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

fn read_price(text: &str) -> Result<Decimal, &'static str> {
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let price = Decimal::from_str_exact(text).ok().filter(|_| is_plain);
    let price = price.ok_or("not a price, such as 0.0065")?;
    if price.is_sign_negative() {
        return Err("a price is not negative");
    }
    if price > PRICE_MAX {
        return Err("a price is at most 1000000");
    }
    if price.scale() > PRICE_DECIMALS_MAX {
        return Err("a price has at most six decimals");
    }
    Ok(price)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n";

    fn at(day: &str) -> At {
        let time: jiff::Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
        At::from_nanos(time.as_nanosecond() as u64)
    }

    fn findings(rows: &str) -> Vec<String> {
        let card = RateCard::parse("rates.csv", &format!("{HEADER}{rows}"));
        card.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_longest_prefix_valid_on_the_day_wins() {
        let rows = "acme,+49,2026-01-01,2027-01-01,0,EUR,0.0065,attempt\n\
                    acme,+4915,2026-06-01,2026-07-01,0,EUR,0.0070,attempt\n\
                    acme,+,2026-01-01,,0,USD,0.01,alerted\n";
        let card = RateCard::parse("rates.csv", &format!("{HEADER}{rows}")).unwrap();
        let berlin = Number::from_digits(b"493012345678").unwrap();
        let mobile = Number::from_digits(b"4915112345678").unwrap();
        let warsaw = Number::from_digits(b"48221234567").unwrap();
        for (sender, called, day, expected) in [
            ("acme", berlin, "2026-06-15", Some(("49", "0.0065"))),
            ("acme", mobile, "2026-05-31", Some(("49", "0.0065"))),
            ("acme", mobile, "2026-06-01", Some(("4915", "0.0070"))),
            ("acme", mobile, "2026-06-30", Some(("4915", "0.0070"))),
            ("acme", mobile, "2026-07-01", Some(("49", "0.0065"))),
            ("acme", mobile, "2027-01-01", Some(("", "0.01"))),
            ("acme", warsaw, "2026-06-15", Some(("", "0.01"))),
            ("acme", warsaw, "2025-12-31", None),
            ("other", berlin, "2026-06-15", None),
        ] {
            let found = card.rate(sender, called, at(day));
            let found = found.map(|(prefix, rate)| (prefix, rate.tier(0).price.to_string()));
            assert_eq!(
                found,
                expected.map(|(prefix, price)| (prefix, price.into())),
                "{sender} {called} {day}"
            );
        }
    }

    #[test]
    fn the_example_of_the_manual_loads() {
        let manual = include_str!("../../docs/billing.md");
        let example = manual.split("```csv\n").nth(1).unwrap().split("```").next().unwrap();
        assert!(RateCard::parse("rates.csv", example).is_ok());
    }

    #[test]
    fn tiers_hold_their_calls() {
        let rows = "acme,+49,2026-01-01,,1000,EUR,0.5,\nacme,+49,2026-01-01,,0,EUR,1,\n";
        let card = RateCard::parse("rates.csv", &format!("{HEADER}{rows}")).unwrap();
        let called = Number::from_digits(b"493012345678").unwrap();
        let (_, rate) = card.rate("acme", called, at("2026-01-01")).unwrap();
        for (before, expected) in [(0, 0), (999, 0), (1000, 1000), (u64::MAX, 1000)] {
            assert_eq!(rate.tier(before).from, expected);
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (row, expected) in [
            ("acme,49,2026-01-01,,0,EUR,1,", "rates.csv:2:6: a destination is `+`"),
            ("acme,+0,2026-01-01,,0,EUR,1,", "rates.csv:2:6: a destination is `+`"),
            (",+49,2026-01-01,,0,EUR,1,", "rates.csv:2:1: a sender has a name"),
            ("acme,+49,2026-02-30,,0,EUR,1,", "rates.csv:2:10: not a date"),
            ("acme,+49,2026-01-01,2026-13-01,0,EUR,1,", "rates.csv:2:21: not a date"),
            ("acme,+49,2026-01-01,2026-01-01,0,EUR,1,", "rates.csv:2:21: valid_to is the first day without"),
            ("acme,+49,2026-01-01,,-1,EUR,1,", "rates.csv:2:22: not a count of calls"),
            ("acme,+49,2026-01-01,,0,eur,1,", "rates.csv:2:24: a currency is three capitals"),
            ("acme,+49,2026-01-01,,0,EUR,-1,", "rates.csv:2:28: a price is not negative"),
            ("acme,+49,2026-01-01,,0,EUR,1e3,", "rates.csv:2:28: not a price"),
            ("acme,+49,2026-01-01,,0,EUR,,", "rates.csv:2:28: not a price"),
            ("acme,+49,2026-01-01,,0,EUR,0.1234567,", "rates.csv:2:28: a price has at most six"),
            ("acme,+49,2026-01-01,,0,EUR,1,minute", "rates.csv:2:30: a unit is one of attempt, alerted"),
            ("acme,+49,2026-01-01,,5,EUR,1,", "rates.csv:2:22: no price for the first calls"),
            ("a,+4,2026-01-01,,0,EUR,1,\na,+4,2026-05-01,,0,EUR,1,", "rates.csv:3:6: an earlier row"),
            ("a,+4,2026-01-01,,0,EUR,1,\na,+4,2026-01-01,,0,EUR,2,", "rates.csv:3:18: a second price"),
            ("a,+4,2026-01-01,,0,EUR,1,\na,+4,2026-01-01,,9,USD,2,", "rates.csv:3:20: the other tiers"),
            (
                "a,+4,2026-01-01,,0,EUR,1,\na,+4,2026-01-01,,9,EUR,2,alerted",
                "rates.csv:3:26: the other tiers",
            ),
        ] {
            let found = findings(row);
            assert_eq!(found.len(), 1, "{row}: {found:?}");
            assert!(found[0].starts_with(expected), "{row}: {found:?}");
        }
    }

    #[test]
    fn shows_all_findings_of_all_rows() {
        assert_eq!(findings("acme,49,x,y,z,e,p,u\nacme,+49,2026-01-01,,0,EUR,-1,\n").len(), 8);
    }
}
