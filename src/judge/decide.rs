//! The decision on one call at setup: the rules by phase, and then safety, which no rule can overrule.

use crate::base::class::{Class, Decision};
use crate::base::field::{Facts, Point};
use crate::base::network::Network;
use crate::call::Call;
use crate::judge::output::Verdict;
use crate::rule::{Action, Evidence, Mode, Ruleset};

/// Judges a call at setup. `shadow` is told each shadow rule that matched.
pub fn decide(
    ruleset: &Ruleset,
    facts: &impl Facts,
    call: &Call,
    network: &Network,
    shadow: &mut dyn FnMut(u16),
) -> Verdict {
    let verdict = by_rules(ruleset, facts, shadow);
    // Safety is code, not a rule: nobody can edit it away, and it has the last word.
    if verdict.rule.is_some() && network.is_emergency(&call.called) { Verdict::default() } else { verdict }
}

/// The first live rule that ends the judgement wins; a rule that only classifies gives the class if none came before.
fn by_rules(ruleset: &Ruleset, facts: &impl Facts, shadow: &mut dyn FnMut(u16)) -> Verdict {
    let mut verdict = Verdict::default();
    let mut evidence = Evidence::new();
    for index in ruleset.at(Point::Setup).iter().copied() {
        if !ruleset.matches(index, facts, &mut evidence) {
            continue;
        }
        let Some(rule) = ruleset.rules().get(usize::from(index)) else { continue };
        if rule.mode == Mode::Shadow {
            shadow(index);
            continue;
        }
        let decision = match rule.action {
            Action::Allow => Some(Decision::Allow),
            Action::Block { .. } => Some(Decision::Block),
            Action::Divert { .. } => Some(Decision::Divert),
            Action::Mask => Some(Decision::Mask),
            Action::Monetise => Some(Decision::Monetise),
            Action::Classify => None,
        };
        if decision.is_some() || verdict.rule.is_none() {
            let class = rule.class.unwrap_or(Class::Normal);
            verdict = Verdict {
                decision: decision.unwrap_or_default(),
                class,
                rule: Some(index),
                evidence: evidence.as_slice().into(),
            };
        }
        if decision.is_some() {
            break;
        }
    }
    verdict
}
