//! Answers written down, one JSON object a line, and read again: a replay with them gives the same bytes.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::base::map::{Map, Seed};
use crate::base::network::RoamingState;
use crate::base::number::Number;
use crate::base::time::At;
use crate::lookup::{Answer, Outcome, Question, Source};

/// A line of `roaming-answers.jsonl`.
#[derive(Debug, Deserialize, Serialize)]
struct Line<'a> {
    /// `id` of the call that needed it, as in `calls.jsonl`.
    id: &'a str,
    at: &'a str,
    number: &'a str,
    result: &'a str,
    state: Option<&'a str>,
}

/// Writes one answer.
pub(super) fn write(out: &mut impl Write, question: Question, answer: Answer) -> io::Result<()> {
    let line = Line {
        id: &question.call.to_string(),
        at: &question.at.to_string(),
        number: &question.number.to_string(),
        result: Outcome::NAMES[answer.outcome as usize],
        state: answer.state.map(|state| RoamingState::NAMES[state as usize]),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Reads what [`LookUps`](crate::lookup::LookUps) wrote.
///
/// # Errors
/// Number of the first line that cannot be read, from 1, and why.
pub fn parse_answers(text: &str) -> Result<Recorded, (usize, String)> {
    let mut answers = Map::with_hasher(Seed::default());
    for (index, text) in text.lines().enumerate() {
        let (key, answer) = parse_line(text).map_err(|why| (index + 1, why))?;
        answers.insert(key, answer);
    }
    Ok(Recorded { answers })
}

fn parse_line(text: &str) -> Result<((At, Number), Answer), String> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let at = At::of_rfc3339(line.at).ok_or("`at` is not a time as written here")?;
    let digits = line.number.strip_prefix('+').unwrap_or_default();
    let number = Number::from_digits(digits.as_bytes()).map_err(|_| "`number` is no number")?;
    let outcome = Outcome::NAMES.iter().position(|name| *name == line.result);
    let outcome = outcome.ok_or_else(|| format!("no result is `{}`", line.result))?;
    let state = match line.state {
        None => None,
        Some("home") => Some(RoamingState::Home),
        Some("roaming") => Some(RoamingState::Roaming),
        Some(other) => return Err(format!("no state is `{other}`")),
    };
    Ok(((at, number), Answer { state, outcome: Outcome::ALL[outcome] }))
}

/// Answers of an earlier run.
#[derive(Debug)]
pub struct Recorded {
    answers: Map<(At, Number), Answer>,
}

impl Source for Recorded {
    fn ask(&mut self, questions: &[Question]) -> Vec<Answer> {
        let answer = |question: &Question| self.answers.get(&(question.at, question.number)).copied();
        let none = Answer::none(Outcome::Unrecorded);
        questions.iter().map(|question| answer(question).unwrap_or(none)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::CallId;

    #[test]
    fn what_was_written_is_read_again() {
        let question = |tail: u64| Question {
            at: At::from_nanos(1_700_000_000_123_456_789 + tail),
            call: CallId(7),
            number: Number::from_digits(b"48601000001").unwrap(),
        };
        let mut text = Vec::new();
        let answers = [
            Answer { state: Some(RoamingState::Roaming), outcome: Outcome::Answered },
            Answer { state: Some(RoamingState::Home), outcome: Outcome::Answered },
            Answer::none(Outcome::TimedOut),
        ];
        for (tail, answer) in (0..).zip(answers) {
            write(&mut text, question(tail), answer).unwrap();
        }
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            "{\"id\":\"00000000000000000000000007\",\"at\":\"2023-11-14T22:13:20.123456789Z\",\
             \"number\":\"+48601000001\",\"result\":\"answered\",\"state\":\"roaming\"}"
        );
        let mut recorded = parse_answers(&text).unwrap();
        assert_eq!(recorded.ask(&[question(0), question(1), question(2)]), answers);
        assert_eq!(recorded.ask(&[question(3)]), [Answer::none(Outcome::Unrecorded)]);
    }

    #[test]
    fn says_which_line_cannot_be_read() {
        let good = "{\"id\":\"x\",\"at\":\"2023-11-14T22:13:20.123456789Z\",\"number\":\"+48601000001\",\
                    \"result\":\"failed\",\"state\":null}\n";
        for (from, to) in [
            ("+48", "48"),
            ("2023-11-14T", "2023-11-31T"),
            ("failed", "fail"),
            ("null", "\"away\""),
            ("}", ""),
        ] {
            let bad = format!("{good}{}", good.replacen(from, to, 1));
            assert_eq!(parse_answers(&bad).unwrap_err().0, 2, "{to}");
        }
    }
}
