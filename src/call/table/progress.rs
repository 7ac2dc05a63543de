//! What happens to a call between its setup and its end: messages that are no setup, each one step of the call's state.

use crate::base::fault::{Kind, Layer};
use crate::base::time::At;
use crate::call::deadline::Wait;
use crate::call::event::{CallEvent, ReleasedBy, Stamp, Stamped};
use crate::call::hop::Hop;
use crate::call::machine::{Codes, Effect, Side, State, step};
use crate::call::table::fork::transaction;
use crate::call::table::{CallTable, Entry};
use crate::signal::{Signal, What};

impl CallTable {
    /// A message of a known call that is not a setup.
    pub(super) fn progress(&mut self, slot: u32, signal: &Signal<'_>, out: &mut Vec<Stamped>) {
        self.last.1 = Some(slot);
        if let What::More(more) = &signal.what {
            return self.go_on(slot, more, signal);
        }
        let way = Hop::of(signal, self.options.seed);
        if let Some(entry) = self.entry(slot).filter(|entry| !entry.is_heard_there) {
            entry.hear(way);
        }
        if self.is_wrong_way(slot, signal) {
            if !self.held(slot).is_some_and(|entry| entry.is_of_callees(signal)) {
                self.faults.count(Layer::Call, Kind::WrongWay);
            }
            return;
        }
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let rings = signal.progress_183 && self.network.routes.route(entry.call.route).progress_is_alerting;
        let side = entry.side_of(signal, self.options.seed);
        let is_response = signal.sip_status.is_some();
        if is_response && signal.cseq != entry.cseq && !entry.awaits(transaction(signal)) {
            return;
        }
        let is_bye = matches!(signal.what, What::Release) && entry.circuit.is_none();
        let (goes_on, fault) = match entry.state {
            State::Answered if is_bye && entry.is_swapped(signal, self.options.seed) => {
                (true, Some(Kind::Unexpected))
            }
            _ => entry.follow_dialogs(signal),
        };
        if let Some(fault) = fault {
            self.faults.count(Layer::Call, fault);
        }
        if goes_on {
            return;
        }
        entry.heard_back |= is_response || side == Side::Called;
        entry.dialling.stop(&signal.what, side);
        if matches!(signal.what, What::Refuse | What::Cancel) && !close_fork(entry, signal) {
            return;
        }
        let codes = Codes {
            sip_status: signal.sip_status,
            q850_cause: signal.q850_cause,
            cause_location: signal.cause_location,
        };
        let what = match &signal.what {
            _ if rings => &What::Alert,
            // It may end an early dialog of several, or none: the final response tells (RFC 3261 §15.1.2). The called side
            // may not send one yet (§15).
            What::Release if entry.circuit.is_none() && !entry.is_answered() => &What::Cancel,
            what => what,
        };
        let (state, effect) = step(entry.state, what, side, codes);
        let rings_on = entry.state == State::Cancelled && (rings || matches!(signal.what, What::Alert));
        entry.state = state;
        self.apply(slot, effect, signal, out);
        if rings_on {
            self.doubt(slot, signal);
        }
    }

    fn apply(&mut self, slot: u32, effect: Effect, signal: &Signal<'_>, out: &mut Vec<Stamped>) {
        let stamp = Stamp::message(self.now, signal.seq);
        let Some(entry) = self.entry(slot) else { return };
        match effect {
            // A challenge; kept for the end, should the caller not answer it.
            Effect::Nothing if matches!(signal.what, What::Refuse) && entry.state == State::Proceeding => {
                entry.call.sip_status = signal.sip_status;
            }
            Effect::Nothing => {}
            Effect::Alert => entry.call.alert_at = Some(signal.at),
            Effect::Answer => {
                entry.call.answer_at = Some(signal.at);
                entry.call.sip_status = signal.sip_status;
                entry.cancelled_at = None;
                out.push(Stamped { stamp, event: CallEvent::Answer(entry.call.clone()) });
                self.rearm(slot, Wait::Talk, stamp);
                self.name_by_tag(slot, signal);
            }
            Effect::Cancel => {
                entry.cancelled_at = Some(signal.at);
                entry.call.q850_cause = signal.q850_cause;
                // A BYE may be of no dialog, which nobody but the called side knows.
                entry.is_in_doubt = matches!(signal.what, What::Release) && !entry.is_only_asked;
                if !entry.is_in_doubt {
                    self.rearm(slot, Wait::Cancel, stamp);
                }
            }
            Effect::End(by) => {
                if signal.sip_status.is_some() {
                    entry.call.sip_status = signal.sip_status;
                }
                entry.call.q850_cause = signal.q850_cause.or(entry.call.q850_cause);
                self.end(slot, (signal.at, stamp), by, out);
            }
        }
    }

    /// A call that was cancelled rings still: the CANCEL may have gone nowhere, and the call be answered after all.
    fn doubt(&mut self, slot: u32, signal: &Signal<'_>) {
        let Some(entry) = self.entry(slot) else { return };
        if !std::mem::replace(&mut entry.is_in_doubt, true) {
            self.rearm(slot, Wait::Setup, Stamp::message(self.now, signal.seq));
        }
    }

    /// Tells the end, at the time of the CANCEL if there was one. A circuit is free at once; a Call-ID lingers.
    pub(super) fn end(
        &mut self,
        slot: u32,
        (at, stamp): (At, Stamp),
        by: ReleasedBy,
        out: &mut Vec<Stamped>,
    ) {
        let Some(entry) = self.entry(slot) else { return };
        entry.state = State::Ended;
        // Nobody has promised to tell the end of a call that was only asked about: that none is known says nothing of it.
        if !(entry.is_only_asked && by == ReleasedBy::Timeout) {
            entry.call.end_at = Some(entry.cancelled_at.unwrap_or(at));
            entry.call.released_by = Some(by);
        }
        let frees_circuit = entry.circuit.is_some();
        out.push(Stamped { stamp, event: CallEvent::End(entry.call.clone()) });
        if frees_circuit {
            self.remove(slot);
        } else {
            self.rearm(slot, Wait::Linger, stamp);
        }
    }
}

/// Closes the branch a refusal or CANCEL is about. `true` when it is the call's last open one, so that the message
/// speaks for the call.
fn close_fork(entry: &mut Entry, signal: &Signal<'_>) -> bool {
    let own = transaction(signal);
    let others_open = entry.forks.iter().any(|fork| fork.open && fork.transaction != own);
    if let Some(fork) = entry.fork(own) {
        fork.open = false;
        fork.is_refused |= matches!(signal.what, What::Refuse);
    }
    !others_open
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::base::map::Seed;
    use crate::base::network::Network;
    use crate::base::route::{NumberFormat, Route, RouteClass, RouteId, Routes};
    use crate::call::table::CallOptions;
    use crate::call::table::tests::{ends, response, run, setup, signal};
    use crate::signal::Setup;

    #[test]
    fn a_fork_that_fails_does_not_end_the_call() {
        let fork = Signal { branch: 8, ..signal(0, 2, setup()) };
        let (events, _) = run([
            signal(0, 1, setup()),
            fork,
            response(1, 3, What::Refuse, 486, 8),
            response(2, 4, What::Alert, 180, 7),
            response(5, 5, What::Answer, 200, 7),
            Signal { cseq: 2, ..signal(9, 6, What::Release) },
        ]);
        let call = ends(&events)[0];
        assert_eq!(call.talk_time(), Some(Duration::from_secs(4)));
        assert_eq!(call.ring_time(), Some(Duration::from_secs(3)));
        assert_eq!(call.sip_status, Some(200));
    }

    #[test]
    fn a_cancelled_call_ends_when_it_was_cancelled() {
        let (events, _) = run([
            signal(0, 1, setup()),
            response(1, 2, What::Alert, 180, 7),
            signal(3, 3, What::Cancel),
            response(4, 4, What::Refuse, 487, 7),
        ]);
        let call = ends(&events)[0];
        assert_eq!(call.ring_time(), Some(Duration::from_secs(2)));
        assert_eq!((call.released_by, call.sip_status), (Some(ReleasedBy::Calling), Some(487)));
    }

    #[test]
    fn a_183_rings_on_routes_that_say_so() {
        let route = |name: &str, progress_is_alerting| Route {
            name: name.to_owned(),
            class: RouteClass::International,
            peers: Vec::new(),
            point_codes: Vec::new(),
            number_format: NumberFormat::Auto,
            progress_is_alerting,
            sender: None,
        };
        let routes = Routes::new(vec![route("early-media", false), route("ringing", true)]);
        let network = Arc::new(Network { routes, ..Network::unknown() });
        for (id, ring) in [(1, None), (2, Some(Duration::from_secs(2)))] {
            let mut table = CallTable::new(CallOptions::default(), Arc::clone(&network));
            let mut out = Vec::new();
            let setup = What::Setup(Setup { route: RouteId(id), ..Setup::default() });
            let progress = Signal { progress_183: true, ..response(1, 2, What::Progress, 183, 7) };
            for signal in [signal(0, 1, setup), progress, response(3, 3, What::Refuse, 486, 7)] {
                table.handle(signal.leg.hash(Seed::default()), signal, &mut out);
            }
            assert_eq!(out.pop().unwrap().event.call().ring_time(), ring);
        }
    }
}
