//! A finished call beside what it truly was.

use crate::base::class::{Class, Decision};
use crate::base::field::{FieldId, Value};
use crate::base::network::Network;
use crate::base::number::Number;
use crate::base::route::{RouteClass, RouteId};
use crate::base::time::At;
use crate::evaluate::course::Outcome;
use crate::evaluate::truth::Truth;
use crate::feature::fields;
use crate::judge::CallRecord;
use crate::rule::Ruleset;

/// Rules that let calls of a known range through, to see how they end.
const PROBE_RULES: [&str; 2] = ["FC-190", "WG-190"];
/// Field in their evidence when the call was drawn by lot.
const DRAWN: &str = "caller.probe";
/// Kind of the calls that people make from a range that was a campaign's before.
pub const REASSIGNED: &str = "reassigned";

/// What a call is to the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A contracted sender's machine calls, on its white route: they are to be charged.
    Contracted,
    /// People's, and machines' that nobody minds: to be let through.
    Legitimate,
    /// To be blocked.
    Unwanted,
}

/// How records of probes are told.
#[derive(Clone, Debug)]
pub struct Probes {
    /// Indexes of the rules that let them through.
    rules: Vec<u16>,
    /// The field that says a call was drawn.
    drawn: Option<FieldId>,
}

impl Probes {
    /// By the rules in force.
    #[must_use]
    pub fn new(ruleset: &Ruleset) -> Self {
        let rules = (0..).zip(ruleset.rules()).filter(|(_, rule)| PROBE_RULES.contains(&&*rule.id));
        Self { rules: rules.map(|(index, _)| index).collect(), drawn: fields::find(DRAWN) }
    }

    fn let_through(&self, record: &CallRecord) -> bool {
        let verdict = &record.verdict;
        verdict.decision == Decision::Allow && verdict.rule.is_some_and(|rule| self.rules.contains(&rule))
    }

    fn drew(&self, record: &CallRecord) -> bool {
        let mut evidence = record.verdict.evidence.iter();
        evidence.any(|piece| Some(piece.field) == self.drawn && piece.value == Value::Bool(true))
    }
}

/// What an evaluation keeps of a call.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// What it truly is.
    pub truth: Truth,
    /// To the operator.
    pub standing: Standing,
    /// First INVITE, or IAM.
    pub setup_at: At,
    /// Its route.
    pub route: RouteId,
    /// The number whose range matters: the calling one; of a call back the called one.
    pub number: Option<Number>,
    /// What the switch was told.
    pub decision: Decision,
    /// What it was taken for at setup.
    pub class: Class,
    /// What it turned out to be.
    pub final_class: Class,
    /// The rule that decided at setup.
    pub rule: Option<u16>,
    /// Let through on purpose, although its range is known.
    pub is_probe: bool,
    /// Whether it was drawn by lot to be such a probe, rather than let through because its caller insisted.
    pub is_sample: bool,
    /// Whether a rule at the end gave its final class, rather than the verdict at setup.
    pub is_confirmed: bool,
}

impl Judged {
    /// Of a record.
    #[must_use]
    pub fn new(record: &CallRecord, truth: Truth, network: &Network, probes: &Probes) -> Self {
        let call = &record.call;
        let is_probe = probes.let_through(record);
        let is_white = network.routes.route(call.route).class == RouteClass::White;
        let standing = match truth.label {
            Class::Normal => Standing::Legitimate,
            Class::Flash if is_white => Standing::Contracted,
            _ => Standing::Unwanted,
        };
        let party = if truth.label == Class::WangiriCallback { &call.called } else { &call.calling };
        Self {
            truth,
            standing,
            setup_at: call.setup_at,
            route: call.route,
            number: party.number,
            decision: record.verdict.decision,
            class: record.verdict.class,
            final_class: record.final_class,
            rule: record.verdict.rule,
            is_probe,
            is_sample: is_probe && probes.drew(record),
            is_confirmed: record.final_rule.is_some() && record.final_class != Class::Normal,
        }
    }

    /// What was done with it.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.decision {
            Decision::Allow if self.is_probe => Outcome::Probe,
            Decision::Allow => Outcome::Passed,
            Decision::Block | Decision::Divert | Decision::Mask | Decision::Monetise => Outcome::Stopped,
        }
    }

    /// Whether it was found out, at setup or at its end.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.decision != Decision::Allow || self.final_class != Class::Normal
    }
}
