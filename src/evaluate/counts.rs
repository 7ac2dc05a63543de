//! What is counted of every call, in whatever order they come. Counts of several runs add up.

use std::collections::BTreeMap;

use crate::base::class::{Class, Decision};
use crate::base::field::Country;
use crate::evaluate::curve::Timeline;
use crate::evaluate::judged::{Judged, Standing};
use crate::evaluate::names::Name;

/// Number of classes.
pub const CLASSES: usize = Class::NAMES.len();

/// Unwanted calls of a class, or of a family of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unwanted {
    /// All.
    pub calls: u64,
    /// Blocked or charged.
    pub stopped: u64,
    /// Let through on purpose.
    pub probes: u64,
    /// Whose final class is the true one.
    pub right_at_end: u64,
}

/// Legitimate calls of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Legitimate {
    /// All.
    pub calls: u64,
    /// Blocked.
    pub blocked: u64,
    /// Let through but charged to a sender.
    pub charged: u64,
    /// Whose final class is not `normal`.
    pub misclassed: u64,
}

/// What was taken for a class: how many calls, and how many rightly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Blocked as this class at setup; calls on white routes aside.
    pub setup: u64,
    /// Those of them that are of the class.
    pub setup_right: u64,
    /// With this final class; calls on white routes aside.
    pub end: u64,
    /// Those of them that are of the class.
    pub end_right: u64,
    /// Calls taken for this class at setup, and let through by lot.
    pub probes: u64,
    /// Those of them whose end confirmed it.
    pub probes_confirmed: u64,
    /// Those of them that were legitimate.
    pub probes_legitimate: u64,
}

/// Calls that are not people's, of a route or a country.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Unwanted calls.
    pub unwanted: u64,
    /// Unwanted calls blocked.
    pub blocked: u64,
    /// Unwanted or contracted calls charged.
    pub monetised: u64,
    /// Unwanted calls let through and found out at their end.
    pub late: u64,
    /// Unwanted calls that nobody noticed.
    pub unnoticed: u64,
    /// Contracted calls.
    pub contracted: u64,
    /// What an operator counts as found out: legitimate calls among them.
    pub seen: u64,
    /// Unwanted calls that reached a test number.
    pub tests: u64,
    /// Those of them that were found out.
    pub tests_seen: u64,
}

/// Contracted calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contracted {
    /// All.
    pub calls: u64,
    /// Charged.
    pub monetised: u64,
    /// Blocked.
    pub blocked: u64,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records that no row of the truth belongs to.
    pub records_unmatched: u64,
    /// Rows of the truth that no record belongs to.
    pub truth_unmatched: u64,
    /// By class and family.
    pub unwanted: BTreeMap<(Class, Name), Unwanted>,
    /// By kind.
    pub legitimate: BTreeMap<Name, Legitimate>,
    /// By class, as in [`Class::ALL`].
    pub taken: [Taken; CLASSES],
    /// By true class, then by final class.
    pub confusion: [[u64; CLASSES]; CLASSES],
    /// By true class, then by decision; contracted calls apart, in the row after the last class.
    pub decisions: [[u64; 3]; CLASSES + 1],
    /// Contracted calls.
    pub contracted: Contracted,
    /// By route's name.
    pub routes: BTreeMap<String, Place>,
    /// By country of the number that counts; `None` when it has none.
    pub countries: BTreeMap<Option<Country>, Place>,
    /// Legitimate calls blocked, by the rule and the kind.
    pub false_by_rule: BTreeMap<(u16, Name), u64>,
    /// Unwanted calls let through, by time.
    pub leak: Timeline,
}

impl Counts {
    /// Counts a call; `is_test` says that it reached a number kept for tests. Places are counted by [`Counts::place`].
    pub fn count(&mut self, call: &Judged) {
        let label = call.truth.label;
        self.confusion[label as usize][call.final_class as usize] += 1;
        let row = if call.standing == Standing::Contracted { CLASSES } else { label as usize };
        self.decisions[row][call.decision as usize] += 1;
        match call.standing {
            Standing::Contracted => self.count_contracted(call),
            Standing::Legitimate => self.count_legitimate(call),
            Standing::Unwanted => self.count_unwanted(call),
        }
        if call.standing != Standing::Contracted && call.decision != Decision::Monetise {
            self.count_taken(call);
        }
    }

    /// Counts a call that is not people's, or is taken for such, at its route and country.
    pub fn place(&mut self, call: &Judged, route: &str, (country, is_test): (Option<Country>, bool)) {
        if !self.routes.contains_key(route) {
            self.routes.insert(route.to_owned(), Place::default());
        }
        let places = [self.routes.get_mut(route), Some(self.countries.entry(country).or_default())];
        places.into_iter().flatten().for_each(|place| place.count(call, is_test));
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        self.records_unmatched += other.records_unmatched;
        self.truth_unmatched += other.truth_unmatched;
        merge_map(&mut self.unwanted, &other.unwanted, Unwanted::add);
        merge_map(&mut self.legitimate, &other.legitimate, Legitimate::add);
        self.taken.iter_mut().zip(&other.taken).for_each(|(own, other)| own.add(other));
        let cells = self.confusion.iter_mut().flatten().zip(other.confusion.iter().flatten());
        let decisions = self.decisions.iter_mut().flatten().zip(other.decisions.iter().flatten());
        cells.chain(decisions).for_each(|(own, other)| *own += other);
        self.contracted.add(&other.contracted);
        merge_map(&mut self.routes, &other.routes, Place::add);
        merge_map(&mut self.countries, &other.countries, Place::add);
        merge_map(&mut self.false_by_rule, &other.false_by_rule, |own, other| *own += other);
        self.leak.merge(&other.leak);
    }

    fn count_contracted(&mut self, call: &Judged) {
        self.contracted.calls += 1;
        self.contracted.monetised += u64::from(call.decision == Decision::Monetise);
        self.contracted.blocked += u64::from(call.decision.keeps_away());
    }

    fn count_legitimate(&mut self, call: &Judged) {
        let is_blocked = call.decision.keeps_away();
        let kind = self.legitimate.entry(call.truth.kind).or_default();
        kind.calls += 1;
        kind.blocked += u64::from(is_blocked);
        kind.charged += u64::from(call.decision == Decision::Monetise);
        kind.misclassed += u64::from(call.final_class != Class::Normal);
        if let Some(rule) = call.rule.filter(|_| is_blocked) {
            *self.false_by_rule.entry((rule, call.truth.kind)).or_default() += 1;
        }
    }

    fn count_unwanted(&mut self, call: &Judged) {
        let label = call.truth.label;
        let group = self.unwanted.entry((label, call.truth.family)).or_default();
        group.calls += 1;
        group.stopped += u64::from(call.decision != Decision::Allow);
        group.probes += u64::from(call.is_probe);
        group.right_at_end += u64::from(call.final_class == label);
        if call.decision == Decision::Allow && !call.is_probe {
            self.leak.count(call.setup_at);
        }
    }

    fn count_taken(&mut self, call: &Judged) {
        let label = call.truth.label;
        let taken = &mut self.taken[call.class as usize];
        if call.decision.keeps_away() {
            taken.setup += 1;
            taken.setup_right += u64::from(call.class == label);
        }
        if call.is_sample {
            taken.probes += 1;
            taken.probes_confirmed += u64::from(call.is_confirmed);
            taken.probes_legitimate += u64::from(call.standing == Standing::Legitimate);
        }
        let at_end = &mut self.taken[call.final_class as usize];
        at_end.end += 1;
        at_end.end_right += u64::from(call.final_class == label);
    }
}

impl Place {
    fn count(&mut self, call: &Judged, is_test: bool) {
        self.monetised +=
            u64::from(call.decision == Decision::Monetise && call.standing != Standing::Legitimate);
        self.contracted += u64::from(call.standing == Standing::Contracted);
        // What a contract covers needs no finding out.
        self.seen += u64::from(call.is_seen() && call.decision != Decision::Monetise);
        if call.standing != Standing::Unwanted {
            return;
        }
        self.unwanted += 1;
        self.blocked += u64::from(call.decision.keeps_away());
        self.late += u64::from(call.decision == Decision::Allow && call.is_seen());
        self.unnoticed += u64::from(!call.is_seen());
        self.tests += u64::from(is_test);
        self.tests_seen += u64::from(is_test && call.is_seen());
    }
}

fn merge_map<K: Clone + Ord, V: Default>(
    own: &mut BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
    add: impl Fn(&mut V, &V),
) {
    other.iter().for_each(|(key, value)| add(own.entry(key.clone()).or_default(), value));
}

/// Adding field by field.
macro_rules! add_fields {
    ($($of:ident { $($field:ident),* })*) => {
        $(impl $of {
            /// Adds other counts.
            pub fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
            }
        })*
    };
}

add_fields! {
    Unwanted { calls, stopped, probes, right_at_end }
    Legitimate { calls, blocked, charged, misclassed }
    Contracted { calls, monetised, blocked }
    Place { unwanted, blocked, monetised, late, unnoticed, contracted, seen, tests, tests_seen }
    Taken {
        setup, setup_right, end, end_right, probes, probes_confirmed, probes_legitimate
    }
}
