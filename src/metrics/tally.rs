//! Counts over finished calls, by route: the figures of the report and of the metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::class::{Class, Decision};
use crate::base::lists::PrefixSet;
use crate::base::route::Direction;
use crate::judge::CallRecord;

/// Counts of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTally {
    /// Attempts by protocol (SIP, ISUP).
    pub calls: [u64; 2],
    /// Attempts by direction (inbound, outbound).
    pub directions: [u64; 2],
    /// Attempts that were answered.
    pub answered: u64,
    /// Attempts by decision and class at setup.
    pub decided: [[u64; Class::NAMES.len()]; Decision::NAMES.len()],
    /// Attempts by decision and final class.
    pub turned_out: [[u64; Class::NAMES.len()]; Decision::NAMES.len()],
}

impl RouteTally {
    /// All attempts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.calls.iter().sum()
    }

    /// Attempts with this decision.
    #[must_use]
    pub fn with_decision(&self, decision: Decision) -> u64 {
        self.decided[decision as usize].iter().sum()
    }

    /// Attempts let through free of charge that turned out not to be normal: what was missed.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.turned_out[Decision::Allow as usize][1..].iter().sum()
    }

    /// Attempts with this final class.
    #[must_use]
    pub fn with_final_class(&self, class: Class) -> u64 {
        self.turned_out.iter().map(|row| row[class as usize]).sum()
    }

    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        let add =
            |own: &mut [u64], more: &[u64]| own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
        add(&mut self.calls, &other.calls);
        add(&mut self.directions, &other.directions);
        self.decided.iter_mut().zip(&other.decided).for_each(|(own, more)| add(own, more));
        self.turned_out.iter_mut().zip(&other.turned_out).for_each(|(own, more)| add(own, more));
        self.answered += other.answered;
    }

    fn count(&mut self, record: &CallRecord) {
        let inbound = record.call.direction == Direction::Inbound;
        self.calls[record.call.protocol() as usize] += 1;
        self.directions[usize::from(!inbound)] += 1;
        self.answered += u64::from(record.call.answer_at.is_some());
        self.decided[record.verdict.decision as usize][record.verdict.class as usize] += 1;
        self.turned_out[record.verdict.decision as usize][record.final_class as usize] += 1;
    }
}

/// Counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By route id.
    pub routes: Vec<RouteTally>,
    /// Calls by the rule their record names, by its id: rules may change while calls last.
    pub rules: BTreeMap<Arc<str>, u64>,
    /// Calls kept away although a person had checked the caller, by the rule that did it.
    pub known_good_blocked: BTreeMap<Arc<str>, u64>,
}

impl Tally {
    /// Counts for so many routes.
    #[must_use]
    pub fn new(routes: usize) -> Self {
        Self { routes: vec![RouteTally::default(); routes], ..Self::default() }
    }

    /// Counts one finished call; `known_good` is the list of callers whom a person has checked.
    pub fn count(&mut self, record: &CallRecord, known_good: &PrefixSet<()>) {
        self.routes[usize::from(record.call.route.0)].count(record);
        let Some(rule) = record.rule().and_then(|index| record.ruleset.rules().get(usize::from(index)))
        else {
            return;
        };
        let is_known_good =
            record.call.calling.number.is_some_and(|number| known_good.covers(number, record.call.setup_at));
        if record.verdict.decision.keeps_away() && is_known_good {
            add_one(&mut self.known_good_blocked, &rule.id);
        }
        add_one(&mut self.rules, &rule.id);
    }

    /// All routes together.
    #[must_use]
    pub fn total(&self) -> RouteTally {
        let mut sum = RouteTally::default();
        self.routes.iter().for_each(|route| sum.merge(route));
        sum
    }
}

fn add_one(counts: &mut BTreeMap<Arc<str>, u64>, rule: &Arc<str>) {
    match counts.get_mut(rule) {
        Some(count) => *count += 1,
        None => drop(counts.insert(Arc::clone(rule), 1)),
    }
}
