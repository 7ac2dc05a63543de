//! Roaming states of subscribers, from a CSV file: `number,state`, and `since` where a state holds from a moment on.

use crate::base::caret::Caret;
use crate::base::map::{Map, Seed};
use crate::base::network::RoamingState;
use crate::base::number::{Number, Shape};
use crate::base::numbering::{Nature, Numbering};
use crate::base::roaming::{Contradiction, RoamingRows, RoamingStates};
use crate::base::route::NumberFormat;
use crate::base::sheet::{Row, read_rows};
use crate::base::time::At;

const NUMBER: usize = 0;
const STATE: usize = 1;
const SINCE: usize = 2;

/// Reads the file's text; `path` is shown in findings. Numbers have their country code, with or without `+`; times are
/// RFC 3339.
///
/// # Errors
/// Every finding.
pub fn parse_roaming(path: &str, text: &str, numbering: &Numbering) -> Result<RoamingStates, Vec<Caret>> {
    let mut rows = RoamingRows::default();
    let read = read((path, text), numbering, |told, _, _| rows.push(told.number, told.since, told.state));
    match rows.finish() {
        Ok(states) => read.map(|()| states),
        // Rows in memory do not know their lines, so the file is read again: with tens of millions of them, that is
        // cheaper than keeping the lines of files without a fault.
        Err(contradictions) => {
            let read = read_again((path, text), numbering, &contradictions);
            Err(read.err().unwrap_or_default())
        }
    }
}

/// What a row says.
struct Told {
    number: Number,
    state: RoamingState,
    since: Option<At>,
}

/// Gives `each` every good row.
fn read(
    sheet: (&str, &str),
    numbering: &Numbering,
    mut each: impl FnMut(Told, &Row<'_>, &mut Vec<Caret>),
) -> Result<(), Vec<Caret>> {
    read_rows(sheet, &["number", "state"], &["since"], |row, findings| {
        let party =
            numbering.party(row.cell(NUMBER).as_bytes(), Nature::International, NumberFormat::International);
        if party.number.is_none() {
            let why = Shape::NAMES[party.shape as usize];
            findings.push(row.finding(NUMBER, format!("not a number with its country code ({why})")));
        }
        let state = match row.cell(STATE) {
            "home" => Some(RoamingState::Home),
            "roaming" => Some(RoamingState::Roaming),
            _ => None,
        };
        if state.is_none() {
            let message = format!("a state is one of {}", RoamingState::NAMES.join(", "));
            findings.push(row.finding(STATE, message));
        }
        let since = At::parse(row.cell(SINCE));
        if since.is_none() && !row.cell(SINCE).is_empty() {
            findings.push(row.finding(SINCE, "not a time such as 2026-11-21T20:15:03Z"));
            return;
        }
        if let Some((number, state)) = party.number.zip(state) {
            each(Told { number, state, since }, row, findings);
        }
    })
}

/// The same for a file with contradictions, which are found now.
fn read_again(
    sheet: (&str, &str),
    numbering: &Numbering,
    contradictions: &[Contradiction],
) -> Result<(), Vec<Caret>> {
    let mut earlier: Map<Contradiction, RoamingState> = Map::with_hasher(Seed::default());
    read(sheet, numbering, |told, row, findings| {
        let key = (told.number.value(), told.since);
        if contradictions.binary_search(&key).is_ok()
            && *earlier.entry(key).or_insert(told.state) != told.state
        {
            let of_time = if told.since.is_some() { " of the same time" } else { "" };
            let message = format!("{} has another state in an earlier row{of_time}", told.number);
            findings.push(row.finding(NUMBER, message));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::field::Country;

    #[test]
    fn reads_numbers_and_states() {
        let numbering = Numbering::new(Country(*b"PL")).unwrap();
        let text = "number,state\n+48601000001,home\n48601000002,roaming\n\"+48 601-000-003\",home\n";
        let states = parse_roaming("r.csv", text, &numbering).unwrap();
        let state = |digits: &str| states.at(Number::from_digits(digits.as_bytes()).unwrap(), At::default());
        assert_eq!(state("48601000001"), Some(RoamingState::Home));
        assert_eq!(state("48601000002"), Some(RoamingState::Roaming));
        assert_eq!(state("48601000003"), Some(RoamingState::Home));
        assert_eq!(state("48601000004"), None);
    }

    #[test]
    fn reads_an_event_feed_in_any_order() {
        let numbering = Numbering::new(Country(*b"PL")).unwrap();
        let text = "since,number,state\n2026-11-21T20:00:00+01:00,+48601000001,roaming\n,+48601000002,home\n\
                    2026-11-20T08:00:00Z,+48601000001,home\n,+48601000002,home\n";
        let states = parse_roaming("r.csv", text, &numbering).unwrap();
        let state = |digits: &str, at| {
            states.at(Number::from_digits(digits.as_bytes()).unwrap(), At::parse(at).unwrap())
        };
        assert_eq!(state("48601000001", "2026-11-20T07:59:59Z"), None);
        assert_eq!(state("48601000001", "2026-11-20T08:09:59Z"), None, "it has just come home");
        assert_eq!(state("48601000001", "2026-11-21T18:59:59Z"), Some(RoamingState::Home));
        assert_eq!(state("48601000001", "2026-11-21T19:00:00Z"), Some(RoamingState::Roaming));
        assert_eq!(state("48601000002", "2026-11-20T08:00:00Z"), Some(RoamingState::Home));
    }

    #[test]
    fn shows_times_that_are_none_and_states_that_contradict() {
        let numbering = Numbering::new(Country(*b"PL")).unwrap();
        let text = "number,state,since\n+48601000001,home,2026-11-21T20:00:00Z\n\
                    +48601000001,roaming,2026-11-21T21:00:00+01:00\n+48601000001,roaming,yesterday\n\
                    +48601000001,roaming,\n+48601000001,home,\n";
        let findings = parse_roaming("r.csv", text, &numbering).unwrap_err();
        let shown: Vec<String> = findings.iter().map(|finding| finding.to_string()).collect();
        let starts = [
            "r.csv:3:1: +48601000001 has another state in an earlier row of the same time",
            "r.csv:4:22: not a time such as 2026-11-21T20:15:03Z",
            "r.csv:6:1: +48601000001 has another state in an earlier row\n",
        ];
        assert_eq!(shown.len(), starts.len(), "{shown:?}");
        assert!(shown.iter().zip(starts).all(|(shown, start)| shown.starts_with(start)), "{shown:?}");
    }

    #[test]
    fn shows_every_bad_row() {
        let numbering = Numbering::new(Country(*b"PL")).unwrap();
        let text = "number,state\n601,away\n+48601000001,home\n+48601000001,roaming\n+48601000001,home,\n";
        let findings = parse_roaming("r.csv", text, &numbering).unwrap_err();
        let shown: Vec<String> = findings.iter().map(|finding| finding.to_string()).collect();
        assert!(
            shown[0].starts_with("r.csv:2:1: not a number with its country code (too_short)"),
            "{shown:?}"
        );
        assert!(shown[1].starts_with("r.csv:2:5: a state is one of home, roaming"), "{shown:?}");
        assert!(shown[2].starts_with("r.csv:4:1: +48601000001 has another state"), "{shown:?}");
        assert!(shown[3].starts_with("r.csv:5:1: 3 cells where the header has 2"), "{shown:?}");
        assert_eq!(shown.len(), 4);
    }
}
