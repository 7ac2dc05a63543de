//! Flash calls, Wangiri and spoofed numbers, as their senders make them.

use crate::call::{Call, End, Micros, Shown, Truth};
use crate::people::{self, Course};
use crate::random::{Random, micros};

/// How flash calls of a campaign end.
#[derive(Clone, Copy)]
pub enum Cutter {
    /// The sender hangs up this many seconds after alerting, from and to.
    Sender(f64, f64),
    /// An application on the called handset rejects.
    Handset(f64, f64),
}

/// A flash call campaign.
pub struct Campaign {
    pub kind: &'static str,
    pub label: &'static str,
    pub route: &'static str,
    /// What its 10,000 calling numbers begin with.
    pub block: &'static str,
    pub from: Micros,
    pub count: usize,
    /// Mean time between calls, in seconds.
    pub every: f64,
    pub cutter: Cutter,
    /// First of the 4,000 subscribers it picks from.
    pub subscribers_from: u64,
}

impl Campaign {
    /// Its calls: each to another subscriber, from a random number of the block. One in twelve is tried again from
    /// another number.
    pub fn calls(&self, random: &mut Random) -> Vec<Call> {
        let mut calls = Vec::new();
        let mut at = self.from;
        for index in random.distinct(self.count, 4_000) {
            at += random.seconds(0.1, 2.0 * self.every - 0.1);
            let called = people::subscriber(self.subscribers_from + index);
            calls.push(self.call(at, called.clone(), self.kind, random));
            if random.chance(1.0 / 12.0) {
                let later = at + random.seconds(20.0, 60.0);
                calls.push(self.call(later, called, "flash_retry", random));
            }
        }
        calls
    }

    fn call(&self, at: Micros, called: String, kind: &'static str, random: &mut Random) -> Call {
        let calling = people::in_block(self.block, 4, random);
        let truth = Truth { kind, label: self.label };
        Call::new(at, self.route, (calling, called), truth).with(self.course(random))
    }

    /// Most alert and are cut; a few meet a handset that is off or busy, or a quick finger.
    fn course(&self, random: &mut Random) -> Course {
        match random.below(100) {
            0..3 => people::refused(20, random),
            3..5 => people::refused(17, random),
            5 => {
                let (ring, talk) = (random.seconds(0.8, 1.8), random.seconds(0.3, 1.0));
                let by = crate::call::Side::Calling;
                (Some(people::post_dial_delay(random)), End::Answered { ring, talk, by })
            }
            _ => match self.cutter {
                Cutter::Sender(from, to) => {
                    let cause = if random.chance(0.7) { 16 } else { 31 };
                    people::cut(from, to, cause, random)
                }
                Cutter::Handset(from, to) => people::declined(from, to, random),
            },
        }
    }
}

/// A Wangiri attack.
pub struct Wangiri {
    pub route: &'static str,
    /// Calling numbers, used in turn.
    pub callings: Vec<String>,
    pub from: Micros,
    pub count: usize,
    /// Mean time between calls, in seconds.
    pub every: f64,
    /// First of the 4,000 subscribers it picks from.
    pub subscribers_from: u64,
    /// Route that calls back leave by.
    pub back_route: &'static str,
    /// One victim in this many calls back.
    pub back_one_in: usize,
}

impl Wangiri {
    /// Its calls, 1 to 5 s of ringing each, and the victims' calls back, minutes later.
    pub fn calls(&self, random: &mut Random) -> Vec<Call> {
        let mut calls = Vec::new();
        let mut at = self.from;
        for (turn, index) in random.distinct(self.count, 4_000).into_iter().enumerate() {
            at += random.seconds(0.1, 2.0 * self.every - 0.1);
            let calling = self.callings[turn % self.callings.len()].clone();
            let called = people::subscriber(self.subscribers_from + index);
            let truth = Truth { kind: "wangiri", label: "wangiri" };
            let course = match random.below(100) {
                0..5 => people::refused(1, random),
                5..8 => people::refused(20, random),
                8 => people::answered(random),
                _ => people::cut(1.0, 5.0, 16, random),
            };
            calls.push(Call::new(at, self.route, (calling.clone(), called.clone()), truth).with(course));
            if turn % self.back_one_in == self.back_one_in / 2 {
                calls.push(self.call_back(at + random.seconds(90.0, 300.0), called, calling, random));
            }
        }
        calls
    }

    fn call_back(&self, at: Micros, victim: String, calling: String, random: &mut Random) -> Call {
        let truth = Truth { kind: "wangiri_callback", label: "wangiri_callback" };
        let (alert_after, _) = people::answered(random);
        let (ring, talk) = (random.seconds(0.5, 1.5), random.seconds(40.0, 150.0));
        let end = End::Answered { ring, talk, by: crate::call::Side::Calling };
        let call = Call::new(at, self.back_route, (victim, calling), truth);
        Call { outbound: true, ..call }.with((alert_after, end))
    }
}

/// Calls from abroad with numbers that cannot be their callers', on each of `routes`, and look-alikes that can be:
/// subscribers who roam, calls forwarded abroad and back, numbers withheld.
pub fn borrowed_numbers(
    routes: &[&'static str],
    from: Micros,
    roamers: &[String],
    random: &mut Random,
) -> Vec<Call> {
    let mut calls = Vec::new();
    let span = micros(560.0);
    for (index, route) in routes.iter().copied().enumerate() {
        for turn in 0..6_u64 {
            let at = from + random.below(span);
            let called = people::subscriber(15_000 + random.below(4_000));
            let at_home = people::subscriber(14_000 + 100 * index as u64 + turn);
            let spoofed = |kind, calling, called| {
                Call::new(at, route, (calling, called), Truth { kind, label: "spoofed" })
            };
            let honest = |kind, calling| {
                Call::new(at, route, (calling, called.clone()), Truth { kind, label: "normal" })
            };
            let fixed = people::fixed_line(100 * index as u64 + turn);
            calls.push(spoofed("national_fixed_from_abroad", fixed, called.clone()));
            calls.push(spoofed("mobile_not_roaming", at_home, called.clone()));
            if turn < 3 {
                calls.push(spoofed("calling_equals_called", called.clone(), called.clone()));
                calls.push(spoofed("impossible_length", format!("4822500{turn:02}"), called.clone()));
                let too_long = format!("44740000{:09}", random.below(1_000_000_000));
                calls.push(spoofed("impossible_length", too_long, called.clone()));
            }
            calls.push(honest("roamer", roamers[(index * 6 + turn as usize) % roamers.len()].clone()));
            let forwarded = honest("forwarded", people::other_fixed(turn));
            calls.push(Call { diverting: Some(people::in_block("38050000", 4, random)), ..forwarded });
            let shown = if turn % 2 == 0 { Shown::Withheld } else { Shown::Unavailable };
            calls.push(Call { shown, ..honest("withheld", people::foreign(random)) });
        }
    }
    for call in &mut calls {
        call.setup_at += random.seconds(0.0, 20.0);
        let course = match random.below(10) {
            0..6 => people::answered(random),
            6..9 => people::unanswered(random),
            _ => people::declined(3.0, 9.0, random),
        };
        *call = call.clone().with(course);
    }
    calls
}
