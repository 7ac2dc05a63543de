//! Answers written down, one JSON object a line, and read again: a replay with them gives the same bytes, though the servers
//! that certificates came from answer otherwise now.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::base::map::{Map, Seed};
use crate::call::stir::Origid;
use crate::call::{Attestation, Stir, StirReason, StirVerdict};
use crate::stir::{Question, Source};

/// A line of `stir-answers.jsonl`.
#[derive(Debug, Deserialize, Serialize)]
struct Line<'a> {
    /// `id` of the call, as in `calls.jsonl`.
    id: &'a str,
    at: &'a str,
    verdict: &'a str,
    reason: &'a str,
    attestation: Option<&'a str>,
    origid: Option<&'a str>,
}

/// Writes one answer.
pub(super) fn write(out: &mut impl Write, question: &Question, stir: Stir) -> io::Result<()> {
    let origid = stir.origid.map(|origid| origid.to_string());
    let line = Line {
        id: &question.call.to_string(),
        at: &question.at.to_string(),
        verdict: stir.verdict.name(),
        reason: stir.reason.name(),
        attestation: stir.attestation.map(|attestation| Attestation::NAMES[attestation as usize]),
        origid: origid.as_deref(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Reads what [`Verifications`](crate::stir::Verifications) wrote.
///
/// # Errors
/// Number of the first line that cannot be read, from 1, and why.
pub fn parse_answers(text: &str) -> Result<Recorded, (usize, String)> {
    let mut answers = Map::with_hasher(Seed::default());
    for (index, text) in text.lines().enumerate() {
        let (id, stir) = parse_line(text).map_err(|why| (index + 1, why))?;
        answers.insert(id, stir);
    }
    Ok(Recorded { answers })
}

fn parse_line(text: &str) -> Result<(String, Stir), String> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let verdict = StirVerdict::NAMES.iter().position(|name| *name == line.verdict);
    let verdict = verdict.ok_or_else(|| format!("no verdict is `{}`", line.verdict))?;
    let reason = StirReason::NAMES.iter().position(|name| *name == line.reason);
    let reason = reason.ok_or_else(|| format!("no reason is `{}`", line.reason))?;
    let letter =
        |text: &str| Attestation::parse(text.as_bytes()).ok_or_else(|| format!("no attestation is `{text}`"));
    let origid = |text: &str| Origid::parse(text).ok_or_else(|| format!("`{text}` is no UUID"));
    let stir = Stir {
        verdict: StirVerdict::ALL[verdict],
        reason: StirReason::ALL[reason],
        attestation: line.attestation.map(letter).transpose()?,
        origid: line.origid.map(origid).transpose()?,
    };
    Ok((line.id.to_owned(), stir))
}

/// Answers of an earlier run.
#[derive(Debug)]
pub struct Recorded {
    answers: Map<String, Stir>,
}

impl Source for Recorded {
    fn ask(&mut self, questions: &[Question]) -> Vec<Stir> {
        let answer = |question: &Question| self.answers.get(&question.call.to_string()).copied();
        let none = Stir::unverified(StirReason::Unrecorded);
        questions.iter().map(|question| answer(question).unwrap_or(none)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::Party;
    use crate::base::route::{Direction, RouteId};
    use crate::base::time::At;
    use crate::call::CallId;

    fn question(id: u128) -> Question {
        Question {
            seq: 1,
            call: CallId(id),
            at: At::from_nanos(1_700_000_000_123_456_789),
            route: RouteId::UNKNOWN,
            direction: Direction::Inbound,
            calling: Party::default(),
            called: Party::default(),
            head: b"".as_slice().into(),
            waits: 0,
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let stir = Stir {
            attestation: Some(Attestation::B),
            origid: Origid::parse("c99d9e7f-d1b3-4c92-b333-e5e5eff03af1"),
            ..Stir::invalid(StirReason::Signature)
        };
        let mut text = Vec::new();
        write(&mut text, &question(7), stir).unwrap();
        write(&mut text, &question(8), Stir::unverified(StirReason::Timeout)).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            "{\"id\":\"00000000000000000000000007\",\"at\":\"2023-11-14T22:13:20.123456789Z\",\"verdict\":\"invalid\",\
             \"reason\":\"signature\",\"attestation\":\"b\",\"origid\":\"c99d9e7f-d1b3-4c92-b333-e5e5eff03af1\"}"
        );
        let mut recorded = parse_answers(&text).unwrap();
        let answers = recorded.ask(&[question(7), question(8), question(9)]);
        let reasons = [StirReason::Timeout, StirReason::Unrecorded].map(Stir::unverified);
        assert_eq!(answers, [stir, reasons[0], reasons[1]]);
        for (from, to) in
            [("invalid", "bad"), ("signature", "bad"), ("\"b\"", "\"d\""), ("c99d", "x99d"), ("}", "")]
        {
            assert_eq!(parse_answers(&text.replacen(from, to, 1)).unwrap_err().0, 1, "{to}");
        }
    }
}
