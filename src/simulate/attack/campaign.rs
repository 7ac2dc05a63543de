//! What all attacks share: when and where a campaign calls, and its calls in order with their truth.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attack::hours::Hours;
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, TrunkId, Truth};
use crate::simulate::draw::{Rng, below, chance};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// The parameters of an `[[attack]]` that every family has.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Campaign {
    /// How many campaigns, each with its own numbers and its own draw of every parameter; 1 to 1,000.
    #[serde(default = "one")]
    pub campaigns: u32,
    /// Name of the trunk it comes by.
    pub trunk: String,
    /// Trunks it moves to, one after another.
    #[serde(default)]
    pub moves_to: Vec<String>,
    /// Seconds on one trunk; needed with `moves-to`.
    #[serde(default)]
    pub moves_every_s: f64,
    /// Start in seconds after that of the scenario.
    #[serde(default = "zero")]
    pub after_s: Sweep,
    /// How long it lasts, in seconds; to the end of the scenario when left out.
    pub for_s: Option<Sweep>,
    /// Calls a second while it calls; 0.0001 to 1,000. Retries and calls back come on top.
    pub calls_per_s: Sweep,
    /// How many calls at most, retries and calls back not counted.
    pub calls: Option<Sweep>,
    /// Hours it works.
    #[serde(default)]
    pub hours: Hours,
    /// Seconds of a burst of calls; needs `pause-s`.
    #[serde(default)]
    pub burst_s: f64,
    /// Seconds between two bursts.
    #[serde(default)]
    pub pause_s: f64,
    /// Whether its calls look like all others on their trunk; else they share the style of one machine.
    #[serde(default)]
    pub disguised: bool,
}

/// The longest scenario, in seconds: no span of a campaign is longer.
const YEAR_S: f64 = 8_784.0 * 3_600.0;

const fn one() -> u32 {
    1
}

const fn zero() -> Sweep {
    Sweep::fixed(0.0)
}

impl Campaign {
    /// Names of its parameters in the file.
    pub(super) const KEYS: [&'static str; 12] = [
        "campaigns",
        "trunk",
        "moves-to",
        "moves-every-s",
        "after-s",
        "for-s",
        "calls-per-s",
        "calls",
        "hours",
        "burst-s",
        "pause-s",
        "disguised",
    ];

    /// Whether the figures make sense in a scenario of so many seconds.
    ///
    /// # Errors
    /// The figure that does not.
    pub(super) fn check(&self, scenario_s: f64) -> Result<(), String> {
        if !(1..=1_000).contains(&self.campaigns) {
            return Err("campaigns: 1 to 1000".into());
        }
        self.after_s.within("after-s", 0.0, YEAR_S)?;
        if !self.after_s.is_below(scenario_s) {
            return Err(format!(
                "after-s: the scenario ends after {scenario_s} s; a later campaign makes no call"
            ));
        }
        self.for_s.map_or(Ok(self.after_s), |span| span.within("for-s", 1.0, YEAR_S))?;
        self.calls_per_s.within("calls-per-s", 0.0001, 1_000.0)?;
        self.calls.map_or(Ok(self.after_s), |calls| calls.within("calls", 1.0, 10_000_000.0))?;
        if self.moves_to.is_empty() != (self.moves_every_s == 0.0)
            || !(0.0..=YEAR_S).contains(&self.moves_every_s)
        {
            return Err("moves-every-s: above 0 with moves-to, absent without".into());
        }
        if (self.burst_s > 0.0) != (self.pause_s > 0.0) || self.burst_s < 0.0 || self.pause_s < 0.0 {
            return Err("pause-s: above 0 with burst-s above 0, or neither".into());
        }
        Ok(())
    }

    /// Begins a campaign. Its figures must have passed [`Self::check`].
    ///
    /// # Errors
    /// A trunk that is not there or takes no calls this way.
    pub(super) fn begin(&self, world: &Arc<World>, mut rng: Rng, of: Identity) -> Result<Desk, String> {
        let mut trunks = vec![world.trunk_towards(("trunk", &self.trunk), of.is_outbound)?];
        for name in &self.moves_to {
            trunks.push(world.trunk_towards(("moves-to", name), of.is_outbound)?);
        }
        let after = Duration::from_secs_f64(self.after_s.draw(&mut rng));
        // What upstream makes of a caller who gives up: 31 where a CANCEL of SIP became a release (ITU-T Q.1912.5).
        let cause = if chance(&mut rng, 0.5) { 31 } else { 16 };
        let equipment = if self.disguised { 0 } else { 1 + below(&mut rng, 65_535) as u16 };
        Ok(Desk {
            trunks,
            stay: Duration::from_secs_f64(self.moves_every_s),
            start: world.start() + after,
            agenda: Agenda::default(),
            position: 0,
            world: Arc::clone(world),
            rng,
            cause,
            equipment,
            of,
        })
    }

    /// The calls of a campaign as its method makes them.
    pub(super) fn run(&self, mut desk: Desk, method: Box<dyn Method>) -> Box<dyn Source> {
        let world = Arc::clone(&desk.world);
        let span = match self.for_s {
            Some(span) => Duration::from_secs_f64(span.draw(&mut desk.rng)),
            None => world.end().since(desk.start),
        };
        let rate = self.calls_per_s.draw_log(&mut desk.rng);
        let arrivals = Arrivals::even(&world, rate, (desk.start, span));
        let left = self.calls.map_or(u64::MAX, |calls| calls.count(&mut desk.rng));
        let rhythm = Rhythm { arrivals, left, hours: self.hours, burst: self.burst_s, pause: self.pause_s };
        Box::new(Running { desk, method, rhythm, due: None, has_begun: false })
    }
}

/// Who a campaign is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    /// Its family, as in the truth.
    pub family: &'static str,
    /// Its number in the scenario, from 1.
    pub number: u32,
    /// Its calls are set up by the operator's side.
    pub is_outbound: bool,
}

/// How a family calls.
pub(super) trait Method: Send {
    /// Makes the call of this moment, and what follows from it, by [`Desk::push`]. Nothing is set up before `at`.
    fn call(&mut self, at: At, desk: &mut Desk);
}

/// What a method works with.
pub(super) struct Desk {
    /// Numbers and trunks.
    pub world: Arc<World>,
    /// Its random numbers.
    pub rng: Rng,
    /// Cause of its releases before answer.
    pub cause: u8,
    trunks: Vec<TrunkId>,
    stay: Duration,
    start: At,
    agenda: Agenda,
    equipment: u16,
    of: Identity,
    position: u32,
}

impl Desk {
    /// The trunk of this moment.
    pub fn trunk_at(&self, at: At) -> TrunkId {
        let moves = match self.stay.is_zero() {
            true => 0,
            false => at.since(self.start).as_nanos() / self.stay.as_nanos(),
        };
        // `begin` puts one trunk there at least.
        let last = self.trunks.len() - 1;
        self.trunks[usize::try_from(moves).unwrap_or(last).min(last)]
    }

    /// The truth of a call of this campaign; its position comes when it is made.
    pub fn truth(&self, label: &'static str, kind: &'static str) -> Truth {
        Truth { label, kind, family: self.of.family, campaign: self.of.number, position: 0 }
    }

    /// An attempt on the trunk of this moment, by the equipment of the attacker.
    pub fn attempt(&self, at: At, parties: (String, String), truth: Truth) -> Attempt {
        let attempt =
            Attempt { equipment: self.equipment, ..Attempt::new(at, self.trunk_at(at), parties, truth) };
        if self.of.is_outbound { attempt.outbound() } else { attempt }
    }

    /// Notes an attempt; one after the end of the scenario is not made.
    pub fn push(&mut self, attempt: Attempt) {
        if attempt.setup_at < self.world.end() {
            self.agenda.push(attempt);
        }
    }

    /// Numbers the calls of the attacker in the order they are set up. What others do because of them (a call back, a
    /// call of people on the same route) has no position.
    fn number(&mut self, mut attempt: Attempt) -> Attempt {
        if !matches!(attempt.truth.label, "normal" | "wangiri_callback") {
            self.position += 1;
            attempt.truth.position = self.position;
        }
        attempt
    }
}

/// Moments at which a campaign calls.
struct Rhythm {
    arrivals: Arrivals,
    left: u64,
    hours: Hours,
    burst: f64,
    pause: f64,
}

impl Rhythm {
    fn next(&mut self, desk: &mut Desk) -> Option<At> {
        self.left = self.left.checked_sub(1)?;
        loop {
            let at = self.arrivals.next(&mut desk.rng)?;
            if self.hours.are_worked(at, &desk.world) && self.is_in_burst(at.since(desk.start)) {
                return Some(at);
            }
        }
    }

    fn is_in_burst(&self, since: Duration) -> bool {
        self.burst <= 0.0 || since.as_secs_f64() % (self.burst + self.pause) < self.burst
    }
}

struct Running {
    desk: Desk,
    method: Box<dyn Method>,
    rhythm: Rhythm,
    due: Option<At>,
    has_begun: bool,
}

impl Source for Running {
    fn next(&mut self) -> Option<Attempt> {
        if !self.has_begun {
            self.has_begun = true;
            self.due = self.rhythm.next(&mut self.desk);
        }
        while let Some(due) = self.due {
            if let Some(attempt) = self.desk.agenda.pop_until(due) {
                return Some(self.desk.number(attempt));
            }
            self.method.call(due, &mut self.desk);
            self.due = self.rhythm.next(&mut self.desk);
        }
        self.desk.agenda.pop().map(|attempt| self.desk.number(attempt))
    }
}
