//! One attempt as the messages of its call.

use std::net::Ipv4Addr;

use rand::RngExt;

use crate::simulate::attempt::{Attempt, End};
use crate::simulate::border::{Bearer, OWN_SIP};
use crate::simulate::draw::{Rng, below, chance};
use crate::simulate::render::isup;
use crate::simulate::render::sip;
use crate::simulate::render::sip_text::Identity;
use crate::simulate::render::style::{IsupStyle, SipStyle};
use crate::simulate::render::{Micros, association, micros};
use crate::simulate::traffic::Traffic;
use crate::simulate::traffic::plan::What;
use crate::wire::isup::reset::GroupReset;

/// From GRS to GRA.
const RESET_ACK_AFTER: Micros = 30_000;
/// Styles from here on are those of trunks' own border controllers.
const BORDER_STYLES: u16 = 0x8000;

impl Traffic {
    /// Plans the messages of a call by SIP; gives its key.
    pub(super) fn play_sip(&mut self, attempt: &Attempt) -> Option<String> {
        let Bearer::Sip { elements, transport } = &self.bearers[usize::from(attempt.trunk.0)] else {
            return None;
        };
        let transport = *transport;
        let far = pair(elements, &mut self.rng)?;
        let own = pair(&OWN_SIP, &mut self.rng)?;
        let (caller, (callee, second)) = if attempt.is_outbound { (own.0, far) } else { (far.0, own) };
        let style = SipStyle::of(equipment(attempt));
        let identity = identity(equipment(attempt), caller, &mut self.rng);
        let call_id = identity.call_id.clone();
        let course = sip::Course { between: (caller, callee), second, transport, style: &style };
        let mut sent = std::mem::take(&mut self.sip);
        sip::play(attempt, &course, identity, &mut sent);
        for message in sent.drain(..) {
            self.plan.push(message.at, What::Sip(transport, message));
        }
        self.sip = sent;
        Some(call_id)
    }

    /// Plans the messages of a call by ISUP; gives its key, unless no circuit is free.
    pub(super) fn play_isup(&mut self, attempt: &Attempt) -> Option<String> {
        let exchange = self.exchanges[usize::from(attempt.trunk.0)].as_mut()?;
        let cic = exchange.circuits.seize(attempt)?;
        let link = exchange.link;
        let course = isup::Course {
            link: &link,
            cic,
            style: &IsupStyle::of(equipment(attempt)),
            alerts_in_acm: chance(&mut self.rng, 0.6),
            complete_after: 10_000 + below(&mut self.rng, 30_000),
        };
        let mut sent = std::mem::take(&mut self.isup);
        isup::play(attempt, &course, &mut sent);
        if let End::Silent { .. } = attempt.end {
            sent.extend(group_reset(attempt, cic));
        }
        for message in sent.drain(..) {
            self.plan.push(message.at, What::Isup(attempt.trunk, message));
        }
        self.isup = sent;
        let (opc, dpc) = match attempt.is_outbound {
            true => (link.own_code, link.far_code),
            false => (link.far_code, link.own_code),
        };
        Some(format!("{opc}-{dpc}-{cic}"))
    }
}

/// Style of the equipment that sends a call, or of its trunk's border controller.
const fn equipment(attempt: &Attempt) -> u16 {
    match attempt.equipment {
        0 => BORDER_STYLES.saturating_add(attempt.trunk.0),
        equipment => equipment,
    }
}

/// One element, and another one where there are several; `None` of none.
fn pair(elements: &[Ipv4Addr], rng: &mut Rng) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let first = below(rng, elements.len() as u64) as usize;
    let second = (first + 1) % elements.len().max(1);
    Some((*elements.get(first)?, *elements.get(second)?))
}

/// Call-ID, tags and branch in the manner of the equipment. Random values of 64 bits never meet.
fn identity(equipment: u16, caller: Ipv4Addr, rng: &mut Rng) -> Identity {
    let (token, tags, branch) = (rng.random::<u64>(), rng.random::<u64>(), rng.random::<u64>());
    let call_id = match equipment % 4 {
        0 => format!("{token:016x}@{caller}"),
        1 => format!("{token:016X}{:08X}", branch as u32),
        2 => format!("{:08x}-{:04x}-{:04x}", token >> 32, token >> 16 & 0xFFFF, token & 0xFFFF),
        _ => format!("{token}_{}@{caller}", tags as u16),
    };
    let (from_tag, to_tag) = match equipment % 3 {
        0 => (format!("{:08x}", tags >> 32), format!("{:08x}", tags as u32)),
        1 => (format!("as{:08x}", tags >> 32), format!("{:08x}", tags as u32)),
        _ => (format!("{}", tags >> 32), format!("{:08x}", tags as u32)),
    };
    Identity { call_id, from_tag, to_tag, branch: format!("z9hG4bK{branch:016x}") }
}

/// The called exchange frees the circuit of a call of which nothing more is said (Q.764 §2.9.3.2).
fn group_reset(attempt: &Attempt, cic: u16) -> [association::Sent; 2] {
    let (called, calling) = match attempt.is_outbound {
        true => (association::End::Far, association::End::Own),
        false => (association::End::Own, association::End::Far),
    };
    let group = GroupReset { count: 1 };
    let (mut reset, mut ack) = (Vec::new(), Vec::new());
    group.emit(u32::from(cic), &mut reset);
    group.emit_ack(u32::from(cic), &mut ack);
    let at = micros(attempt.end_at());
    [
        association::Sent { at, from: called, bytes: reset },
        association::Sent { at: at + RESET_ACK_AFTER, from: calling, bytes: ack },
    ]
}
