//! One call record: columns by name, then the finished call that they mean.

use std::time::Duration;

use crate::adapter::feed::Wrong;
use crate::adapter::http::decisions::{CALL_ID_MAX, NUMBER_MAX};
use crate::base::network::Network;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::{ReleasedBy, Told};
use crate::signal::plain::{self, Plain, Spoken};

/// Every column.
pub const COLUMNS: [&str; 18] = [
    "call_id",
    "calling",
    "calling_nature",
    "called",
    "called_nature",
    "diverting",
    "diverting_nature",
    "route",
    "direction",
    "setup_at",
    "alert_at",
    "answer_at",
    "end_at",
    "ring_ms",
    "talk_ms",
    "released_by",
    "sip_status",
    "q850_cause",
];

/// Unix times from here on are milliseconds: as seconds it is the year 5138, as milliseconds March 1973.
const MILLIS_FROM: u64 = 100_000_000_000;
/// Longest duration, milliseconds: 30 days.
const DURATION_MAX_MS: u64 = 30 * 86_400_000;

/// How far a call may have ended ahead of the wall clock here: times in seconds may be rounded up, and clocks differ a
/// little.
pub const AHEAD_MAX: Duration = Duration::from_secs(5);

/// A record as it is read, a text a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    texts: [Option<String>; 9],
    setup_at: Option<At>,
    alert_at: Option<At>,
    answer_at: Option<At>,
    end_at: Option<At>,
    ring: Option<Duration>,
    talk: Option<Duration>,
    released_by: Option<ReleasedBy>,
    sip_status: Option<u16>,
    q850_cause: Option<u8>,
}

impl Row {
    /// Takes a value; an empty one is none.
    pub(super) fn set(&mut self, column: &str, value: &str) -> Result<(), Wrong> {
        if value.is_empty() {
            return Ok(());
        }
        match column {
            "setup_at" => self.setup_at = Some(time(column, value)?),
            "alert_at" => self.alert_at = Some(time(column, value)?),
            "answer_at" => self.answer_at = Some(time(column, value)?),
            "end_at" => self.end_at = Some(time(column, value)?),
            "ring_ms" => self.ring = Some(duration(column, value)?),
            "talk_ms" => self.talk = Some(duration(column, value)?),
            "released_by" => self.released_by = Some(released_by(value)?),
            "sip_status" => self.sip_status = Some(code(column, value, (200, 699))?),
            "q850_cause" => self.q850_cause = u8::try_from(code(column, value, (1, 127))?).ok(),
            _ => {
                let max = if column == "call_id" { CALL_ID_MAX } else { NUMBER_MAX };
                if value.len() > max {
                    let what = format!("`{column}` has {} octets", value.len());
                    return Err(Wrong::new(what, format!("at most {max}")));
                }
                if let Some(text) =
                    COLUMNS.iter().position(|name| *name == column).and_then(|at| self.texts.get_mut(at))
                {
                    *text = Some(value.to_owned());
                }
            }
        }
        Ok(())
    }

    fn text(&self, column: &str) -> Option<&str> {
        COLUMNS.iter().position(|name| *name == column).and_then(|at| self.texts.get(at))?.as_deref()
    }

    /// The finished call, at `now` by the wall clock.
    pub(super) fn told(&self, network: &Network, now: At) -> Result<Told, Wrong> {
        let times = self.times()?;
        // The end is the last of them.
        if times.end.since(now) > AHEAD_MAX {
            return Err(Wrong::new(
                format!("the call ended at {}, ahead of the clock here: {now}", times.end),
                "set both clocks, and write times with their offset from UTC",
            ));
        }
        let plain = Plain {
            route: (self.route(network)?, self.direction()?),
            calling: self.spoken("calling", "calling_nature")?,
            called: self.spoken("called", "called_nature")?,
            diverting: self
                .text("diverting")
                .map(|_| self.spoken("diverting", "diverting_nature"))
                .transpose()?,
            ..Plain::default()
        };
        let told = Told {
            call_id: self.text("call_id").map(|text| text.as_bytes().into()),
            setup: plain.setup(network),
            setup_at: times.setup,
            alert_at: times.alert,
            answer_at: times.answer,
            end_at: times.end,
            released_by: self.released_by,
            sip_status: self.sip_status,
            q850_cause: self.q850_cause,
        };
        let has_numbers = told.setup.calling.number.is_some() && told.setup.called.number.is_some();
        if told.call_id.is_none() && !has_numbers {
            return Err(Wrong::new(
                "nothing names the call: there is no `call_id`, nor both numbers",
                "give `call_id`, or `calling` and `called` as numbers",
            ));
        }
        Ok(told)
    }

    fn spoken(&self, number: &str, nature: &str) -> Result<Spoken<'_>, Wrong> {
        let text = self.text(number).unwrap_or_default();
        let read = |name: &str| {
            plain::nature(name).ok_or_else(|| {
                Wrong::new(
                    format!("`{nature}` is `{name}`"),
                    format!("one of {}", plain::NATURE_NAMES.join(", ")),
                )
            })
        };
        Ok(Spoken { text, nature: self.text(nature).map(read).transpose()?, restricted: false })
    }

    fn route(&self, network: &Network) -> Result<RouteId, Wrong> {
        let Some(name) = self.text("route") else { return Ok(RouteId::UNKNOWN) };
        network.routes.of_name(name).ok_or_else(|| {
            Wrong::new(format!("the network file has no route `{name}`"), "write the name of a `[[route]]`")
        })
    }

    fn direction(&self) -> Result<Option<crate::base::route::Direction>, Wrong> {
        let read = |name: &str| {
            plain::direction(name).ok_or_else(|| {
                Wrong::new(
                    format!("`direction` is `{name}`"),
                    format!("one of {}", plain::DIRECTION_NAMES.join(", ")),
                )
            })
        };
        self.text("direction").map(read).transpose()
    }

    /// Moments, those that are not given reckoned from durations: the answer backwards from the end, the alerting
    /// backwards from the answer or the end, an end that is missing forwards.
    fn times(&self) -> Result<Times, Wrong> {
        let Some(setup) = self.setup_at else {
            return Err(Wrong::new("`setup_at` is missing", "every record has one"));
        };
        // Switches write 0 for a call that was not answered, or did not ring.
        let talk = self.talk.filter(|talk| !talk.is_zero());
        let ring = self.ring.filter(|ring| !ring.is_zero());
        let start = self.alert_at.unwrap_or(setup);
        let end = match (self.end_at, self.answer_at, self.ring, self.talk) {
            (Some(end), ..) => end,
            (None, Some(answer), _, Some(talk)) => answer + talk,
            (None, None, Some(ring), talk) => start + ring + talk.unwrap_or_default(),
            _ => {
                return Err(Wrong::new(
                    "nothing says when the call ended",
                    "give `end_at`, or `talk_ms` with `answer_at`, or `ring_ms` with `talk_ms`",
                ));
            }
        };
        let answer = self.answer_at.or_else(|| Some(end.before(talk?)));
        let alert = self.alert_at.or_else(|| Some(answer.unwrap_or(end).before(ring?)));
        let known = [Some(setup), alert, answer, Some(end)];
        if !known.into_iter().flatten().is_sorted() {
            return Err(Wrong::new(
                "the times are not in order: setup, alerting, answer, end",
                "write all of them by one clock, with its offset from UTC",
            ));
        }
        Ok(Times { setup, alert, answer, end })
    }
}

struct Times {
    setup: At,
    alert: Option<At>,
    answer: Option<At>,
    end: At,
}

fn wrong(column: &str, value: &str, fix: &str) -> Wrong {
    let shown: String = value.chars().take(40).collect();
    Wrong::new(format!("`{column}` is `{shown}`"), fix)
}

/// RFC 3339, or Unix time in seconds, with a fraction or without, or in milliseconds.
fn time(column: &str, value: &str) -> Result<At, Wrong> {
    At::parse(value).or_else(|| unix_time(value)).ok_or_else(|| {
        wrong(column, value, "write RFC 3339, as 2026-11-21T20:15:03Z, or Unix seconds or milliseconds")
    })
}

fn unix_time(value: &str) -> Option<At> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let unit: u64 = if whole >= MILLIS_FROM { 1_000_000 } else { 1_000_000_000 };
    // Nine digits at most, so none of this overflows; a fraction of a millisecond is cut to what it has.
    let billionths = format!("{fraction:0<9}").parse::<u64>().ok()?;
    let nanos = whole.checked_mul(unit)?.checked_add(billionths / (1_000_000_000 / unit))?;
    Some(At::from_nanos(nanos))
}

fn duration(column: &str, value: &str) -> Result<Duration, Wrong> {
    let millis = value.parse::<u64>().ok().filter(|millis| *millis <= DURATION_MAX_MS);
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| wrong(column, value, &format!("write whole milliseconds, 0 to {DURATION_MAX_MS}")))
}

fn code(column: &str, value: &str, (least, most): (u16, u16)) -> Result<u16, Wrong> {
    let code = value.parse::<u16>().ok().filter(|code| (least..=most).contains(code));
    code.ok_or_else(|| wrong(column, value, &format!("write a whole number, {least} to {most}")))
}

fn released_by(value: &str) -> Result<ReleasedBy, Wrong> {
    const ALL: [ReleasedBy; 4] =
        [ReleasedBy::Calling, ReleasedBy::Called, ReleasedBy::Network, ReleasedBy::Timeout];
    ALL.into_iter()
        .find(|one| one.name() == value)
        .ok_or_else(|| wrong("released_by", value, &format!("one of {}", ReleasedBy::NAMES.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[(&str, &str)]) -> Result<Told, Wrong> {
        let mut row = Row::default();
        for (column, value) in values {
            row.set(column, value)?;
        }
        row.told(&Network::unknown(), At::from_nanos(u64::MAX))
    }

    #[test]
    fn reckons_times_from_durations() {
        let second = |at: Option<At>| at.map(|at| at.nanos() / 1_000_000_000);
        for (values, expected) in [
            (
                &[("end_at", "160"), ("talk_ms", "40000"), ("ring_ms", "15000")][..],
                (Some(105), Some(120), 160),
            ),
            (&[("end_at", "160"), ("talk_ms", "0"), ("ring_ms", "50000")], (Some(110), None, 160)),
            (&[("ring_ms", "9000"), ("talk_ms", "6000")], (Some(100), Some(109), 115)),
            (&[("answer_at", "110"), ("talk_ms", "5000")], (None, Some(110), 115)),
            (&[("alert_at", "103"), ("ring_ms", "9000")], (Some(103), None, 112)),
            (&[("end_at", "100"), ("ring_ms", "0"), ("talk_ms", "0")], (None, None, 100)),
        ] {
            let told = told(&[&[("call_id", "x"), ("setup_at", "100")], values].concat()).unwrap();
            let found = (second(told.alert_at), second(told.answer_at), told.end_at.nanos() / 1_000_000_000);
            assert_eq!(found, expected, "{values:?}");
        }
    }

    #[test]
    fn reads_times_of_three_kinds() {
        let nanos = |text| time("setup_at", text).map(At::nanos).ok();
        assert_eq!(nanos("2026-11-21T20:15:03Z"), nanos("1795292103"));
        assert_eq!(nanos("1795292103.25"), Some(1_795_292_103_250_000_000));
        assert_eq!(nanos("1795292103250"), Some(1_795_292_103_250_000_000));
        assert_eq!(nanos("1795292103250.5"), Some(1_795_292_103_250_500_000));
        for text in ["", ".", "-1", "1.0000000001", "1e9", "21.11.2026", "99999999999999999999"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_record() {
        let good = [("call_id", "x"), ("setup_at", "100"), ("end_at", "110")];
        assert!(told(&good).is_ok());
        for (more, expected) in [
            (("end_at", "99"), "not in order"),
            (("answer_at", "111"), "not in order"),
            (("talk_ms", "10001"), "not in order"),
            (("sip_status", "180"), "`sip_status` is `180`"),
            (("q850_cause", "128"), "`q850_cause` is `128`"),
            (("released_by", "me"), "`released_by` is `me`"),
            (("ring_ms", "1.5"), "`ring_ms` is `1.5`"),
            (("route", "nobody"), "no route `nobody`"),
            (("direction", "up"), "`direction` is `up`"),
            (("called_nature", "odd"), "`called_nature` is `odd`"),
        ] {
            let Wrong { what, fix } = told(&[&good[..], &[more]].concat()).unwrap_err();
            assert!(what.contains(expected) && !fix.is_empty(), "{more:?}: {what}");
        }
        assert!(told(&good[..2]).unwrap_err().what.contains("when the call ended"));
        assert!(told(&good[1..]).unwrap_err().what.contains("nothing names the call"));
        assert!(told(&[("call_id", "x"), ("end_at", "110")]).unwrap_err().what.contains("`setup_at`"));
        let long = "9".repeat(NUMBER_MAX + 1);
        assert!(told(&[("calling", &long)]).unwrap_err().what.contains("257 octets"));
        let numbers = [("calling", "+48601234567"), ("called", "+48221234567")];
        assert!(told(&[&good[1..], &numbers].concat()).is_ok());
    }
}
