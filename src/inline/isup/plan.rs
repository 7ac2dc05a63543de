//! What is to be done with one message that came for the first time: the circuit's state and the ruling, put together.

use super::block::{Block, Mark, Reply, Step};
use super::circuit::{Circuit, Entry, Seized};
use super::count::Tally;
use super::message::{Change, Kind};
use super::{Origin, Rewriter};
use crate::base::frame::RoutingLabel;
use crate::base::numbering::Nature;
use crate::base::route::NumberFormat;
use crate::judge::Treatment;
use crate::wire::isup::iam::{CATEGORY_TEST, Iam, restrict_calling};
use crate::wire::isup::reset::GroupReset;
use crate::wire::isup::{Lax, Message, MessageType};

/// Cause of a blocked call whose verdict has none that can be: call rejected (Q.850 table 1).
const CALL_REJECTED: u8 = 21;

/// What becomes of a message and of its circuit.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// How the message is changed.
    pub change: Option<Change>,
    /// What there is to remember of its circuit from now on.
    circuit: Option<(Circuit, Entry)>,
    /// A group reset.
    group: Option<Group>,
    /// What is counted.
    tally: Option<Tally>,
    /// Near, who called on the circuit, does not see it.
    is_hidden: bool,
}

/// The circuits of a group reset, or of its acknowledgement.
#[derive(Clone, Copy, Debug)]
struct Group {
    first: Circuit,
    count: u16,
    kind: Kind,
    from: From,
}

impl Plan {
    /// The change made to the first copy.
    pub fn again(change: Change) -> Self {
        Self { change: Some(change), tally: Some(Tally::Repeated), ..Self::default() }
    }

    /// It passes, and is counted.
    pub fn noting(tally: Tally) -> Self {
        Self { tally: Some(tally), ..Self::default() }
    }

    /// Hands on what near sends or sees.
    pub fn show(
        &self,
        label: RoutingLabel,
        message: &Message<'_>,
        show: &mut dyn FnMut(Origin, RoutingLabel, &[u8]),
    ) {
        match self.change {
            Some(change @ (Change::Release(_) | Change::Complete)) => {
                if let Some(user) = change.apply(message.bytes()) {
                    show(Origin::Ruling, label, &user);
                }
            }
            _ if self.is_hidden => {}
            _ => show(Origin::Exchange, label, message.bytes()),
        }
    }
}

impl Rewriter {
    /// Whether an IAM waits for a verdict.
    pub(super) fn is_askable(&self, label: RoutingLabel, message: &Message<'_>) -> bool {
        if message.message_type != MessageType::INITIAL_ADDRESS {
            return false;
        }
        let Some(circuit) = Circuit::of(label, message.cic) else { return false };
        let blocked = self.circuits.get(circuit).and_then(|entry| entry.blocked);
        let is_hidden = blocked.is_some_and(|(near, block)| near != label.opc && block.is_near_busy());
        !is_hidden && self.may_be_changed(message)
    }

    /// Whether a message must not be looked at before those that its sender sent before it: a blocked call hangs on it.
    pub(super) fn needs_order(&self, label: RoutingLabel, message: &Message<'_>) -> bool {
        let Some(first) = Circuit::of(label, message.cic) else { return false };
        let is_blocked = |circuit| {
            let blocked = self.circuits.get(circuit).and_then(|entry| entry.blocked);
            blocked.is_some_and(|(_, block)| !block.is_over())
        };
        match Kind::of(message.message_type) {
            Kind::Maintenance => false,
            _ => (0..group_size(message)).any(|step| is_blocked(first.plus(step))),
        }
    }

    /// Neither an emergency call, nor one that may become one with the digits that follow, nor a test call, which keeps its meaning on a blocked circuit (Q.764 §2.8.2.1).
    fn may_be_changed(&self, message: &Message<'_>) -> bool {
        Iam::parse(message).is_ok_and(|Lax { repr: iam, .. }| {
            let called = iam.called.digits;
            let party = self.network.numbering.party_of(called, Nature::Unknown, NumberFormat::default());
            let may_become = !iam.called.ended && self.network.may_become_emergency(&called.text());
            iam.category != CATEGORY_TEST && !may_become && !self.network.is_emergency(&party)
        })
    }

    /// What to do with a message.
    pub(super) fn plan(
        &self,
        label: RoutingLabel,
        message: &Message<'_>,
        mark: Mark,
        treatment: Option<&Treatment>,
    ) -> Plan {
        let (sender, kind) = (label.opc, Kind::of(message.message_type));
        let from = From { sender, is_high: sender > label.dpc, mark };
        let Some(circuit) = Circuit::of(label, message.cic) else { return Plan::default() };
        if is_group(message) {
            let count = group_size(message);
            return Plan { group: Some(Group { first: circuit, count, kind, from }), ..Plan::default() };
        }
        let entry = self.circuits.get(circuit).unwrap_or_default();
        let is_hidden = |(near, block): (u32, Block)| near != sender && block.is_near_busy();
        if kind == Kind::Iam && !entry.blocked.is_some_and(is_hidden) {
            return self.plan_iam(IamOn { circuit, entry, from }, message, treatment);
        }
        let (next, step) = entry.after(kind, from);
        let is_far = entry.blocked.is_some_and(|(near, _)| near != sender);
        let is_abandoned =
            next.blocked.is_none() && matches!(entry.blocked, Some((_, Block { reply: Reply::Release, .. })));
        Plan {
            change: step,
            // What changes nothing does not prolong an entry's life.
            circuit: (next != entry).then_some((circuit, next)),
            tally: step.map(tally_of).or(is_abandoned.then_some(Tally::Abandoned)),
            is_hidden: is_far && step.is_some(),
            group: None,
        }
    }

    fn plan_iam(&self, on: IamOn, message: &Message<'_>, treatment: Option<&Treatment>) -> Plan {
        let may_be_changed = || self.may_be_changed(message);
        match treatment {
            Some(Treatment::Block { .. } | Treatment::Mask) if !may_be_changed() => {
                on.passes(Some(Tally::Untouchable))
            }
            Some(Treatment::Block { .. }) if on.is_late() => on.passes(Some(Tally::Late)),
            // Both called at once. The exchanges settle it (Q.764 §2.9.1.4), and whoever gives way calls again.
            Some(Treatment::Block { .. }) if on.meets_another() => on.passes(Some(Tally::DualSeizure)),
            // The other exchange discards it, and near gives the call up when the reset arrives.
            Some(Treatment::Block { .. }) if on.meets_reset() => on.passes(Some(Tally::Resetting)),
            Some(Treatment::Block { .. }) if on.is_unfit() => on.passes(Some(Tally::Abandoned)),
            Some(Treatment::Block { .. }) if on.entry == Entry::default() && !self.circuits.has_room() => {
                on.passes(Some(Tally::TableFull))
            }
            Some(Treatment::Block { q850, .. }) => {
                on.blocked(if (1..0x80).contains(q850) { *q850 } else { CALL_REJECTED })
            }
            Some(Treatment::Mask) if restrict_calling(message).is_some() => {
                Plan { change: Some(Change::Mask), ..on.passes(Some(Tally::Masked)) }
            }
            Some(Treatment::Mask) => on.passes(Some(Tally::NothingToMask)),
            Some(Treatment::Divert { .. }) => on.passes(Some(Tally::NotPossible)),
            None if may_be_changed() => on.passes(Some(Tally::Unruled)),
            Some(Treatment::Allow | Treatment::Monetise) | None => on.passes(None),
        }
    }

    /// Makes a plan true.
    pub(super) fn commit(&mut self, plan: &Plan) {
        if let Some((circuit, entry)) = plan.circuit {
            self.circuits.set(circuit, entry);
        }
        if let Some(Group { first, count, kind, from }) = plan.group {
            for circuit in (0..count).map(|step| first.plus(step)) {
                let entry = self.circuits.get(circuit).unwrap_or_default();
                self.circuits.set(circuit, entry.after(kind, from).0);
            }
        }
        if let Some(tally) = plan.tally {
            self.counts.count(tally);
        }
    }
}

impl Entry {
    /// What there is to remember after a message, and how it is changed.
    fn after(self, kind: Kind, from: From) -> (Self, Option<Change>) {
        let From { sender, mark, .. } = from;
        let (blocked, change) = match self.blocked {
            None => (None, None),
            Some((near, block)) => {
                let is_near = near == sender;
                let Step { change, next } =
                    if is_near { block.near_says(kind, mark) } else { block.far_says(kind, mark) };
                (next.map(|next| (near, next)), change)
            }
        };
        let seized = self.seized.and_then(|seized| match kind {
            // Unless it is one that near owed for a call of its own.
            Kind::ReleaseComplete if change.is_none() => None,
            Kind::Reset | Kind::Vacant => None,
            // An answer of any kind: from now on no other IAM can meet this one (Q.764 §2.9.1.2).
            Kind::Backward | Kind::Call | Kind::Release if seized.by != sender => {
                Some(Seized { is_answered: true, ..seized })
            }
            _ => Some(seized),
        });
        let follows = self.seized.is_some_and(|seized| seized.by == sender && mark.is_from(seized.mark));
        let is_early = kind == Kind::Forward && change.is_none() && !follows;
        let reset_by = match kind {
            Kind::Reset => Some(sender),
            Kind::ReleaseComplete if change.is_some() => self.reset_by,
            Kind::ReleaseComplete | Kind::ResetAck => self.reset_by.filter(|by| *by == sender),
            _ => self.reset_by,
        };
        let early = if is_early { Some(sender) } else { self.early };
        let is_of_call = matches!(
            kind,
            Kind::Backward | Kind::Call | Kind::Forward | Kind::Release | Kind::ReleaseComplete
        );
        let next = Self { blocked, seized, early, reset_by, ..self };
        (if is_of_call { next.with_latest(from) } else { next }, change)
    }

    fn with_latest(mut self, from: From) -> Self {
        if let Some(latest) = self.latest.get_mut(usize::from(from.is_high)) {
            *latest = Some(latest.filter(|latest| latest.is_from(from.mark)).unwrap_or(from.mark));
        }
        self
    }
}

/// Whose message it is.
#[derive(Clone, Copy, Debug)]
struct From {
    sender: u32,
    /// The sender has the higher point code.
    is_high: bool,
    mark: Mark,
}

/// An IAM that is not hidden, and the circuit that it finds.
#[derive(Clone, Copy)]
struct IamOn {
    circuit: Circuit,
    entry: Entry,
    from: From,
}

impl IamOn {
    /// The other exchange has an unanswered IAM under way, or has not done with one that was hidden.
    fn meets_another(&self) -> bool {
        let sender = self.from.sender;
        self.entry.seized.is_some_and(|seized| seized.by != sender && !seized.is_answered)
            || self.entry.early.is_some_and(|by| by != sender)
            || self.entry.blocked.is_some_and(|(near, block)| near != sender && !block.is_over())
    }

    fn meets_reset(&self) -> bool {
        self.entry.reset_by.is_some_and(|by| by != self.from.sender)
    }

    /// Its sender has said more about the circuit since, which has gone through already.
    fn is_late(&self) -> bool {
        let latest = self.entry.latest.get(usize::from(self.from.is_high)).copied().flatten();
        latest.is_some_and(|latest| latest.is_from(self.from.mark))
    }

    /// Near cannot have ended its former call: it has not had what it waits for.
    fn is_unfit(&self) -> bool {
        let is_near = |near| near == self.from.sender;
        self.entry.blocked.is_some_and(|(near, block)| is_near(near) && block.reply != Reply::None)
    }

    fn passes(self, tally: Option<Tally>) -> Plan {
        if self.is_late() {
            return Plan { tally, ..Plan::default() };
        }
        let From { sender, mark, .. } = self.from;
        let blocked = self.entry.blocked.filter(|_| !self.is_unfit()).map(|(near, block)| {
            (near, if near == sender { block.left_by_near(mark) } else { block.left_by_far(mark) })
        });
        // Of two that meet, the first stays the one to be met.
        let other = self.entry.seized.filter(|seized| seized.by != sender && !seized.is_answered);
        let seized = other.or(Some(Seized { by: sender, mark, is_answered: false }));
        let early = self.entry.early.filter(|by| *by != sender);
        let entry = Entry { blocked, seized, early, ..self.entry }.with_latest(self.from);
        Plan { circuit: Some((self.circuit, entry)), tally, ..Plan::default() }
    }

    fn blocked(self, cause: u8) -> Plan {
        let From { sender, mark, .. } = self.from;
        let block = match self.entry.blocked {
            Some((near, block)) if near == sender => block.renewed(cause, mark),
            _ => Block::new(cause, mark),
        };
        let blocked = Some((sender, block));
        let entry = Entry { blocked, seized: None, ..self.entry }.with_latest(self.from);
        let (change, tally) = (Some(Change::Probe), Some(Tally::Blocked));
        Plan { change, circuit: Some((self.circuit, entry)), tally, ..Plan::default() }
    }
}

const fn is_group(message: &Message<'_>) -> bool {
    matches!(message.message_type, MessageType::GROUP_RESET | MessageType::GROUP_RESET_ACK)
}

/// How many circuits a message is about, from its own on; none when it does not say what it must.
fn group_size(message: &Message<'_>) -> u16 {
    if is_group(message) { GroupReset::parse(message).map_or(0, |reset| reset.count) } else { 1 }
}

const fn tally_of(change: Change) -> Tally {
    match change {
        Change::Complete => Tally::Completed,
        Change::Filler | Change::Probe => Tally::Filled,
        Change::Mask => Tally::Masked,
        Change::Release(_) => Tally::Released,
        Change::Reset => Tally::Reset,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::base::field::Country;
    use crate::base::network::{Network, emergency_numbers};
    use crate::base::numbering::Numbering;
    use crate::inline::isup::Options;
    use crate::wire::isup::number::Number;

    #[test]
    fn a_call_that_may_become_an_emergency_call_is_not_touched() {
        let poland = Country(*b"PL");
        let network = Network {
            numbering: Numbering::new(poland).unwrap(),
            emergency: emergency_numbers(poland, &[]),
            ..Network::unknown()
        };
        let rewriter = Rewriter::new(Options::default(), Arc::new(network));
        for (digits, ended, expected) in [
            ("48601234567", false, true),
            ("601234567", true, true),
            ("112", true, false),
            ("112", false, false),
            ("11", false, false),
            ("11", true, true),
            ("4811", false, false),
            ("", false, false),
            ("60", false, true),
        ] {
            let called = Number { digits: digits.bytes().collect(), ended, ..Number::default() };
            let mut bytes = Vec::new();
            Iam { called, ..Iam::default() }.emit(7, &mut bytes);
            let message = Message::parse(&bytes).unwrap();
            assert_eq!(rewriter.may_be_changed(&message), expected, "{digits} {ended}");
        }
    }
}
