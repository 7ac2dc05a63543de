//! What comes after an IAM and belongs to it: digits in a SAM, parameters in an SGM. ITU-T Q.764 §2.1.2, §2.1.12.
//!
//! The setup is told at the IAM, with the digits known then; the answer and the end tell the whole number. Digits count
//! until the called side has said anything of the call: an exchange that has sent an ACM or CON takes no more.

use crate::base::fault::{Kind, Layer};
use crate::call::machine::{Side, State};
use crate::call::table::{CallTable, Entry};
use crate::signal::{More, Overlap, Setup, Signal, What};

/// How the called number of a call is read on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialling {
    how: Option<Overlap>,
    /// Digits of the called number in the IAM.
    at_first: usize,
}

impl Dialling {
    pub fn new(setup: &Setup) -> Self {
        Self { how: setup.overlap, at_first: setup.called.raw.len() }
    }

    /// The called side has said something of the call: no more digits are taken.
    pub fn stop(&mut self, what: &What, side: Side) {
        if side == Side::Called && matches!(what, What::Progress | What::Alert | What::Answer) {
            self.how = None;
        }
    }

    /// Whether a setup calls the number that the call had at first.
    pub fn began_with(self, setup: &Setup, entry: &Entry) -> bool {
        let called = &entry.call.called;
        setup.called == *called || called.raw.get(..self.at_first) == Some(setup.called.raw.as_slice())
    }
}

impl CallTable {
    /// Takes in what belongs to the setup of a call.
    pub(super) fn go_on(&mut self, slot: u32, more: &More, signal: &Signal<'_>) {
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let is_from_caller = signal.sender == entry.sender && entry.state == State::Proceeding;
        if let (Some(shown), Some(calling), None) =
            (more.shown, entry.call.calling.number, entry.call.claims.shows_other)
            && is_from_caller
        {
            entry.call.claims.shows_other = Some(shown != calling);
        }
        if more.digits.is_empty() && !more.is_last {
            return;
        }
        let Some(how) = entry.dialling.how.filter(|_| is_from_caller) else {
            self.faults.count(Layer::Call, Kind::Unexpected);
            return;
        };
        let mut raw = entry.call.called.raw.clone();
        let room = raw.remaining_capacity().min(more.digits.len());
        if room < more.digits.len() {
            self.faults.count(Layer::Call, Kind::TooMany);
        }
        raw.extend(more.digits.iter().copied().take(room));
        if !raw.is_empty() {
            entry.call.called = self.network.numbering.party(&raw, how.nature, how.format);
        }
        if more.is_last {
            entry.dialling.how = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::field::Country;
    use crate::base::frame::{Mtp, RoutingLabel, UserPart};
    use crate::base::network::Network;
    use crate::base::number::{Number, Party};
    use crate::base::numbering::{Nature, Numbering};
    use crate::base::route::NumberFormat;
    use crate::base::time::At;
    use crate::call::event::{Call, CallEvent, Stamped};
    use crate::call::table::CallOptions;
    use crate::signal::{Circuit, Leg};

    const LABEL: RoutingLabel =
        RoutingLabel { standard: Mtp::Itu, opc: CALLER, dpc: CALLED, network_indicator: 2, sls: 0 };
    const CALLER: u32 = 1;
    const CALLED: u32 = 2;

    fn signal(seq: u64, sender: u32, what: What) -> Signal<'static> {
        Signal {
            at: At::from_nanos(seq * 100_000_000),
            seq,
            leg: Leg::Isup(Circuit::new(LABEL, UserPart::Isup, 7)),
            what,
            sender,
            receiver: 0,
            between: None,
            cseq: 0,
            branch: 0,
            sip_status: None,
            progress_183: false,
            q850_cause: None,
            cause_location: None,
            identity: b"",
        }
    }

    fn number(digits: &str) -> Number {
        Number::from_digits(digits.as_bytes()).unwrap()
    }

    fn iam(network: &Network, dialled: &str, is_whole: bool) -> What {
        let how = Overlap { nature: Nature::National, format: NumberFormat::Auto };
        What::Setup(Setup {
            called: match dialled {
                "" => Party::default(),
                _ => network.numbering.party(dialled.as_bytes(), how.nature, how.format),
            },
            calling: number("447700900123").into(),
            overlap: (!is_whole).then_some(how),
            ..Setup::default()
        })
    }

    fn sam(digits: &str, is_last: bool) -> What {
        What::More(More { digits: digits.bytes().collect(), is_last, shown: None })
    }

    /// Plays messages and a release; the called number at the setup and the call at its end, and the faults.
    fn play(dialled: &str, is_whole: bool, messages: &[(u32, What)]) -> (String, Call, [u64; 2]) {
        let network = Arc::new(Network {
            numbering: Numbering::new(Country::parse("PL").unwrap()).unwrap(),
            ..Network::unknown()
        });
        let mut table = CallTable::new(CallOptions::default(), Arc::clone(&network));
        let mut out = Vec::new();
        let setup = (CALLER, iam(&network, dialled, is_whole));
        let release = (CALLER, What::Release);
        let all = std::iter::once(&setup).chain(messages).chain(std::iter::once(&release));
        for (seq, (sender, what)) in (1..).zip(all) {
            let signal = signal(seq, *sender, what.clone());
            table.handle(signal.leg.hash(CallOptions::default().seed), signal, &mut out);
        }
        let of = |stamped: &Stamped| stamped.event.call().clone();
        assert!(matches!(out.last().unwrap().event, CallEvent::End(_)));
        let first = of(&out[0]).called.raw;
        let faults = [Kind::Unexpected, Kind::TooMany].map(|kind| table.faults().of(Layer::Call, kind));
        (String::from_utf8(first.to_vec()).unwrap(), of(out.last().unwrap()), faults)
    }

    #[test]
    fn digits_in_several_messages_are_one_number() {
        let (first, call, faults) =
            play("60123", false, &[(CALLER, sam("4", false)), (CALLER, sam("567", true))]);
        assert_eq!((first.as_str(), call.called.number), ("60123", Some(number("48601234567"))));
        assert_eq!((call.called.raw.as_slice(), faults), (&b"601234567"[..], [0, 0]));
        let (first, call, _) = play("", false, &[(CALLER, sam("601234567", false))]);
        assert_eq!((first.as_str(), call.called.number), ("", Some(number("48601234567"))));
    }

    #[test]
    fn digits_that_no_exchange_takes_are_not_taken() {
        for (is_whole, before, sender) in [
            (true, None, CALLER),
            (false, Some((CALLER, sam("4567", true))), CALLER),
            (false, Some((CALLED, What::Progress)), CALLER),
            (false, Some((CALLED, What::Alert)), CALLER),
            (false, None, CALLED),
        ] {
            let was = if matches!(before, Some((CALLER, _))) { "601234567" } else { "60123" };
            let messages: Vec<_> = before.into_iter().chain([(sender, sam("99", false))]).collect();
            let (_, call, faults) = play("60123", is_whole, &messages);
            assert_eq!(call.called.raw.as_slice(), was.as_bytes(), "{messages:?}");
            assert_eq!(faults, [1, 0], "{messages:?}");
        }
    }

    #[test]
    fn a_number_grows_no_longer_than_is_kept() {
        let messages = vec![(CALLER, sam("0123456789", false)); 5];
        let (_, call, faults) = play("60", false, &messages);
        assert_eq!((call.called.raw.len(), faults), (32, [0, 2]));
        assert_eq!(call.called.number, None);
    }

    #[test]
    fn an_iam_seen_again_after_its_digits_is_no_new_call() {
        let network = Network {
            numbering: Numbering::new(Country::parse("PL").unwrap()).unwrap(),
            ..Network::unknown()
        };
        let again = (CALLER, iam(&network, "60123", false));
        let (_, call, _) = play("60123", false, &[(CALLER, sam("4567", false)), again]);
        assert_eq!((call.seq, call.called.number), (1, Some(number("48601234567"))));
    }

    #[test]
    fn a_number_to_be_shown_may_come_in_a_segment() {
        let segment = |shown| (CALLER, What::More(More { shown: Some(number(shown)), ..More::default() }));
        for (shown, other) in [("447700900999", true), ("447700900123", false)] {
            let (_, call, faults) = play("601234567", false, &[segment(shown)]);
            assert_eq!((call.claims.shows_other, faults), (Some(other), [0, 0]));
        }
    }
}
