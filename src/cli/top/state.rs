//! What the screen shows: counts, routes, the newest calls with their messages.

use std::collections::VecDeque;

use crate::base::class::{Class, Decision};
use crate::base::map::{Map, Seed};
use crate::base::network::Network;
use crate::base::number::Party;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::{Call, CallEvent, CallId, Placed};
use crate::inspect::Entry;
use crate::inspect::ladder::Ladder;
use crate::inspect::text::Visible;
use crate::judge::{Output, Verdict};
use crate::rule::Ruleset;

/// Calls kept, the newest; each with its messages takes up to 16 KiB.
pub const CALLS_MAX: usize = 1_000;
/// Messages kept of a call, the first ones.
const MESSAGES_MAX: usize = 64;
/// Seconds over which rates are taken.
const WINDOW: u64 = 10;

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Answered.
    Answered,
    /// Over.
    Ended,
    /// Set up, not answered.
    Trying,
}

impl Phase {
    /// As shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Ended => "ended",
            Self::Trying => "trying",
        }
    }
}

/// A call as the screen shows it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: CallId,
    /// When it was set up.
    pub setup_at: At,
    /// When it was answered.
    pub answer_at: Option<At>,
    /// When it ended.
    pub end_at: Option<At>,
    /// Calling and called number, safe to show.
    pub numbers: [String; 2],
    /// Its route.
    pub route: RouteId,
    /// How far it is.
    pub phase: Phase,
    /// What was decided.
    pub decision: Decision,
    /// What it is taken for.
    pub class: Class,
    /// The rule that said so.
    pub rule: Option<String>,
    /// Its messages.
    pub ladder: Ladder,
    seq: u64,
    /// Where the decision is counted.
    decided_on: Option<(RouteId, Decision)>,
}

/// Counts of a route, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Calls set up.
    pub calls: u64,
    /// Answered.
    pub answered: u64,
    /// By decision, in the order of the enum.
    pub decisions: [u64; Decision::NAMES.len()],
}

/// Everything that is shown.
#[derive(Clone, Debug)]
pub struct State {
    /// Time of the latest frame.
    pub now: At,
    /// Messages so far.
    pub messages: u64,
    /// Messages in which something was wrong.
    pub faulty: u64,
    /// Calls set up and not over.
    pub live: u64,
    /// All routes together.
    pub total: Counts,
    /// By route, in the order of the network file.
    pub routes: Vec<Counts>,
    /// Nothing more comes.
    pub has_ended: bool,
    /// Number of the row in front, since the start.
    first: u64,
    rows: VecDeque<Row>,
    by_id: Map<CallId, u64>,
    by_seq: Map<u64, u64>,
    /// Second, messages and calls in it.
    seconds: VecDeque<(u64, u64, u64)>,
}

impl State {
    /// Nothing yet, on a network of so many routes.
    pub fn new(routes: usize, seed: Seed) -> Self {
        Self {
            now: At::default(),
            messages: 0,
            faulty: 0,
            live: 0,
            total: Counts::default(),
            routes: vec![Counts::default(); routes],
            has_ended: false,
            first: 0,
            rows: VecDeque::new(),
            by_id: Map::with_hasher(seed),
            by_seq: Map::with_hasher(seed),
            seconds: VecDeque::new(),
        }
    }

    /// Calls, the newest first.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().rev()
    }

    /// One call.
    pub fn row(&self, id: CallId) -> Option<&Row> {
        let number = self.by_id.get(&id)?;
        self.rows.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Messages and calls a second, over the last seconds of packet time.
    pub fn rates(&self) -> (f64, f64) {
        let sum = |pick: fn(&(u64, u64, u64)) -> u64| self.seconds.iter().map(pick).sum::<u64>() as f64;
        let first = self.seconds.front().map_or(0, |second| second.0);
        let span = (second_of(self.now).saturating_sub(first) + 1) as f64;
        (sum(|second| second.1) / span, sum(|second| second.2) / span)
    }

    /// Adds a message; what it did to its call has been told before.
    pub fn message(&mut self, entry: &Entry<'_>) {
        self.pass(entry.pdu.at);
        self.messages += 1;
        self.faulty += u64::from(!entry.said.faults.is_empty());
        if let Some(second) = self.seconds.back_mut() {
            second.1 += 1;
        }
        let number = entry.id.and_then(|id| self.by_id.get(&id)).copied();
        if let Some(row) = number.and_then(|number| self.held(number)) {
            row.ladder.push(entry);
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, at: At) {
        self.now = self.now.max(at);
        let second = second_of(self.now);
        if self.seconds.back().is_none_or(|last| last.0 < second) {
            self.seconds.push_back((second, 0, 0));
        }
        while self.seconds.front().is_some_and(|first| first.0 + WINDOW <= second) {
            self.seconds.pop_front();
        }
    }

    /// Adds what happened to a call. What happens to further legs shows in the ladder only.
    pub fn placed(&mut self, placed: &Placed) {
        match placed {
            Placed::Call(event) => self.event(event),
            Placed::Entry { event, instead_of, .. } => self.rename(instead_of, event.call()),
            Placed::Exit { .. } | Placed::Leg => {}
        }
    }

    /// What was taken for the call is a leg of it: its row is the call's from now on, and it counts on the call's route.
    fn rename(&mut self, old: &Call, call: &Call) {
        if let Some(counts) = self.routes.get_mut(usize::from(old.route.0)) {
            counts.calls = counts.calls.saturating_sub(1);
        }
        if let Some(counts) = self.routes.get_mut(usize::from(call.route.0)) {
            counts.calls += 1;
        }
        let Some(number) = self.by_seq.remove(&old.seq) else { return };
        self.by_id.remove(&old.id);
        self.by_id.insert(call.id, number);
        self.by_seq.insert(call.seq, number);
        if let Some(row) = self.held(number) {
            (row.id, row.seq, row.route) = (call.id, call.seq, call.route);
            row.numbers = [shown(&call.calling), shown(&call.called)];
        }
    }

    fn event(&mut self, event: &CallEvent) {
        let call = event.call();
        match event {
            CallEvent::Setup(_) => self.setup(call),
            CallEvent::Answer(_) => {
                self.each(call.route, |counts| counts.answered += 1);
                self.change(call, Phase::Answered);
            }
            CallEvent::End(_) => {
                self.live = self.live.saturating_sub(1);
                self.change(call, Phase::Ended);
            }
        }
    }

    /// Adds what the judge said.
    pub fn output(&mut self, output: &Output, ruleset: &Ruleset) {
        match output {
            Output::Verdict { seq, verdict } => {
                let number = self.by_seq.get(seq).copied();
                let Some(row) = number.and_then(|number| self.held(number)) else { return };
                // One that was taken for the call, and is a leg of it, was judged as it.
                let before = row.decided_on.replace((row.route, verdict.decision));
                judged(row, verdict, ruleset);
                let route = row.route;
                if let Some((route, decision)) = before {
                    let undo = |count: &mut u64| *count = count.saturating_sub(1);
                    self.each(route, |counts| undo(&mut counts.decisions[decision as usize]));
                }
                self.each(route, |counts| counts.decisions[verdict.decision as usize] += 1);
            }
            Output::Record(record) => {
                let number = self.by_id.get(&record.call.id).copied();
                let Some(row) = number.and_then(|number| self.held(number)) else { return };
                row.class = record.final_class;
                let rule = record.rule().and_then(|rule| ruleset.rules().get(usize::from(rule)));
                row.rule = rule.map(|rule| rule.id.to_string());
            }
            Output::Marked(_) | Output::Withdrawn { .. } => {}
        }
    }

    /// Changes the counts of all routes together and of one.
    fn each(&mut self, route: RouteId, change: impl Fn(&mut Counts)) {
        change(&mut self.total);
        if let Some(counts) = self.routes.get_mut(usize::from(route.0)) {
            change(counts);
        }
    }

    fn setup(&mut self, call: &Call) {
        self.live += 1;
        self.each(call.route, |counts| counts.calls += 1);
        if let Some(second) = self.seconds.back_mut() {
            second.2 += 1;
        }
        if self.rows.len() >= CALLS_MAX
            && let Some(oldest) = self.rows.pop_front()
        {
            self.first += 1;
            self.by_id.remove(&oldest.id);
            self.by_seq.remove(&oldest.seq);
        }
        let number = self.first + self.rows.len() as u64;
        self.by_id.insert(call.id, number);
        self.by_seq.insert(call.seq, number);
        self.rows.push_back(Row {
            id: call.id,
            setup_at: call.setup_at,
            answer_at: None,
            end_at: None,
            numbers: [shown(&call.calling), shown(&call.called)],
            route: call.route,
            phase: Phase::Trying,
            decision: Decision::Allow,
            class: Class::Normal,
            rule: None,
            ladder: Ladder::new(MESSAGES_MAX),
            seq: call.seq,
            decided_on: None,
        });
    }

    fn change(&mut self, call: &Call, phase: Phase) {
        let number = self.by_id.get(&call.id).copied();
        if let Some(row) = number.and_then(|number| self.held(number)) {
            row.phase = phase;
            (row.answer_at, row.end_at) = (call.answer_at, call.end_at);
        }
    }

    fn held(&mut self, number: u64) -> Option<&mut Row> {
        self.rows.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }
}

impl Row {
    /// Whether any word that is shown of it contains `word`, in small letters.
    pub fn contains(&self, word: &str, network: &Network) -> bool {
        let route = network.routes.route(self.route).name.to_lowercase();
        let id = self.id.to_string().to_lowercase();
        let words = [
            &self.numbers[0],
            &self.numbers[1],
            &route,
            &id,
            self.phase.name(),
            self.decision.name(),
            self.class.name(),
        ];
        words.iter().any(|text| text.contains(word))
            || self.rule.as_ref().is_some_and(|rule| rule.to_lowercase().contains(word))
    }
}

fn judged(row: &mut Row, verdict: &Verdict, ruleset: &Ruleset) {
    row.decision = verdict.decision;
    row.class = verdict.class;
    let rule = verdict.rule.and_then(|rule| ruleset.rules().get(usize::from(rule)));
    row.rule = rule.map(|rule| rule.id.to_string());
}

/// The number, or what was sent in its place.
fn shown(party: &Party) -> String {
    match party.number {
        Some(number) => number.to_string(),
        None if party.raw.is_empty() => "-".to_owned(),
        None => Visible::up_to(&party.raw, 20).to_string(),
    }
}

const fn second_of(at: At) -> u64 {
    at.nanos() / 1_000_000_000
}
