//! What one call teaches of its caller: evidence against robots, and who is a person.

use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::Call;
use crate::feature::Store;
use crate::feature::clock::seconds;
use crate::feature::ending::{Ending, PERSON_TALK_MIN};
use crate::feature::evidence::{Finished, SUSPECTED};
use crate::feature::people::{Cut, Manner, RENTED_WIDTH};
use crate::feature::standing::purity;

/// Robots among the strangers of a block from which on a mark may widen to it.
const CLIMB_PURITY: f32 = 0.95;
/// The same for blocks of 100,000 and more: few of the people there are known yet.
const WIDE_PURITY: f32 = 0.99;

impl Store {
    /// What it says that a call into the network has begun.
    pub(super) fn rings(&mut self, call: &Call, caller: Number) {
        let (route, second) = (call.route, seconds(call.setup_at));
        let mut evicted = self.suspicion.begun(caller, second);
        if let Some(called) = call.called.number {
            if let Some(cut) = self.people.hunted(caller, called, (route, second)) {
                evicted += self.suspicion.take_back(caller, cut, second);
            }
            evicted += self.people.calls(called, second);
        }
        self.evicted(evicted);
    }

    /// What it says of its caller that a call into the network was answered.
    pub(super) fn picked_up(&mut self, call: &Call, caller: Number, at: At, is_probe: bool) {
        let second = seconds(at);
        let is_fresh = call.called.number.is_some_and(|called| self.people.is_fresh(caller, called, second));
        let mut evicted =
            self.suspicion.answered((caller, call.equipment), (call.route, second), (is_fresh, is_probe));
        if !self.people.has_behaved(caller, second) {
            let (is_counted, gave_way) = self.suspicion.count_caller(caller, second, true);
            evicted += gave_way;
            if !is_counted {
                evicted += self.people.answered(caller, second);
            }
        }
        self.evicted(evicted);
    }

    /// What a call into the network says of its caller.
    pub(super) fn learn(&mut self, call: &Call, (caller, called): (Number, Number), at: At, is_probe: bool) {
        let second = seconds(at);
        let is_proven = self.people.is_proven(caller, second) || self.people.is_pair(caller, called, second);
        let is_hunting = self.people.is_hunting(caller, called);
        let finished = Finished {
            caller,
            equipment: call.equipment,
            route: call.route,
            second,
            ending: Ending::of(call),
            is_persons: Ending::is_persons(call),
            ring_s: call.ring_time().map_or(0.0, |ring| ring.as_secs_f32()),
            talk_s: call.talk_time().map_or(0.0, |talk| talk.as_secs_f32()),
            is_proven,
            is_fresh: is_hunting || self.people.is_fresh(caller, called, second),
            is_probe,
            insists: self.people.insists(caller, called, second),
        };
        let mut evicted = self.behaved(call, &finished);
        evicted += self.suspicion.ended(&finished) + self.people.tried(caller, called, second);
        if finished.ending == Ending::CutBeforeRinging && finished.is_fresh && !is_proven {
            evicted += self.people.cut(caller, called, Cut::new(second, call.route, call.equipment));
        }
        if call.talk_time().is_some_and(|talk| talk >= PERSON_TALK_MIN) {
            evicted += self.people.talked(caller, called, second);
        }
        self.evicted(evicted);
    }

    /// Whether the caller of a finished call behaved like a person in it. How many keys gave way.
    fn behaved(&mut self, call: &Call, finished: &Finished) -> u32 {
        let (caller, second) = (finished.caller, finished.second);
        let has_talked = call.answer_at.is_some();
        let (is_counted, evicted) = match has_talked {
            true => self.suspicion.count_caller(caller, second, false),
            false => (false, 0),
        };
        let gave_way = if finished.is_persons {
            let block = self.suspicion.block(RENTED_WIDTH, caller, call.route);
            let is_suspected = block.highest(second) >= SUSPECTED;
            self.people.behaved(caller, second, Manner { has_talked, is_counted, is_suspected })
        } else if is_counted {
            self.people.hung_up(caller, second)
        } else {
            0
        };
        evicted + gave_way
    }

    /// What a call out of the network says of whom it reached.
    pub(super) fn reached(&mut self, call: &Call, (caller, called): (Number, Number), at: At) {
        if call.talk_time().is_some_and(|talk| talk >= PERSON_TALK_MIN) {
            let second = seconds(at);
            let mut evicted = self.people.talked(caller, called, second);
            // Whom Wangiri lures is answered by a machine.
            let own = self.suspicion.caller(called).highest(second);
            let is_lured = own > 0.0 && self.has_missed(caller, called, at);
            if own < SUSPECTED && !is_lured {
                evicted += self.people.reached(called, second);
            }
            self.evicted(evicted);
        }
    }

    /// The block around a caller that the evidence is about.
    pub(super) fn widest(&self, caller: Number, route: RouteId, second: u32) -> Option<Range> {
        let enough = self.suspicion.baselines().bound(route);
        self.suspicion.widest(caller, (route, second), enough, |range, row| {
            let bound = if range.width() > RENTED_WIDTH { WIDE_PURITY } else { CLIMB_PURITY };
            purity(row, range.width(), self.people.in_block(range, second)) >= bound
        })
    }
}
