//! Ties call events, features and rules together, and decides.
//!
//! In: [`CallEvent`]s in order. Out: [`Output`]s: a verdict for every setup, a record for every end. It does not know
//! whether it runs inline, on a tap or on a file.
//!
//! A flash call is known by how it ends, the switch wants its answer at setup: so ended calls are classified by the
//! rules `on = "end"`, what they teach is kept as marks, and setups are judged by the rules `on = "setup"` on marks,
//! windows and the call's own identity.

pub mod answer;
pub mod decide;
pub mod output;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::class::{Class, Decision, Subject};
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::field::Point;
use crate::base::map::{Map, Seed};
use crate::base::network::{Network, RoamingState};
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::{Call, CallEvent, CallId, Placed, Stir, StirReason, StirVerdict};
use crate::feature::mark::Lesson;
use crate::feature::{Limits, Store};
use crate::rule::{Action, Evidence, Mode, Piece, Rule, Ruleset};

pub use answer::{Answer, Treatment};
pub use output::{CallRecord, Finding, Marked, Verdict};

/// Limits of a judge.
#[derive(Clone, Copy, Debug)]
pub struct JudgeOptions {
    /// Limits of windows and marks.
    pub features: Limits,
    /// Most verdicts that are not a plain allow held for calls that have not ended, and as many on their signatures.
    pub verdicts_max: usize,
    /// Most findings kept for the report; 0 where there is none.
    pub findings_max: usize,
    /// Seed of keyed hashes.
    pub seed: Seed,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        Self {
            features: Limits::default(),
            verdicts_max: 400_000,
            findings_max: 10_000,
            seed: Seed::default(),
        }
    }
}

/// What the judge says of an event.
#[derive(Clone, Debug)]
pub enum Output {
    /// The verdict on the setup of the call with this number.
    Verdict {
        /// [`Call::seq`].
        seq: u64,
        /// The verdict.
        verdict: Verdict,
    },
    /// A finished call.
    Record(Box<CallRecord>),
    /// Something was marked by the call whose record comes next.
    Marked(Marked),
    /// What was taken for the call with this number is a leg of another: it has no record.
    Withdrawn {
        /// [`Call::seq`].
        seq: u64,
    },
}

/// A mark to begin with, from a source outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedMark {
    /// The block it is on, on any route.
    pub range: Range,
    /// As what.
    pub class: Class,
    /// Known from then on.
    pub from: At,
    /// Until then.
    pub until: At,
}

/// A verdict on a call that has not ended, and the rules it was found by.
#[derive(Debug)]
struct Held {
    verdict: Verdict,
    ruleset: Arc<Ruleset>,
}

/// The first live rule at the end that matched, and why.
type Matched = (u16, Box<[Piece]>);

/// What names a finding: a block by its digits, equipment by its fingerprint.
type FindingKey = (Subject, Option<Range>, u32, RouteId, Class);

/// Owns every window, mark and rule; one thread.
#[derive(Debug)]
pub struct Judge {
    ruleset: Arc<Ruleset>,
    network: Arc<Network>,
    store: Store,
    options: JudgeOptions,
    /// Verdicts on calls that have not ended, unless no rule matched.
    verdicts: Map<u64, Held>,
    /// What verification said of signed calls that have not ended.
    stirs: Map<u64, Stir>,
    /// How often it said so.
    stir_counts: BTreeMap<(StirVerdict, StirReason), u64>,
    findings: Vec<Finding>,
    finding_of: Map<FindingKey, usize>,
    shadow_matches: Vec<u64>,
    /// Marks from outside whose time has not come, the next one last.
    seeds: Vec<SeedMark>,
    faults: Faults,
}

impl Judge {
    /// A judge that knows nothing yet.
    #[must_use]
    pub fn new(ruleset: Arc<Ruleset>, network: Arc<Network>, options: JudgeOptions) -> Self {
        Self {
            store: Store::new(options.features, options.seed),
            verdicts: Map::with_hasher(options.seed),
            stirs: Map::with_hasher(options.seed),
            stir_counts: BTreeMap::new(),
            findings: Vec::new(),
            finding_of: Map::with_hasher(options.seed),
            shadow_matches: vec![0; ruleset.rules().len()],
            seeds: Vec::new(),
            faults: Faults::default(),
            options,
            ruleset,
            network,
        }
    }

    /// Fetches what counting an event will touch into the processor's caches. Changes nothing; helps when it is called
    /// for many events before they are judged.
    pub fn warm(&self, event: &CallEvent) {
        let counts = match event {
            CallEvent::Setup(_) => false,
            CallEvent::Answer(_) => true,
            CallEvent::End(call) => call.answer_at.is_none(),
        };
        if counts {
            self.store.warm(event.call(), &self.network);
        }
    }

    /// Begins with marks from outside. Each is set with the first event between its two times, and is put to the test from
    /// then on like a mark that a call taught.
    pub fn seed_marks(&mut self, seeds: &[SeedMark]) {
        self.seeds.extend_from_slice(seeds);
        self.seeds.sort_by_key(|seed| std::cmp::Reverse((seed.from, seed.range)));
    }

    /// Judges one event, which happened at `at`.
    pub fn handle(&mut self, at: At, mut event: CallEvent, out: &mut Vec<Output>) {
        self.vouch(&mut event);
        while let Some(seed) = self.seeds.pop_if(|seed| seed.from <= at) {
            if at < seed.until {
                self.store.seed((seed.range, seed.class), at, seed.until.since(at));
            }
        }
        match event {
            CallEvent::Setup(call) => {
                let verdict = self.judge_setup(&call);
                out.push(Output::Verdict { seq: call.seq, verdict });
            }
            CallEvent::Answer(call) => self.learn_answer(&call),
            CallEvent::End(call) => {
                let record = self.judge_end(at, call, out);
                out.push(Output::Record(record));
            }
        }
    }

    /// Judges one event of a call or of a further leg, which happened at `at`. A call is judged where it comes in; where it
    /// leaves for somebody else, that way out is judged too, and what comes of it is the call's.
    pub fn handle_placed(&mut self, at: At, placed: Placed, out: &mut Vec<Output>) {
        match placed {
            Placed::Call(event) => self.handle(at, event, out),
            Placed::Entry { event, instead_of, is_exit } => {
                self.withdraw(&instead_of, out);
                let call = is_exit.then(|| event.call().clone());
                self.handle(at, event, out);
                if let Some(call) = call {
                    self.judge_exit(&instead_of, &call);
                }
            }
            Placed::Exit { leg, of } => self.judge_exit(&leg, &of),
            Placed::Leg => {}
        }
    }

    /// What a switch is to be told about a call that has not ended; [`Call::seq`] and [`Call::id`] name it.
    #[must_use]
    pub fn answer(&self, seq: u64, id: CallId) -> Answer {
        match self.verdicts.get(&seq) {
            Some(held) => Answer::new(id, &held.verdict, &held.ruleset),
            None => Answer { call: id, ..Answer::default() },
        }
    }

    /// Judges by other rules from now on. What was learned stays, and so do the verdicts on calls that have not ended.
    pub fn load(&mut self, ruleset: Arc<Ruleset>) {
        let counted = self.ruleset.rules().iter().zip(&self.shadow_matches);
        let counts: BTreeMap<&str, u64> = counted.map(|(rule, count)| (&*rule.id, *count)).collect();
        let count_of = |rule: &Rule| counts.get(&*rule.id).copied().unwrap_or_default();
        let shadow_matches = ruleset.rules().iter().map(count_of).collect();
        // Findings are explained with the rules they were found by, which are gone.
        self.findings.clear();
        self.finding_of.clear();
        (self.shadow_matches, self.ruleset) = (shadow_matches, ruleset);
    }

    /// Takes in where a subscriber is, as somebody outside said at `at`; good before `until`. `None` when there was no
    /// answer in time: not known, and not asked again until then.
    pub fn roaming(&mut self, number: Number, state: Option<RoamingState>, span: (At, At)) {
        self.store.roaming(number, state, span);
    }

    /// Takes in what verification said of the signatures of the call with this number, before its setup is judged.
    pub fn verified(&mut self, seq: u64, stir: Stir) {
        if self.stirs.len() < self.options.verdicts_max {
            self.stirs.insert(seq, stir);
        } else {
            self.faults.count(Layer::Judge, Kind::Evicted);
        }
    }

    /// Tells the call of an event what verification said of it. A signed call of which nobody said anything is not verified.
    fn vouch(&mut self, event: &mut CallEvent) {
        let (is_setup, is_over) = (matches!(event, CallEvent::Setup(_)), matches!(event, CallEvent::End(_)));
        let (CallEvent::Setup(call) | CallEvent::Answer(call) | CallEvent::End(call)) = event;
        if call.identity.take().is_some() && !self.stirs.contains_key(&call.seq) {
            self.verified(call.seq, Stir::unverified(StirReason::NotConfigured));
        }
        let known = if is_over { self.stirs.remove(&call.seq) } else { self.stirs.get(&call.seq).copied() };
        if let Some(stir) = known {
            if is_setup {
                *self.stir_counts.entry((stir.verdict, stir.reason)).or_default() += 1;
            }
            call.stir = stir;
            call.claims.attestation = stir.attestation.or(call.claims.attestation);
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn ruleset(&self) -> &Ruleset {
        &self.ruleset
    }

    /// The rules in force, for whoever outlives them.
    #[must_use]
    pub fn ruleset_shared(&self) -> Arc<Ruleset> {
        Arc::clone(&self.ruleset)
    }

    /// What was learned, at the end.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Windows and marks, for their sizes.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Goes on with what another run has learned, instead of what this one has. Its tables keep their limits, save the
    /// one that the network file sets.
    pub fn resume(&mut self, mut learned: Store) {
        learned.hold_answers(self.options.features.presence.answers);
        self.store = learned;
    }

    /// Marks on numbers and blocks in force at `at`, in no order that means anything. Which rule made them is not kept.
    #[must_use]
    pub fn marks(&self, at: At) -> Vec<Marked> {
        let rule: Arc<str> = "".into();
        let marks = self.store.marks().in_force(at);
        marks
            .map(|(subject, range, mark, ttl)| Marked {
                subject,
                range,
                route: mark.route,
                class: mark.class,
                at,
                ttl,
                rule: Arc::clone(&rule),
            })
            .collect()
    }

    /// What was found out, in the order it was first found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How often each rule matched while in shadow, by index of the rule.
    #[must_use]
    pub fn shadow_matches(&self) -> &[u64] {
        &self.shadow_matches
    }

    /// What was said of signed calls: verdict, reason, how often.
    #[must_use]
    pub fn stir_counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        let counts = self.stir_counts.iter();
        counts.map(|((verdict, reason), count)| (verdict.name(), reason.name(), *count)).collect()
    }

    /// What went wrong: tables that were full.
    #[must_use]
    pub fn faults(&self) -> Faults {
        let mut faults = self.faults.clone();
        faults.merge(self.store.faults());
        faults
    }

    /// The call as it was set up was none: its verdict is void, and it is no longer in flight.
    fn withdraw(&mut self, call: &Call, out: &mut Vec<Output>) {
        self.stirs.remove(&call.seq);
        let held = self.verdicts.remove(&call.seq);
        if held.is_none_or(|held| !held.verdict.decision.keeps_away()) {
            self.store.hung_up(call, &self.network);
        }
        out.push(Output::Withdrawn { seq: call.seq });
    }

    /// Judges the leg by which the call `of` leaves for somebody else, when no rule spoke where it came in. It has been
    /// counted there; here only what it may cost is, if that was not known.
    fn judge_exit(&mut self, leg: &Call, of: &Call) {
        if self.verdicts.contains_key(&of.seq) {
            return;
        }
        let was_leaving = self.network.is_leaving(of.way(), of.called.number);
        let verdict = self.decide(leg);
        let is_kept_away = verdict.decision.keeps_away() && !self.network.is_emergency(&of.called);
        if is_kept_away {
            self.store.hung_up(of, &self.network);
            if !was_leaving {
                self.store.refused(leg, &self.network);
            }
        } else {
            self.store.goes_out(leg, &self.network, was_leaving);
        }
        if is_kept_away || !verdict.decision.keeps_away() {
            self.hold(of.seq, &verdict);
        }
    }

    fn decide(&mut self, call: &Call) -> Verdict {
        let facts = self.store.moment(&self.network, call, Point::Setup, call.setup_at);
        let mut shadow = |rule: u16| self.shadow_matches[usize::from(rule)] += 1;
        let verdict = decide::decide(&self.ruleset, &facts, call, &self.network, &mut shadow);
        assert!(
            verdict.decision == Decision::Allow || !self.network.is_emergency(&call.called),
            "an emergency call was about to be touched"
        );
        verdict
    }

    fn judge_setup(&mut self, call: &Call) -> Verdict {
        let verdict = self.decide(call);
        if verdict.decision.keeps_away() {
            self.store.refused(call, &self.network);
        } else {
            self.store.begun(call, &self.network);
            self.store.present(call, &self.network);
        }
        self.hold(call.seq, &verdict);
        verdict
    }

    /// Keeps the verdict on the call `seq` until it is over, if a rule gave it.
    fn hold(&mut self, seq: u64, verdict: &Verdict) {
        if verdict.rule.is_none() {
            return;
        }
        if self.verdicts.len() < self.options.verdicts_max {
            let ruleset = Arc::clone(&self.ruleset);
            self.verdicts.insert(seq, Held { verdict: verdict.clone(), ruleset });
        } else {
            // The verdict stands; only the record at the end will not name it.
            self.faults.count(Layer::Judge, Kind::Evicted);
        }
    }

    fn judge_end(&mut self, at: At, call: Call, out: &mut Vec<Output>) -> Box<CallRecord> {
        let held = self.verdicts.remove(&call.seq);
        let (verdict, ruleset) = match held {
            Some(Held { verdict, ruleset }) => (verdict, ruleset),
            None => (Verdict::default(), Arc::clone(&self.ruleset)),
        };
        let mut record = Box::new(CallRecord {
            call,
            verdict,
            final_class: Class::Normal,
            final_rule: None,
            ruleset,
            final_evidence: Box::default(),
        });
        if record.verdict.decision.keeps_away() {
            // A call that is refused or sent elsewhere has no behaviour. Where nobody carried the verdict out, as in a capture, what it
            // did afterwards is no evidence either: the same calls must teach the same. But a telephone may have rung.
            record.final_class = record.verdict.class;
            self.store.missed(&record.call, &self.network);
            return record;
        }
        let is_probe = is_probe(&record.verdict, &record.ruleset);
        self.store.hung_up(&record.call, &self.network);
        self.store.ended(&record.call, &self.network, is_probe);
        self.classify(at, &mut record, is_probe, out);
        record
    }

    /// Counts an answer, unless the call was kept away.
    fn learn_answer(&mut self, call: &Call) {
        let held = self.verdicts.get(&call.seq);
        if held.is_none_or(|held| !held.verdict.decision.keeps_away()) {
            let is_probe = held.is_some_and(|held| is_probe(&held.verdict, &held.ruleset));
            self.store.answered(call, &self.network, is_probe);
        }
    }

    /// The first live rule at the end that matches gives the class and teaches its marks. Without one, the class given
    /// at setup stands unless the call was answered, or was let through to see what it is.
    fn classify(&mut self, at: At, record: &mut CallRecord, is_probe: bool, out: &mut Vec<Output>) {
        let exit = record.call.on_exit();
        let Some((index, evidence)) = self.first_match(at, &record.call, exit.as_ref()) else {
            if record.call.answer_at.is_none() && !is_probe {
                record.final_class = record.verdict.class;
            }
            return;
        };
        let ruleset = Arc::clone(&self.ruleset);
        let rule = &ruleset.rules()[usize::from(index)];
        record.final_class = rule.class.unwrap_or_default();
        record.final_rule = Some(index);
        if record.verdict.rule.is_none() {
            record.ruleset = Arc::clone(&ruleset);
        }
        record.final_evidence = evidence;
        for mark in &rule.marks {
            let lesson = Lesson { subject: mark.subject, class: record.final_class, ttl: mark.ttl };
            if let Some(range) = self.store.mark(&record.call, &self.network, at, lesson) {
                self.find(at, (mark.subject, range, index), record);
                out.push(Output::Marked(Marked {
                    subject: mark.subject,
                    range,
                    route: record.call.route,
                    class: record.final_class,
                    at,
                    ttl: mark.ttl,
                    rule: Arc::clone(&rule.id),
                }));
            }
        }
    }

    /// The first live rule at the end that matches, where the call came in, else where it left (`exit`); shadow rules before
    /// it are counted, each once.
    fn first_match(&mut self, at: At, call: &Call, exit: Option<&Call>) -> Option<Matched> {
        let mut evidence = Evidence::new();
        let entered = self.store.moment(&self.network, call, Point::End, at);
        let left = exit.map(|call| self.store.moment(&self.network, call, Point::End, at));
        for facts in std::iter::once(&entered).chain(&left) {
            for index in self.ruleset.at(Point::End).iter().copied() {
                if !self.ruleset.matches(index, facts, &mut evidence) {
                    continue;
                }
                if self.ruleset.rules()[usize::from(index)].mode != Mode::Shadow {
                    return Some((index, evidence.as_slice().into()));
                }
                let is_new = std::ptr::eq(facts, &raw const entered)
                    || !self.ruleset.matches(index, &entered, &mut evidence);
                self.shadow_matches[usize::from(index)] += u64::from(is_new);
            }
        }
        None
    }

    /// Keeps what was found for the report.
    fn find(&mut self, at: At, (subject, range, rule): (Subject, Range, u16), record: &CallRecord) {
        let Some(caller) = record.call.calling.number else { return };
        let route = if subject == Subject::Caller { RouteId::UNKNOWN } else { record.call.route };
        let (block, equipment) = match subject {
            Subject::Equipment => (None, record.call.equipment),
            _ => (Some(range), 0),
        };
        let key = (subject, block, equipment, route, record.final_class);
        if let Some(known) = self.finding_of.get(&key) {
            let finding = &mut self.findings[*known];
            finding.last = at;
            finding.calls += 1;
            // Rule, number and evidence are of one match: the rule's sentence is filled in from its evidence.
            (finding.rule, finding.range, finding.caller) = (rule, range, caller);
            finding.equipment = record.call.equipment;
            finding.evidence = record.final_evidence.clone();
            return;
        }
        if self.findings.len() >= self.options.findings_max {
            if self.options.findings_max > 0 {
                self.faults.count(Layer::Judge, Kind::Evicted);
            }
            return;
        }
        self.finding_of.insert(key, self.findings.len());
        self.findings.push(Finding {
            subject,
            range,
            caller,
            equipment: record.call.equipment,
            route: record.call.route,
            class: record.final_class,
            rule,
            since: at,
            last: at,
            calls: 1,
            evidence: record.final_evidence.clone(),
        });
    }
}

/// Whether a call was let through to see what it is: by a rule that allows, with a class.
fn is_probe(verdict: &Verdict, ruleset: &Ruleset) -> bool {
    let rule = verdict.rule.and_then(|index| ruleset.rules().get(usize::from(index)));
    rule.is_some_and(|rule| rule.action == Action::Allow && rule.class.is_some())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::call::{CallKey, Setup};
    use crate::feature::fields::FIELDS;
    use crate::rule::Source;

    fn judge(when: &str, subject: &str) -> Judge {
        let text = format!(
            "schema = 1\n[[rule]]\nid = \"T-1\"\nname = \"t\"\nmode = \"live\"\nphase = \"fraud\"\n\
             on = \"end\"\nclass = \"flash\"\nwhen = \"{when}\"\nbecause = \"t\"\n\
             mark = [ {{ subject = \"{subject}\", ttl = \"24h\" }} ]\n"
        );
        let source = Source { path: "t.toml".into(), text };
        let rules = Ruleset::compile(&[source], &FIELDS).unwrap_or_else(|errors| panic!("{}", errors[0]));
        let features = Limits { callers: 100, ranges_100: 100, ranges_10k: 100, ..Limits::default() };
        let options = JudgeOptions { features, ..JudgeOptions::default() };
        Judge::new(Arc::new(rules), Arc::new(Network::unknown()), options)
    }

    fn ended(caller: u64, equipment: u32) -> Call {
        let at = At::from_nanos(1_700_000_000_000_000_000);
        let mut setup = Setup { equipment, ..Setup::default() };
        setup.calling.number = Number::from_digits(caller.to_string().as_bytes()).ok();
        let key = CallKey::Isup { opc: 1, dpc: 2, cic: 3 };
        Call { end_at: Some(at + Duration::from_secs(3)), ..Call::new(key, caller, at, setup) }
    }

    fn play(judge: &mut Judge, calls: impl Iterator<Item = (u64, u32)>) {
        let mut out = Vec::new();
        for (caller, equipment) in calls {
            let call = ended(caller, equipment);
            judge.handle(call.setup_at, CallEvent::Setup(call.clone()), &mut out);
            judge.handle(call.setup_at, CallEvent::End(call), &mut out);
        }
    }

    #[test]
    fn what_another_learned_is_held_within_the_limit_of_today() {
        let number = |tail: u64| Number::from_digits((48_601_000_000 + tail).to_string().as_bytes()).unwrap();
        let (now, later) = (At::from_nanos(1_700_000_000_000_000_000), At::from_nanos(u64::MAX));
        let mut before = judge("direction == inbound", "caller");
        (0..20).for_each(|tail| before.roaming(number(tail), Some(RoamingState::Roaming), (now, later)));
        let mut after = judge("direction == inbound", "caller");
        after.options.features.presence.answers = 8;
        after.resume(before.store);
        assert_eq!(after.store.sizes().presence[2], 8);
        (20..40).for_each(|tail| after.roaming(number(tail), Some(RoamingState::Home), (now, later)));
        assert_eq!(after.store.sizes().presence[2], 8);
        assert_eq!(after.store.presence().answered(number(39), now), Some(Some(RoamingState::Home)));
    }

    #[test]
    fn equipment_is_found_once_whatever_numbers_it_shows() {
        let mut judge = judge("direction == inbound", "equipment");
        play(&mut judge, (0..50).map(|index| (447_400_000_000 + index * 7_001, 5 + index as u32 % 2)));
        let found: Vec<_> =
            judge.findings().iter().map(|finding| (finding.equipment, finding.calls)).collect();
        assert_eq!(found, [(5, 25), (6, 25)]);
    }

    #[test]
    fn numbers_are_found_whatever_equipment_sends_them() {
        let mut judge = judge("direction == inbound", "caller");
        play(&mut judge, (0..50).map(|index| (447_400_000_000 + index % 2, index as u32)));
        let found: Vec<_> =
            judge.findings().iter().map(|finding| (finding.range.prefix(), finding.calls)).collect();
        assert_eq!(found, [(447_400_000_000, 25), (447_400_000_001, 25)]);
    }
}
