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
            if let Some(cut_on) = self.people.hunted(caller, called, (route, second)) {
                evicted += self.suspicion.take_back(caller, (cut_on, second), call.equipment);
            }
            evicted += self.people.calls(called, second);
        }
        self.evicted(evicted);
    }

    /// What a call into the network says of its caller.
    pub(super) fn learn(&mut self, call: &Call, (caller, called): (Number, Number), at: At, is_probe: bool) {
        let second = seconds(at);
        let is_known = self.people.is_known(caller, second) || self.people.is_pair(caller, called, second);
        let finished = Finished {
            caller,
            equipment: call.equipment,
            route: call.route,
            second,
            ending: Ending::of(call),
            is_persons: Ending::is_persons(call),
            ring_s: call.ring_time().map_or(0.0, |ring| ring.as_secs_f32()),
            talk_s: call.talk_time().map_or(0.0, |talk| talk.as_secs_f32()),
            is_known,
            is_fresh: self.people.is_fresh(caller, called, second),
            is_probe,
            insists: self.people.insists(caller, called, second),
        };
        let is_suspected = self.suspicion.block(4, caller, call.route).highest(second) >= SUSPECTED;
        let mut evicted = self.suspicion.ended(&finished) + self.people.tried(caller, called, second);
        if finished.ending == Ending::CutBeforeRinging {
            evicted += self.people.cut(caller, called, (call.route, second));
        }
        let was_answered = call.answer_at.is_some();
        evicted += match (finished.is_persons, was_answered) {
            (true, _) => self.people.behaved(caller, second, (was_answered, is_suspected)),
            (false, true) => self.people.hung_up(caller, second),
            (false, false) => 0,
        };
        if call.talk_time().is_some_and(|talk| talk >= PERSON_TALK_MIN) {
            evicted += self.people.talked(caller, called, second);
        }
        self.evicted(evicted);
    }

    /// What a call out of the network says of whom it reached.
    pub(super) fn reached(&mut self, call: &Call, (caller, called): (Number, Number), at: At) {
        if call.talk_time().is_some_and(|talk| talk >= PERSON_TALK_MIN) {
            let second = seconds(at);
            let mut evicted = self.people.talked(caller, called, second);
            // Whom Wangiri lures is answered by a machine.
            let own = self.suspicion.caller(called);
            if own.highest(second) < SUSPECTED {
                evicted += self.people.reached(called, second);
            }
            self.evicted(evicted);
        }
    }

    /// The block around a caller that the evidence is about.
    pub(super) fn widest(&self, caller: Number, route: RouteId, second: u32) -> Option<Range> {
        let enough = self.suspicion.baselines().bound(route);
        self.suspicion.widest(caller, (route, second), enough, |range, row| {
            let bound = if range.width() > 4 { WIDE_PURITY } else { CLIMB_PURITY };
            purity(row, range.width(), self.people.in_block(range, second)) >= bound
        })
    }
}
