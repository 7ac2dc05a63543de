//! Plays an attempt as ISUP messages between two exchanges: which message is sent when. ITU-T Q.764 §2.

use crate::base::digits::Digits;
use crate::wire::isup::acm::{Acm, CalledStatus};
use crate::wire::isup::cpg::{Cpg, Event};
use crate::wire::isup::iam::Iam;
use crate::wire::isup::number::{
    NatureOfAddress, Number, PLAN_E164, Presentation, SCREENING_NETWORK, SCREENING_PASSED,
};
use crate::wire::isup::parameter::Parameter;
use crate::wire::isup::release::{CODING_ITU, Cause, LOCATION_REMOTE_PUBLIC, LOCATION_USER, Release};
use crate::wire::isup::{MessageType, emit_bare};

use crate::simulate::attempt::{Attempt, Calling, End as Ending, Oddity, Side};
use crate::simulate::render::association::{End, Link, Sent};
use crate::simulate::render::style::IsupStyle;
use crate::simulate::render::{Micros, micros, span};

/// Location of a cause: transit network (Q.850 §2.2.3).
const LOCATION_TRANSIT: u8 = 3;
/// Most digits of a number: what the longest networks send, and no more than its length octet can count.
const DIGITS_MAX: usize = 24;
/// Generic number (Q.763 §3.26), and its qualifier: additional calling party number.
const GENERIC_NUMBER: u8 = 0xC0;
const ADDITIONAL_CALLING: u8 = 0x06;
/// How long a circuit rests after a call.
const REST: Micros = 1_000_000;

/// How long the circuit of a call that nobody ends stays taken: longer than any exchange follows one.
const FORGOTTEN_AFTER: Micros = 5 * 3_600_000_000;

/// The circuits of a route, and when each is free again.
#[derive(Debug)]
pub struct Circuits(Vec<Micros>);

impl Circuits {
    /// Circuits 1 to `count`.
    #[must_use]
    pub fn new(count: u16) -> Self {
        Self(vec![0; usize::from(count)])
    }

    /// Gives the attempt a circuit; `None` when all are taken. An exchange looks for a free one among those it
    /// controls, odd here for the far one, so that two calls rarely meet on one. An attempt that names its circuit gets
    /// it in any case.
    pub fn seize(&mut self, attempt: &Attempt) -> Option<u16> {
        let setup_at = micros(attempt.setup_at);
        let index = match attempt.oddity {
            Oddity::OnCircuit(cic) => usize::from(cic).checked_sub(1)?,
            _ => {
                let first = usize::from(attempt.is_outbound);
                (first..self.0.len()).step_by(2).find(|index| self.0[*index] <= setup_at)?
            }
        };
        let rest = if attempt.end == Ending::Never { FORGOTTEN_AFTER } else { REST };
        if let Some(free_at) = self.0.get_mut(index) {
            *free_at = micros(attempt.end_at()) + rest;
        }
        u16::try_from(index + 1).ok()
    }
}

/// How the exchanges treat one call.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// The exchanges.
    pub link: &'a Link,
    /// Circuit.
    pub cic: u16,
    /// How the calling side writes.
    pub style: &'a IsupStyle,
    /// Alerting comes with the ACM rather than after it in a CPG.
    pub alerts_in_acm: bool,
    /// From REL to RLC.
    pub complete_after: Micros,
}

/// Adds an attempt's messages.
pub fn play(attempt: &Attempt, course: &Course<'_>, out: &mut Vec<Sent>) {
    let end_at = micros(attempt.end_at());
    let mut script = Script { attempt, course, end_at, out };
    script.say(micros(attempt.setup_at), Side::Calling, |cic, bytes| {
        initial_address(attempt, course, cic, bytes)
    });
    script.alert();
    match attempt.end {
        Ending::Answered { ring, by, .. } => {
            let answer_at = micros(attempt.alert_at()) + span(ring);
            script.say(answer_at, Side::Called, |cic, bytes| {
                emit_bare(cic, MessageType::ANSWER, bytes);
            });
            script.release(by, 16, LOCATION_USER);
        }
        Ending::EarlyMedia { by: Side::Calling, cause, .. } | Ending::GivenUp { cause, .. } => {
            let location = if cause == 16 { LOCATION_USER } else { LOCATION_TRANSIT };
            script.release(Side::Calling, cause, location);
        }
        Ending::EarlyMedia { by: Side::Called, cause, .. } | Ending::Refused { cause, .. } => {
            let location = if matches!(cause, 17 | 21) { LOCATION_USER } else { LOCATION_REMOTE_PUBLIC };
            script.release(Side::Called, cause, location);
        }
        Ending::Reset { .. } => script.reset(),
        Ending::Never | Ending::Silent { .. } => {}
    }
}

struct Script<'a> {
    attempt: &'a Attempt,
    course: &'a Course<'a>,
    end_at: Micros,
    out: &'a mut Vec<Sent>,
}

impl Script<'_> {
    fn say(&mut self, at: Micros, side: Side, emit: impl FnOnce(u32, &mut Vec<u8>)) {
        let mut bytes = Vec::with_capacity(64);
        emit(u32::from(self.course.cic), &mut bytes);
        let from = if (side == Side::Calling) == self.attempt.is_outbound { End::Own } else { End::Far };
        self.out.push(Sent { at, from, bytes });
    }

    /// Alerting comes with the ACM, or after it in a CPG. Media without alerting are announced in a CPG.
    fn alert(&mut self) {
        let Some(after) = self.attempt.alert_after else { return };
        let alert_at = micros(self.attempt.alert_at());
        let early = micros(self.attempt.setup_at) + span(after) / 2;
        let address_complete = |status| {
            move |cic, bytes: &mut Vec<u8>| {
                Acm::with_status(status).emit(cic, MessageType::ADDRESS_COMPLETE, bytes);
            }
        };
        let event = match self.attempt.end {
            Ending::EarlyMedia { .. } => Event::IN_BAND,
            _ if self.course.alerts_in_acm => {
                self.say(alert_at, Side::Called, address_complete(CalledStatus::SubscriberFree));
                return;
            }
            _ => Event::ALERTING,
        };
        self.say(early, Side::Called, address_complete(CalledStatus::NoIndication));
        self.say(alert_at, Side::Called, |cic, bytes| Cpg { event }.emit(cic, bytes));
    }

    fn release(&mut self, by: Side, value: u8, location: u8) {
        let cause = Cause { coding: CODING_ITU, location, value };
        self.say(self.end_at, by, |cic, bytes| Release { cause }.emit(cic, bytes));
        self.complete(self.end_at + self.course.complete_after, by.other());
    }

    fn reset(&mut self) {
        self.say(self.end_at, Side::Called, |cic, bytes| emit_bare(cic, MessageType::RESET_CIRCUIT, bytes));
        self.complete(self.end_at + 20_000, Side::Calling);
    }

    fn complete(&mut self, at: Micros, side: Side) {
        self.say(at, side, |cic, bytes| emit_bare(cic, MessageType::RELEASE_COMPLETE, bytes));
    }
}

/// The IAM of an attempt.
fn initial_address(attempt: &Attempt, course: &Course<'_>, cic: u32, out: &mut Vec<u8>) {
    let Course { link, style, .. } = *course;
    let mut called = number(&attempt.called, link);
    called.ended = true;
    let calling = match &attempt.calling {
        Calling::Malformed(text) => Number {
            nature: NatureOfAddress::INTERNATIONAL,
            screening: SCREENING_NETWORK,
            plan: PLAN_E164,
            digits: digits(text),
            ..Number::default()
        },
        Calling::Shown(digits) => Number { screening: SCREENING_NETWORK, ..number(digits, link) },
        Calling::Unavailable => Number {
            screening: SCREENING_NETWORK,
            presentation: Presentation::NotAvailable,
            ..Number::default()
        },
        Calling::Withheld(digits) => Number {
            screening: SCREENING_PASSED,
            presentation: Presentation::Restricted,
            ..number(digits, link)
        },
    };
    let diverting = attempt.diverting.as_ref().map(|digits| number(digits, link));
    let iam = Iam {
        nature_of_connection: 0,
        // International call or not; ISUP used and preferred all the way.
        forward_call: [if link.network_indicator == 0 { 0x21 } else { 0x20 }, style.access],
        category: style.category,
        transmission_medium: style.medium,
        called,
        calling: Some(calling),
        // Call diversion, unconditional both times, once.
        redirection_information: diverting.as_ref().map(|_| [0x43, 0x31]),
        original_called: diverting,
        redirecting: diverting,
        hop_counter: style.hop_counter,
        ..Iam::default()
    };
    iam.emit(cic, out);
    add_optional(attempt, course, out);
}

/// Adds optional parameters. The message has some already and so ends with the octet that ends them.
fn add_optional(attempt: &Attempt, course: &Course<'_>, out: &mut Vec<u8>) {
    if attempt.presented.is_none() && course.style.optional.is_empty() {
        return;
    }
    out.pop();
    if let Some(presented) = &attempt.presented {
        let shown = Number { screening: 0, ..number(presented, course.link) };
        let content = [&[ADDITIONAL_CALLING][..], &shown.content()].concat();
        Parameter::emit(GENERIC_NUMBER, &content, out);
    }
    for (code, content) in &course.style.optional {
        Parameter::emit(*code, content, out);
    }
    Parameter::emit_end(out);
}

/// National networks send home numbers without their country code.
fn number(text: &str, link: &Link) -> Number {
    let (nature, signals) = match text.strip_prefix(link.home_code) {
        _ if text.len() < 5 => (NatureOfAddress::UNKNOWN, text),
        Some(national) if link.network_indicator != 0 => (NatureOfAddress::NATIONAL, national),
        _ => (NatureOfAddress::INTERNATIONAL, text),
    };
    Number { nature, plan: PLAN_E164, digits: digits(signals), ..Number::default() }
}

/// What of a text can be sent as address signals.
fn digits(text: &str) -> Digits {
    text.bytes().filter(u8::is_ascii_digit).take(DIGITS_MAX).collect()
}
