//! Roaming states of subscribers, from a CSV file: `number,state`.

use crate::base::caret::Caret;
use crate::base::map::{Map, Seed};
use crate::base::network::RoamingState;
use crate::base::number::{Number, Shape};
use crate::base::numbering::{Nature, Numbering};
use crate::base::route::NumberFormat;
use crate::base::sheet::read_rows;

const NUMBER: usize = 0;
const STATE: usize = 1;

/// Reads the file's text; `path` is shown in findings. Numbers have their country code, with or without `+`.
///
/// # Errors
/// Every finding.
pub fn parse_roaming(
    path: &str,
    text: &str,
    numbering: &Numbering,
) -> Result<Map<Number, RoamingState>, Vec<Caret>> {
    let mut states = Map::with_hasher(Seed::default());
    read_rows((path, text), &["number", "state"], &[], |row, findings| {
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
        let Some((number, state)) = party.number.zip(state) else { return };
        if states.insert(number, state).is_some_and(|earlier| earlier != state) {
            findings.push(row.finding(NUMBER, format!("{number} has another state in an earlier row")));
        }
    })?;
    Ok(states)
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
        let state = |digits: &str| states.get(&Number::from_digits(digits.as_bytes()).unwrap()).copied();
        assert_eq!(state("48601000001"), Some(RoamingState::Home));
        assert_eq!(state("48601000002"), Some(RoamingState::Roaming));
        assert_eq!(state("48601000003"), Some(RoamingState::Home));
        assert_eq!(state("48601000004"), None);
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
