//! Lists of numbers, from CSV files: `prefix,owner,reason,expires`, and `route,proof` in the list of exemptions.

use std::collections::BTreeMap;

use toml::Spanned;

use crate::base::caret::Caret;
use crate::base::lists::{Lists, NEVER, PREFIXES_MAX, Prefix, PrefixSet, Proof, SHORT_CODE_MAX};
use crate::base::map::{Map, Seed, Set};
use crate::base::route::{Route, RouteId};
use crate::base::sheet::{Row, read_rows};
use crate::base::time::{At, DAY};
use crate::config::network::Files;
use crate::config::raw::{Findings, RawLists, suggest};

const COLUMNS: [&str; 6] = ["prefix", "owner", "reason", "expires", "route", "proof"];
const PREFIX: usize = 0;
const OWNER: usize = 1;
const REASON: usize = 2;
const EXPIRES: usize = 3;
const ROUTE: usize = 4;
const PROOF: usize = 5;
/// Largest file of a list, in octets: half a million rows of 64.
const FILE_MAX: u64 = 32 * 1024 * 1024;

/// Reads every list that the network file names.
pub(super) fn load_lists(
    raw: &RawLists,
    routes: &[Route],
    files: &mut Files<'_>,
    findings: &mut Findings<'_>,
) -> Lists {
    let mut plain = |file: &Option<Spanned<String>>, kind| {
        let parse = |path: &str, text: &str| parse_list(path, text, kind);
        let file = file.as_ref();
        file.and_then(|file| files.read_limited(file, FILE_MAX, findings, parse)).unwrap_or_default()
    };
    let (dno, unallocated) = (plain(&raw.dno, Kind::Plain).0, plain(&raw.unallocated, Kind::Plain).0);
    let (protected, short_codes) = plain(&raw.protected, Kind::WithShortCodes);
    let (high_cost, known_good) =
        (plain(&raw.high_cost, Kind::Plain).0, plain(&raw.known_good, Kind::Ending).0);
    let ids: BTreeMap<&str, RouteId> =
        (1..).zip(routes).map(|(index, route)| (route.name.as_str(), RouteId(index))).collect();
    let exempt = raw.cli_exempt.as_ref();
    let parse = |path: &str, text: &str| parse_exemptions(path, text, &ids);
    let cli_exempt = exempt.and_then(|file| files.read_limited(file, FILE_MAX, findings, parse));
    Lists {
        dno,
        unallocated,
        protected,
        short_codes,
        high_cost,
        known_good,
        cli_exempt: cli_exempt.unwrap_or_default(),
    }
}

/// Prefixes, and short codes among them.
type List = (PrefixSet<()>, Set<Vec<u8>>);

/// What the rows of a list may and must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Every row says when it ends: somebody has to ask again.
    Ending,
    /// Prefixes only.
    Plain,
    /// Short codes too: elsewhere such a row is a number whose `+` was forgotten.
    WithShortCodes,
}

fn parse_list(path: &str, text: &str, kind: Kind) -> Result<List, Vec<Caret>> {
    let (mut prefixes, mut short_codes) = (PrefixSet::default(), Set::with_hasher(Seed::default()));
    read_rows((path, text), &COLUMNS[..ROUTE], &[], |row, findings| {
        let until = read_row(row, kind == Kind::Ending, findings);
        let text = row.cell(PREFIX);
        if kind == Kind::WithShortCodes && is_short_code(text) {
            if !short_codes.insert(text.as_bytes().to_vec()) {
                findings.push(twice(row));
            }
            return;
        }
        let Some(prefix) = read_prefix(row, findings) else { return };
        insert(&mut prefixes, (prefix, (), until), row, findings);
    })?;
    Ok((prefixes, short_codes))
}

fn parse_exemptions(
    path: &str,
    text: &str,
    routes: &BTreeMap<&str, RouteId>,
) -> Result<Map<RouteId, PrefixSet<Proof>>, Vec<Caret>> {
    let mut exempt: Map<RouteId, PrefixSet<Proof>> = Map::with_hasher(Seed::default());
    read_rows((path, text), &COLUMNS, &[], |row, findings| {
        let until = read_row(row, true, findings);
        let route = routes.get(row.cell(ROUTE));
        if route.is_none() {
            let names: Vec<&str> = routes.keys().copied().collect();
            let message = format!("no route `{}` in the network file", row.cell(ROUTE));
            findings.push(row.finding(ROUTE, message).with_help(suggest(row.cell(ROUTE), &names)));
        }
        let proof =
            Proof::NAMES.iter().position(|name| *name == row.cell(PROOF)).map(|index| Proof::ALL[index]);
        if proof.is_none() {
            findings.push(row.finding(PROOF, format!("a proof is one of {}", Proof::NAMES.join(", "))));
        }
        let prefix = read_prefix(row, findings);
        let (Some(route), Some(proof), Some(prefix)) = (route, proof, prefix) else { return };
        insert(exempt.entry(*route).or_default(), (prefix, proof, until), row, findings);
    })?;
    Ok(exempt)
}

/// What every row has: who asked for it and why; until when it counts.
fn read_row(row: &Row<'_>, needs_end: bool, findings: &mut Vec<Caret>) -> At {
    for (column, what) in [(OWNER, "owner"), (REASON, "reason")] {
        if row.cell(column).is_empty() {
            findings.push(row.finding(column, format!("a row has its {what}")));
        }
    }
    match (row.cell(EXPIRES), needs_end) {
        ("", false) => NEVER,
        ("", true) => {
            findings.push(row.finding(EXPIRES, "a row of this list ends some day, such as 2026-12-31"));
            NEVER
        }
        (text, _) => At::of_date(text).map_or_else(
            || {
                findings.push(row.finding(EXPIRES, "not a date, such as 2026-12-31; empty means no end"));
                NEVER
            },
            |day| day + DAY,
        ),
    }
}

fn read_prefix(row: &Row<'_>, findings: &mut Vec<Caret>) -> Option<Prefix> {
    let prefix = row.cell(PREFIX).strip_prefix('+').and_then(|digits| Prefix::from_digits(digits.as_bytes()));
    if prefix.is_none() {
        let message = "not a number or its beginning with country code, such as +48601 or +48601234567";
        findings.push(row.finding(PREFIX, message));
    }
    prefix
}

/// Without `+`: as dialled.
fn is_short_code(text: &str) -> bool {
    (2..=SHORT_CODE_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn insert<V: Copy>(
    set: &mut PrefixSet<V>,
    (prefix, value, until): (Prefix, V, At),
    row: &Row<'_>,
    findings: &mut Vec<Caret>,
) {
    if set.len() >= PREFIXES_MAX {
        findings.push(row.finding(PREFIX, format!("more than {PREFIXES_MAX} prefixes")));
    } else if !set.insert(prefix, value, until) {
        findings.push(twice(row));
    }
}

fn twice(row: &Row<'_>) -> Caret {
    row.finding(PREFIX, format!("`{}` is in an earlier row", row.cell(PREFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::Number;

    fn number(digits: &str) -> Number {
        Number::from_digits(digits.as_bytes()).unwrap()
    }

    #[test]
    fn a_row_counts_through_its_last_day() {
        let text =
            "prefix,owner,reason,expires\n+48222,bank,hotline,2026-03-01\n+48801123456,x,y,\n19115,city,z,\n";
        let (prefixes, short_codes) = parse_list("protected.csv", text, Kind::WithShortCodes).unwrap();
        let noon = |date: &str| At::of_date(date).unwrap() + DAY / 2;
        assert!(prefixes.covers(number("48222000000"), noon("2026-03-01")));
        assert!(!prefixes.covers(number("48222000000"), noon("2026-03-02")));
        assert!(prefixes.covers(number("48801123456"), noon("2099-01-01")));
        assert!(short_codes.contains(&b"19115"[..]));
    }

    #[test]
    fn shows_every_bad_row() {
        let text = "prefix,owner,reason,expires\n48222,a,b,\n+0,,b,2026-02-30\n+48222,a,,\n+48222,a,b,\n";
        let findings = parse_list("l.csv", text, Kind::Plain).unwrap_err();
        let shown: Vec<String> =
            findings.iter().map(|finding| finding.to_string().lines().next().unwrap().to_owned()).collect();
        assert_eq!(
            shown,
            [
                "l.csv:2:1: not a number or its beginning with country code, such as +48601 or +48601234567",
                "l.csv:3:4: a row has its owner",
                "l.csv:3:7: not a date, such as 2026-12-31; empty means no end",
                "l.csv:3:1: not a number or its beginning with country code, such as +48601 or +48601234567",
                "l.csv:4:10: a row has its reason",
                "l.csv:5:1: `+48222` is in an earlier row",
            ]
        );
        assert!(parse_list("l.csv", "prefix,owner,reason,expires\n+48222,a,b,\n", Kind::Ending).is_err());
    }

    #[test]
    fn an_exemption_names_its_route_and_proof() {
        let routes = BTreeMap::from([("carrier-a", RouteId(1)), ("carrier-b", RouteId(2))]);
        let head = "prefix,owner,reason,expires,route,proof\n";
        let row = "+48222,pbx,contract 7,2026-12-31,carrier-a,cloud_pbx\n";
        let exempt = parse_exemptions("e.csv", &format!("{head}{row}"), &routes).unwrap();
        let day = At::of_date("2026-12-31").unwrap();
        assert_eq!(exempt[&RouteId(1)].find(number("48222123456"), day), Some(Proof::CloudPbx));
        assert!(!exempt.contains_key(&RouteId(2)));
        let row = "+48222,pbx,contract 7,,carrier-c,trust\n";
        let shown: Vec<String> = parse_exemptions("e.csv", &format!("{head}{row}"), &routes)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(shown[0].starts_with("e.csv:2:23: a row of this list ends some day"), "{shown:?}");
        assert!(
            shown[1].contains("no route `carrier-c`") && shown[1].contains("did you mean `carrier-"),
            "{shown:?}"
        );
        assert!(shown[2].contains("a proof is one of cloud_pbx, home_origin, hosted_abroad"), "{shown:?}");
    }
}
