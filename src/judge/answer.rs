//! What a switch is told about a call: the verdict with the codes of its rule, so that an adapter needs no rules.

use std::sync::Arc;

use crate::base::class::{Class, Decision};
use crate::call::CallId;
use crate::judge::output::Verdict;
use crate::rule::{Action, Ruleset};

/// What the switch shall do with the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Treatment {
    /// Let it pass.
    #[default]
    Allow,
    /// Refuse it.
    Block {
        /// SIP status, 400 to 499 or 600 to 699.
        sip: u16,
        /// Q.850 cause, 1 to 127.
        q850: u8,
        /// Words of the rule.
        reason: Arc<str>,
    },
    /// Send it elsewhere.
    Divert {
        /// SIP or tel URI, without angle brackets.
        target: Arc<str>,
    },
    /// Let it pass without its calling number.
    Mask,
    /// Let it pass and charge the sender.
    Monetise,
}

impl Treatment {
    /// Its name in records.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        match self {
            Self::Allow => Decision::Allow,
            Self::Block { .. } => Decision::Block,
            Self::Divert { .. } => Decision::Divert,
            Self::Mask => Decision::Mask,
            Self::Monetise => Decision::Monetise,
        }
    }
}

/// What is told about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The call, as its record names it.
    pub call: CallId,
    /// What it is taken for.
    pub class: Class,
    /// Id of the rule that said so.
    pub rule: Option<Arc<str>>,
    /// What to do.
    pub treatment: Treatment,
}

impl Answer {
    /// The answer that a verdict by these rules stands for.
    #[must_use]
    pub fn new(call: CallId, verdict: &Verdict, ruleset: &Ruleset) -> Self {
        let rule = verdict.rule.and_then(|index| ruleset.rules().get(usize::from(index)));
        let treatment = match (verdict.decision, rule.map(|rule| &rule.action)) {
            (Decision::Block, Some(Action::Block { sip, q850, reason })) => {
                Treatment::Block { sip: *sip, q850: *q850, reason: Arc::clone(reason) }
            }
            (Decision::Divert, Some(Action::Divert { to })) => Treatment::Divert { target: Arc::clone(to) },
            (Decision::Mask, _) => Treatment::Mask,
            (Decision::Monetise, _) => Treatment::Monetise,
            _ => Treatment::Allow,
        };
        Self { call, class: verdict.class, rule: rule.map(|rule| Arc::clone(&rule.id)), treatment }
    }
}
