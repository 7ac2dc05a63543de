//! True recall: of the test calls that reached this network, how many were recognised. Nobody else knows of a call what it was.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::class::{Class, Decision};
use crate::base::interval::exact_95;
use crate::base::number::Number;
use crate::base::time::At;
use crate::campaign::{Labels, Source, number};

/// How far the clocks of whoever ordered a test call and of the network may be apart, in seconds.
const APART_S: u64 = 60;

/// What of a call record matters here.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    setup_at: Cow<'a, str>,
    // A `Cow` within an option is never borrowed.
    calling: Option<String>,
    called: Option<String>,
    #[serde(borrow)]
    route: Cow<'a, str>,
    #[serde(borrow)]
    decision: Cow<'a, str>,
    #[serde(borrow)]
    final_class: Cow<'a, str>,
}

/// A record of a called number that was tested.
#[derive(Debug)]
struct Candidate {
    at: At,
    calling: Option<Number>,
    route: String,
    decision: Decision,
    is_normal: bool,
    is_taken: bool,
}

/// What became of the test calls of a service on a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// Who was tested.
    pub service: String,
    /// Where the calls came in; empty in the sum of a service.
    pub route: String,
    /// Test calls with a record.
    pub calls: u64,
    /// Blocked at setup.
    pub blocked: u64,
    /// Charged.
    pub monetised: u64,
    /// Let through, and recognised when they ended.
    pub found: u64,
    /// Not recognised.
    pub missed: u64,
    /// Share recognised at all, of `calls`; `None` without any.
    pub recognised: Option<f64>,
    /// Where the true share lies, 95 %: Clopper and Pearson.
    pub recognised_95: [f64; 2],
    /// Share blocked or charged.
    pub stopped: Option<f64>,
    /// Where the true share lies.
    pub stopped_95: [f64; 2],
}

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recall {
    /// By service and route, then the sum of each service.
    pub shares: Vec<Share>,
    /// Test calls without a record: they came in elsewhere, or not at all.
    pub without_record: u64,
}

/// Collects the records of tested numbers, then matches them with the test calls.
#[derive(Debug)]
pub struct Matcher<'a> {
    labels: &'a Labels,
    tested: BTreeSet<Number>,
    candidates: BTreeMap<Number, Vec<Candidate>>,
}

impl<'a> Matcher<'a> {
    /// For the test calls among these labels.
    #[must_use]
    pub fn new(labels: &'a Labels) -> Self {
        let calls = labels.iter().filter(|(label, _)| label.source == Source::TestCall);
        let tested = calls.filter_map(|(label, _)| Some(label.call?.0)).collect();
        Self { labels, tested, candidates: BTreeMap::new() }
    }

    /// Takes one line of `calls.jsonl`.
    ///
    /// # Errors
    /// Why it is no call record.
    pub fn take(&mut self, line: &str) -> Result<(), String> {
        let line: Line<'_> =
            serde_json::from_str(line).map_err(|error| format!("no call record: {error}"))?;
        let Some(called) =
            line.called.as_deref().and_then(number).filter(|called| self.tested.contains(called))
        else {
            return Ok(());
        };
        let at = At::parse(&line.setup_at).ok_or("`setup_at` is no time")?;
        let decision = Decision::ALL.into_iter().find(|decision| decision.name() == line.decision);
        let candidate = Candidate {
            at,
            calling: line.calling.as_deref().and_then(number),
            route: line.route.into_owned(),
            decision: decision.ok_or("`decision` is not known")?,
            is_normal: line.final_class == Class::Normal.name(),
            is_taken: false,
        };
        self.candidates.entry(called).or_default().push(candidate);
        Ok(())
    }

    /// Matches each test call with the record nearest in time that no other has; with the same calling number, if one was seen.
    #[must_use]
    pub fn finish(mut self) -> Recall {
        let mut calls: Vec<_> = self
            .labels
            .iter()
            .filter_map(|(label, _)| Some((label.call?, label.seen, &label.service)))
            .collect();
        // Those that name their caller choose first.
        calls.sort_by_key(|((called, at), seen, service)| (seen.is_none(), *at, *called, *service));
        let mut shares: BTreeMap<(String, String), Share> = BTreeMap::new();
        let mut without_record = 0;
        for ((called, at), seen, service) in calls {
            let apart = |candidate: &Candidate| candidate.at.nanos().abs_diff(at.nanos());
            let candidates = self.candidates.get_mut(&called).into_iter().flatten();
            let fitting = candidates
                .filter(|candidate| !candidate.is_taken && apart(candidate) <= APART_S * 1_000_000_000)
                .filter(|candidate| seen.is_none() || candidate.calling == seen);
            let Some(record) = fitting.min_by_key(|candidate| apart(candidate)) else {
                without_record += 1;
                continue;
            };
            record.is_taken = true;
            for route in [record.route.as_str(), ""] {
                shares.entry((service.clone(), route.to_owned())).or_default().count(record);
            }
        }
        let shares =
            shares.into_iter().map(|((service, route), share)| share.finished(service, route)).collect();
        Recall { shares, without_record }
    }
}

impl Share {
    fn count(&mut self, record: &Candidate) {
        self.calls += 1;
        *match (record.decision, record.is_normal) {
            (Decision::Block | Decision::Divert | Decision::Mask, _) => &mut self.blocked,
            (Decision::Monetise, _) => &mut self.monetised,
            (Decision::Allow, false) => &mut self.found,
            (Decision::Allow, true) => &mut self.missed,
        } += 1;
    }

    fn finished(self, service: String, route: String) -> Self {
        let stopped = self.blocked + self.monetised;
        let share = |part: u64| (self.calls > 0).then(|| part as f64 / self.calls as f64);
        let bounds = |part| {
            let interval = exact_95(part, self.calls);
            [interval.low, interval.high]
        };
        Self {
            service,
            route,
            recognised: share(stopped + self.found),
            recognised_95: bounds(stopped + self.found),
            stopped: share(stopped),
            stopped_95: bounds(stopped),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::import::import;
    use crate::campaign::labels::EXPIRES_AFTER;

    fn record(second: u32, calling: &str, called: u32, outcome: (&str, &str)) -> String {
        let (decision, class) = outcome;
        format!(
            "{{\"id\":\"x\",\"route\":\"a\",\"setup_at\":\"2026-11-21T20:00:{second:02}.5Z\",\"calling\":{calling},\
             \"called\":\"+4860100000{called}\",\"decision\":\"{decision}\",\"final_class\":\"{class}\",\"evidence\":[]}}"
        )
    }

    fn recall(tests: &str, records: &[String]) -> Recall {
        let mut labels = Labels::default();
        let text = format!("called,at,service,seen_cli\n{tests}");
        import(("f", &text), (At::default(), EXPIRES_AFTER), &mut labels).unwrap();
        let mut matcher = Matcher::new(&labels);
        records.iter().for_each(|record| matcher.take(record).unwrap());
        matcher.finish()
    }

    #[test]
    fn counts_what_became_of_test_calls() {
        let tests = "+48601000001,2026-11-21T20:00:00Z,app,\n+48601000002,2026-11-21T20:00:00Z,app,\n\
                     +48601000003,2026-11-21T20:00:00Z,app,\n+48601000004,2026-11-21T20:00:00Z,app,\n\
                     +48601000005,2026-11-21T20:00:00Z,app,\n";
        let outcomes = [("block", "flash"), ("allow", "flash"), ("monetise", "flash"), ("allow", "normal")];
        let records: Vec<_> =
            (1..).zip(outcomes).map(|(called, outcome)| record(30, "null", called, outcome)).collect();
        let recall = recall(tests, &records);
        assert_eq!(recall.without_record, 1);
        let [sum, route] = &recall.shares[..] else { panic!("{recall:?}") };
        assert_eq!((sum.route.as_str(), route.route.as_str()), ("", "a"));
        for share in [sum, route] {
            assert_eq!(
                (share.calls, share.blocked, share.monetised, share.found, share.missed),
                (4, 1, 1, 1, 1)
            );
            assert_eq!((share.recognised, share.stopped), (Some(0.75), Some(0.5)));
            let interval = exact_95(3, 4);
            assert_eq!(share.recognised_95, [interval.low, interval.high]);
        }
    }

    #[test]
    fn a_record_is_nobody_elses() {
        let seen = "+48601000001,2026-11-21T20:00:00Z,app,+447400123456\n";
        let unseen = "+48601000001,2026-11-21T20:00:01Z,app,\n";
        let near = record(1, "\"+447400999999\"", 1, ("block", "flash"));
        let named = record(20, "\"+447400123456\"", 1, ("allow", "normal"));
        let both = recall(&format!("{seen}{unseen}"), &[near.clone(), named.clone()]);
        assert_eq!((both.without_record, both.shares[0].blocked, both.shares[0].missed), (0, 1, 1));
        assert_eq!(recall(seen, std::slice::from_ref(&near)).without_record, 1);
        assert_eq!(
            recall(&format!("{unseen}+48601000001,2026-11-21T20:00:02Z,app,\n"), &[near]).without_record,
            1
        );
        let late = "+48601000001,2026-11-21T20:01:21Z,app,\n";
        assert_eq!(recall(late, &[named]).without_record, 1);
    }

    #[test]
    fn a_line_may_have_escapes_where_it_likes() {
        let tests = "+48601000001,2026-11-21T20:00:00Z,app,+447400123456\n";
        let line = record(1, "\"+447400123456\"", 1, ("block", "flash"));
        let escaped =
            line.replace("+48", "\\u002b48").replace("+44", "\\u002b44").replace("block", "bloc\\u006b");
        assert_ne!(line, escaped);
        let escaped = escaped.replace("flash", "fl\\u0061sh").replace("2026-", "202\\u0036-");
        assert_eq!(recall(tests, &[escaped]), recall(tests, &[line]));
    }

    #[test]
    fn says_what_is_no_record() {
        let labels = Labels::default();
        assert!(Matcher::new(&labels).take("{}").unwrap_err().starts_with("no call record"));
    }
}
