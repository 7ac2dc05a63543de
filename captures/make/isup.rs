//! Plays call scripts as ISUP messages between two exchanges. ITU-T Q.764 §2.

use tollgate::wire::isup::acm::{Acm, CalledStatus};
use tollgate::wire::isup::cpg::{Cpg, Event};
use tollgate::wire::isup::iam::{CATEGORY_ORDINARY, Iam, MEDIUM_AUDIO};
use tollgate::wire::isup::number::{
    NatureOfAddress, Number, PLAN_E164, Presentation, SCREENING_NETWORK, SCREENING_PASSED,
};
use tollgate::wire::isup::release::{CODING_ITU, Cause, LOCATION_REMOTE_PUBLIC, LOCATION_USER, Release};
use tollgate::wire::isup::{MessageType, emit_bare};

use crate::call::{Call, End as Ending, Micros, Oddity, Shown, Side};
use crate::exchange::{End, Link, Sent};
use crate::network::HOME_CODE;
use crate::random::Random;

/// Circuits of a route that calls are given, from 1 on; those above are for scripts that name theirs.
const CIRCUIT_COUNT: usize = 900;
/// Location of a cause: transit network (Q.850 §2.2.3).
const LOCATION_TRANSIT: u8 = 3;
/// How long a circuit rests after a call.
const REST: Micros = 1_000_000;

/// The circuits of a route, and when each is free again.
pub struct Circuits(Vec<Micros>);

impl Circuits {
    pub fn new() -> Self {
        Self(vec![0; CIRCUIT_COUNT])
    }

    /// Gives the call a circuit. An exchange looks for a free one among those it controls, odd here for the far one,
    /// so that two calls rarely meet on one.
    pub fn seize(&mut self, call: &Call) -> u16 {
        if let Oddity::OnCircuit(cic) = call.oddity {
            return cic;
        }
        let first = usize::from(call.outbound);
        let is_free = |index: &usize| self.0[*index] <= call.setup_at;
        let index = (first..CIRCUIT_COUNT).step_by(2).find(is_free).expect("circuits enough");
        self.0[index] = call.end_at() + REST;
        index as u16 + 1
    }
}

/// Adds a call's messages.
pub fn play(call: &Call, link: &Link, cic: u16, random: &mut Random, out: &mut Vec<Sent>) {
    let mut script = Script { call, cic, out };
    script.say(call.setup_at, Side::Calling, |cic, bytes| initial_address(call, link).emit(cic, bytes));
    script.alert(random);
    match call.end {
        Ending::Answered { ring, by, .. } => {
            let answer_at = call.alert_at() + ring;
            script.say(answer_at, Side::Called, |cic, bytes| {
                emit_bare(cic, MessageType::ANSWER, bytes);
            });
            script.release(by, 16, LOCATION_USER, random);
        }
        Ending::GivenUp { cause, .. } => {
            let location = if cause == 16 { LOCATION_USER } else { LOCATION_TRANSIT };
            script.release(Side::Calling, cause, location, random);
        }
        Ending::Refused { cause, .. } => {
            let location = if matches!(cause, 17 | 21) { LOCATION_USER } else { LOCATION_REMOTE_PUBLIC };
            script.release(Side::Called, cause, location, random);
        }
        Ending::Reset { .. } => script.reset(),
        Ending::Silent | Ending::Never => {}
    }
}

struct Script<'a> {
    call: &'a Call,
    cic: u16,
    out: &'a mut Vec<Sent>,
}

impl Script<'_> {
    fn say(&mut self, at: Micros, side: Side, emit: impl FnOnce(u16, &mut Vec<u8>)) {
        let mut bytes = Vec::new();
        emit(self.cic, &mut bytes);
        let from = if (side == Side::Calling) == self.call.outbound { End::Own } else { End::Far };
        self.out.push(Sent { at, from, bytes });
    }

    /// Alerting comes with the ACM, or after it in a CPG.
    fn alert(&mut self, random: &mut Random) {
        let Some(after) = self.call.alert_after else { return };
        let alert_at = self.call.alert_at();
        let address_complete = |status| {
            move |cic, bytes: &mut Vec<u8>| {
                Acm::with_status(status).emit(cic, MessageType::ADDRESS_COMPLETE, bytes);
            }
        };
        if random.chance(0.6) {
            self.say(alert_at, Side::Called, address_complete(CalledStatus::SubscriberFree));
        } else {
            let early = self.call.setup_at + after / 2;
            self.say(early, Side::Called, address_complete(CalledStatus::NoIndication));
            self.say(alert_at, Side::Called, |cic, bytes| {
                Cpg { event: Event::ALERTING }.emit(cic, bytes);
            });
        }
    }

    fn release(&mut self, by: Side, value: u8, location: u8, random: &mut Random) {
        let at = self.call.end_at();
        let cause = Cause { coding: CODING_ITU, location, value };
        self.say(at, by, |cic, bytes| Release { cause }.emit(cic, bytes));
        self.complete(at + random.seconds(0.01, 0.04), by.other());
    }

    fn reset(&mut self) {
        let at = self.call.end_at();
        self.say(at, Side::Called, |cic, bytes| emit_bare(cic, MessageType::RESET_CIRCUIT, bytes));
        self.complete(at + 20_000, Side::Calling);
    }

    fn complete(&mut self, at: Micros, side: Side) {
        self.say(at, side, |cic, bytes| emit_bare(cic, MessageType::RELEASE_COMPLETE, bytes));
    }
}

/// The IAM of a call.
fn initial_address(call: &Call, link: &Link) -> Iam {
    let mut called = number(&call.called, link);
    called.ended = true;
    let calling = match call.shown {
        Shown::Yes => Number { screening: SCREENING_NETWORK, ..number(&call.calling, link) },
        Shown::Withheld => Number {
            screening: SCREENING_PASSED,
            presentation: Presentation::Restricted,
            ..number(&call.calling, link)
        },
        Shown::Unavailable => Number {
            screening: SCREENING_NETWORK,
            presentation: Presentation::NotAvailable,
            ..Number::default()
        },
    };
    let diverting = call.diverting.as_ref().map(|digits| number(digits, link));
    Iam {
        nature_of_connection: 0,
        // International call, ISUP used and preferred all the way, ISDN access.
        forward_call: [if link.network_indicator == 0 { 0x21 } else { 0x20 }, 0x01],
        category: CATEGORY_ORDINARY,
        transmission_medium: MEDIUM_AUDIO,
        called,
        calling: Some(calling),
        // Call diversion, unconditional both times, once.
        redirection_information: diverting.as_ref().map(|_| [0x43, 0x31]),
        original_called: diverting.clone(),
        redirecting: diverting,
        hop_counter: Some(20),
    }
}

/// National networks send home numbers without their country code.
fn number(digits: &str, link: &Link) -> Number {
    let (nature, signals) = match digits.strip_prefix(HOME_CODE) {
        _ if digits.len() < 5 => (NatureOfAddress::UNKNOWN, digits),
        Some(national) if link.network_indicator != 0 => (NatureOfAddress::NATIONAL, national),
        _ => (NatureOfAddress::INTERNATIONAL, digits),
    };
    Number { nature, plan: PLAN_E164, digits: signals.bytes().collect(), ..Number::default() }
}
