//! An exchange: what ITU-T Q.764 §2.1 to §2.3, §2.8 and §2.9 make of each message on each circuit. Panics on what they
//! call unexpected and do not have discarded or answered.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tollgate::wire::isup::iam::Iam;
use tollgate::wire::isup::number::{NatureOfAddress, Number, PLAN_E164};
use tollgate::wire::isup::parameter::Parameter;
use tollgate::wire::isup::release::{CODING_ITU, Cause, LOCATION_USER, Release};
use tollgate::wire::isup::reset::GroupReset;
use tollgate::wire::isup::{Message, MessageType, emit_bare, emit_header};

use super::{Micros, SECOND};

/// Timers, Q.764 annex A.
const T1: Micros = 20 * SECOND;
const T7: Micros = 25 * SECOND;
const T16: Micros = 20 * SECOND;
const SUBSEQUENT: MessageType = MessageType(0x02);
const CONTINUITY: MessageType = MessageType(0x05);
const BLA: MessageType = MessageType::BLOCKING_ACK;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Sent an IAM, has had no backward message.
    Calling {
        call: u32,
        met: bool,
    },
    /// Has had an ACM.
    Proceeding {
        call: u32,
    },
    Talking {
        call: u32,
    },
    /// Had an IAM, has sent nothing back.
    Called {
        call: u32,
    },
    Alerting {
        call: u32,
    },
    Answered {
        call: u32,
    },
    /// Has had a REL; the path is not free yet.
    Freeing,
    /// Sent a REL; `met` when its IAM had no answer, and may still meet another.
    Releasing {
        met: bool,
    },
    /// Sent an RSC, which an RLC answers, or a GRS, which a GRA does.
    Resetting {
        group: bool,
    },
}

/// What is due on a circuit: only the latest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Alert,
    Answer,
    HangUp,
    Free,
    T1,
    T7,
    T16,
}

/// A call to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub call: u32,
    pub is_emergency: bool,
    pub sends_more: bool,
    /// After how long the caller gives up.
    pub patience: Micros,
}

/// How a call ended for the exchange that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Released by the other side with this cause, so long after its IAM.
    Released(u8, Micros),
    /// Released by this side.
    GivenUp,
    /// T7 ran out.
    Unanswered,
    /// A reset took it.
    Reset,
    NoCircuit,
}

pub struct Exchange {
    pub name: &'static str,
    is_higher: bool,
    states: Vec<State>,
    due: BTreeMap<(Micros, u16), (Due, u64)>,
    stamps: Vec<u64>,
    wishes: BTreeMap<u32, (Wish, Micros)>,
    waits_for_bla: Vec<bool>,
    pub outbox: Vec<(u16, Vec<u8>)>,
    pub again: Vec<Wish>,
    pub sent: BTreeMap<u32, Vec<Vec<u8>>>,
    pub rang: BTreeMap<u32, Vec<Vec<u8>>>,
    pub endings: BTreeMap<u32, Ending>,
    pub repeated: u32,
    /// What comes before the number of a call in that of its caller.
    pub caller: fn(u32) -> &'static str,
    /// What is not expected ends the test.
    pub is_strict: bool,
    rng: ChaCha8Rng,
    now: Micros,
}

impl Exchange {
    pub fn new(name: &'static str, is_higher: bool, circuits: u16, rng: ChaCha8Rng) -> Self {
        let count = usize::from(circuits);
        Self {
            name,
            is_higher,
            states: vec![State::Idle; count],
            due: BTreeMap::new(),
            stamps: vec![0; count],
            wishes: BTreeMap::new(),
            waits_for_bla: vec![false; count],
            outbox: Vec::new(),
            again: Vec::new(),
            sent: BTreeMap::new(),
            rang: BTreeMap::new(),
            endings: BTreeMap::new(),
            repeated: 0,
            caller: |_| "4400000",
            is_strict: true,
            rng,
            now: 0,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.states.iter().all(|state| *state == State::Idle) && self.again.is_empty()
    }

    pub fn states(&self) -> String {
        let busy =
            |(cic, state): (usize, &State)| (*state != State::Idle).then(|| format!("{cic}: {state:?}"));
        self.states.iter().enumerate().filter_map(busy).collect::<Vec<_>>().join(", ")
    }

    pub fn next_due(&self) -> Option<Micros> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn set_now(&mut self, now: Micros) {
        self.now = now;
    }

    fn say(&mut self, cic: u16, message_type: MessageType) {
        let mut bytes = Vec::new();
        match message_type {
            MessageType::ADDRESS_COMPLETE => {
                emit_header(u32::from(cic), message_type, &mut bytes);
                bytes.extend([0x16, 0x04, 0]);
            }
            SUBSEQUENT => {
                emit_header(u32::from(cic), message_type, &mut bytes);
                bytes.extend([2, 0, 3, 0, 0x21, 0x43]);
            }
            CONTINUITY => {
                emit_header(u32::from(cic), message_type, &mut bytes);
                bytes.push(1);
            }
            _ => emit_bare(u32::from(cic), message_type, &mut bytes),
        }
        self.outbox.push((cic, bytes));
    }

    fn release(&mut self, cic: u16, value: u8) {
        let mut bytes = Vec::new();
        let cause = Cause { coding: CODING_ITU, location: LOCATION_USER, value };
        Release { cause }.emit(u32::from(cic), &mut bytes);
        self.outbox.push((cic, bytes));
        let met =
            matches!(self.states[usize::from(cic)], State::Calling { .. } | State::Releasing { met: true });
        self.enter(cic, State::Releasing { met }, Some((Due::T1, T1)));
    }

    fn enter(&mut self, cic: u16, state: State, due: Option<(Due, Micros)>) {
        self.states[usize::from(cic)] = state;
        let stamp = &mut self.stamps[usize::from(cic)];
        *stamp += 1;
        if let Some((due, after)) = due {
            let mut at = self.now + after;
            while self.due.contains_key(&(at, cic)) {
                at += 1;
            }
            self.due.insert((at, cic), (due, *stamp));
        }
    }

    /// Sets a call up on a circuit that looks idle.
    pub fn call(&mut self, wish: Wish) {
        let idle: Vec<u16> = (0_u16..)
            .zip(&self.states)
            .filter(|(cic, state)| **state == State::Idle && !self.waits_for_bla[usize::from(*cic)])
            .map(|(cic, _)| cic)
            .collect();
        if idle.is_empty() {
            self.endings.insert(wish.call, Ending::NoCircuit);
            return;
        }
        let cic = idle[self.rng.random_range(0..idle.len())];
        let bytes = initial_address(cic, &wish, (self.caller)(wish.call));
        self.sent.entry(wish.call).or_default().push(bytes.clone());
        self.outbox.push((cic, bytes));
        self.wishes.insert(wish.call, (wish, self.now));
        let due = if wish.patience < T7 { (Due::HangUp, wish.patience) } else { (Due::T7, T7) };
        self.enter(cic, State::Calling { call: wish.call, met: false }, Some(due));
        if wish.sends_more {
            self.say(cic, SUBSEQUENT);
            self.say(cic, CONTINUITY);
        }
    }

    /// Maintenance resets a circuit, or some.
    pub fn reset(&mut self, cic: u16, count: u16) {
        let count = count.min(self.states.len() as u16 - cic);
        // Where an RLC is awaited already, nobody could tell whose it is, with or without us.
        let waits = |cic: u16| {
            matches!(self.states[usize::from(cic)], State::Resetting { .. } | State::Releasing { .. })
        };
        if (cic..cic + count).any(waits) {
            return;
        }
        for cic in cic..cic + count {
            if self.states[usize::from(cic)] == State::Freeing {
                self.say(cic, MessageType::RELEASE_COMPLETE);
            }
        }
        if count > 1 {
            let mut bytes = Vec::new();
            GroupReset { count }.emit(u32::from(cic), &mut bytes);
            self.outbox.push((cic, bytes));
        } else {
            self.say(cic, MessageType::RESET_CIRCUIT);
        }
        for cic in cic..cic + count {
            self.lose(cic, Ending::Reset);
            self.enter(cic, State::Resetting { group: count > 1 }, Some((Due::T16, T16)));
        }
    }

    /// Maintenance blocks a circuit for a moment.
    pub fn block(&mut self, cic: u16) {
        if !self.waits_for_bla[usize::from(cic)] {
            self.waits_for_bla[usize::from(cic)] = true;
            self.say(cic, MessageType::BLOCKING);
        }
    }

    /// The call that this exchange made on the circuit has ended.
    fn lose(&mut self, cic: u16, ending: Ending) {
        if let State::Calling { call, .. } | State::Proceeding { call } | State::Talking { call } =
            self.states[usize::from(cic)]
        {
            self.endings.insert(call, ending);
        }
    }

    /// The call goes to another circuit (Q.764 §2.8.1).
    fn repeat(&mut self, call: u32) {
        self.repeated += 1;
        self.again.push(self.wishes[&call].0);
    }

    pub fn run_due(&mut self) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let ((_, cic), (due, stamp)) = entry.remove_entry();
            if stamp == self.stamps[usize::from(cic)] {
                self.fire(cic, due);
            }
        }
    }

    fn fire(&mut self, cic: u16, due: Due) {
        match (due, self.states[usize::from(cic)]) {
            (Due::Alert, State::Called { call }) => {
                if self.rng.random_bool(0.2) {
                    return self.release(cic, 17);
                }
                self.say(cic, MessageType::ADDRESS_COMPLETE);
                let after = self.rng.random_range(SECOND..5 * SECOND);
                self.enter(cic, State::Alerting { call }, Some((Due::Answer, after)));
            }
            (Due::Answer, State::Alerting { call }) => {
                self.say(cic, MessageType::ANSWER);
                let after = self.rng.random_range(SECOND..10 * SECOND);
                self.enter(cic, State::Answered { call }, Some((Due::HangUp, after)));
            }
            (Due::HangUp, _) => {
                self.lose(cic, Ending::GivenUp);
                self.release(cic, 16);
            }
            (Due::T7, State::Calling { .. }) => {
                self.lose(cic, Ending::Unanswered);
                self.release(cic, 102);
            }
            (Due::Free, State::Freeing) => {
                self.say(cic, MessageType::RELEASE_COMPLETE);
                self.enter(cic, State::Idle, None);
            }
            (Due::T1, State::Releasing { .. }) => self.release(cic, 16),
            (Due::T16, State::Resetting { .. }) => {
                self.say(cic, MessageType::RESET_CIRCUIT);
                self.enter(cic, State::Resetting { group: false }, Some((Due::T16, T16)));
            }
            (due, state) => panic!("{} circuit {cic}: {due:?} in {state:?}", self.name),
        }
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        let cic = u16::try_from(message.cic).unwrap();
        let state = self.states[usize::from(cic)];
        match message.message_type {
            MessageType::UNBLOCKING => self.say(cic, MessageType::UNBLOCKING_ACK),
            // Discarded: never asked for (Q.764 §2.8.2.3).
            MessageType::UNBLOCKING_ACK => {}
            MessageType::BLOCKING => {
                self.say(cic, BLA);
                if let State::Calling { call, .. } = state {
                    self.repeat(call);
                    self.release(cic, 31);
                }
            }
            BLA => {
                assert!(self.waits_for_bla[usize::from(cic)], "{}: BLA", self.name);
                self.waits_for_bla[usize::from(cic)] = false;
                self.say(cic, MessageType::UNBLOCKING);
            }
            MessageType::RESET_CIRCUIT => {
                self.be_reset(cic);
                self.say(cic, MessageType::RELEASE_COMPLETE);
            }
            MessageType::GROUP_RESET => {
                let reset = GroupReset::parse(&message).unwrap();
                (cic..cic + reset.count).for_each(|cic| self.be_reset(cic));
                let mut ack = Vec::new();
                reset.emit_ack(u32::from(cic), &mut ack);
                self.outbox.push((cic, ack));
            }
            MessageType::GROUP_RESET_ACK => {
                let [_, _, _, _, _, range, ..] = *bytes else { panic!("GRA") };
                for cic in cic..=cic + u16::from(range) {
                    if self.states[usize::from(cic)] == (State::Resetting { group: true }) {
                        self.enter(cic, State::Idle, None);
                    }
                }
            }
            kind => self.hear_call(cic, kind, state, &message),
        }
    }

    fn be_reset(&mut self, cic: u16) {
        match self.states[usize::from(cic)] {
            State::Calling { call, .. } => self.repeat(call),
            State::Releasing { .. } | State::Resetting { .. } => return,
            State::Freeing => self.say(cic, MessageType::RELEASE_COMPLETE),
            _ => self.lose(cic, Ending::Reset),
        }
        self.enter(cic, State::Idle, None);
    }

    fn hear_call(&mut self, cic: u16, kind: MessageType, state: State, message: &Message<'_>) {
        match (kind, state) {
            (MessageType::INITIAL_ADDRESS, State::Idle) => self.be_called(cic, message),
            // Dual seizure, §2.9.1.4: the higher point code controls the even circuits.
            (MessageType::INITIAL_ADDRESS, State::Calling { call, .. }) => {
                if self.is_higher == cic.is_multiple_of(2) {
                    self.states[usize::from(cic)] = State::Calling { call, met: true };
                } else {
                    self.repeat(call);
                    self.be_called(cic, message);
                }
            }
            (MessageType::RELEASE, State::Idle) => self.say(cic, MessageType::RELEASE_COMPLETE),
            // They cross: §2.3.1 e.
            (MessageType::RELEASE, State::Releasing { .. } | State::Resetting { .. } | State::Freeing) => {
                self.say(cic, MessageType::RELEASE_COMPLETE);
            }
            (MessageType::RELEASE, _) => {
                let cause = Release::parse(message).unwrap().cause.value;
                if let State::Calling { call, .. } | State::Proceeding { call } | State::Talking { call } =
                    state
                {
                    let since = self.now - self.wishes[&call].1;
                    self.endings.insert(call, Ending::Released(cause, since));
                }
                let after = self.rng.random_range(0..30_000);
                self.enter(cic, State::Freeing, Some((Due::Free, after)));
            }
            (MessageType::RELEASE_COMPLETE, State::Idle) => {}
            // It answers a REL that the reset has overtaken.
            (MessageType::RELEASE_COMPLETE, State::Resetting { group: true }) => {}
            (MessageType::RELEASE_COMPLETE, State::Releasing { .. } | State::Resetting { .. }) => {
                self.enter(cic, State::Idle, None);
            }
            (MessageType::ADDRESS_COMPLETE, State::Calling { call, .. }) => {
                let patience = self.wishes[&call].0.patience;
                self.enter(cic, State::Proceeding { call }, Some((Due::HangUp, patience)));
            }
            (MessageType::ANSWER, State::Proceeding { call }) => {
                let after = self.rng.random_range(SECOND..10 * SECOND);
                self.enter(cic, State::Talking { call }, Some((Due::HangUp, after)));
            }
            (
                SUBSEQUENT | CONTINUITY,
                State::Called { .. } | State::Alerting { .. } | State::Answered { .. },
            ) => {}
            // They belong to an IAM that was discarded.
            (SUBSEQUENT | CONTINUITY, State::Calling { met: true, .. }) => {}
            // Too late, and discarded.
            (
                MessageType::INITIAL_ADDRESS
                | MessageType::ADDRESS_COMPLETE
                | MessageType::ANSWER
                | SUBSEQUENT
                | CONTINUITY,
                State::Resetting { .. },
            )
            | (
                MessageType::ADDRESS_COMPLETE | MessageType::ANSWER | SUBSEQUENT | CONTINUITY,
                State::Releasing { .. } | State::Freeing,
            )
            | (MessageType::INITIAL_ADDRESS, State::Releasing { met: true }) => {}
            (kind, state) if !self.is_strict => self.hear_unexpected(cic, kind, state),
            (kind, state) => {
                panic!("{} at {}: {kind} on circuit {cic} in {state:?}", self.name, self.now)
            }
        }
    }

    /// Q.764 §2.9.5.1.
    fn hear_unexpected(&mut self, cic: u16, kind: MessageType, state: State) {
        match (kind, state) {
            (MessageType::RELEASE_COMPLETE, _) => {
                self.lose(cic, Ending::Reset);
                self.release(cic, 111);
            }
            (_, State::Idle) => self.reset(cic, 1),
            (_, State::Calling { call, .. }) => {
                self.repeat(call);
                self.say(cic, MessageType::RESET_CIRCUIT);
                self.enter(cic, State::Resetting { group: false }, Some((Due::T16, T16)));
            }
            _ => {}
        }
    }

    fn be_called(&mut self, cic: u16, message: &Message<'_>) {
        let call = call_of(message);
        self.rang.entry(call).or_default().push(message.bytes().to_vec());
        let after = self.rng.random_range(5_000..200_000);
        self.enter(cic, State::Called { call }, Some((Due::Alert, after)));
    }
}

/// The IAM of a call: its number is the end of the calling digits.
fn initial_address(cic: u16, wish: &Wish, caller: &str) -> Vec<u8> {
    let number = |digits: &str| Number {
        nature: NatureOfAddress::INTERNATIONAL,
        plan: PLAN_E164,
        digits: digits.bytes().collect(),
        ..Number::default()
    };
    let mut bytes = Vec::new();
    Iam {
        forward_call: [0x20, 1],
        category: 0x0A,
        transmission_medium: 3,
        called: if wish.is_emergency { number("112") } else { number("48601234567") },
        calling: Some(number(&format!("{caller}{:03}", wish.call))),
        ..Iam::default()
    }
    .emit(u32::from(cic), &mut bytes);
    bytes.pop();
    let shown = [&[6][..], &number("447700900123").content()].concat();
    Parameter::emit(0xC0, &shown, &mut bytes);
    Parameter::emit_end(&mut bytes);
    bytes
}

/// The number of a call.
pub fn call_of(message: &Message<'_>) -> u32 {
    let calling = Iam::parse(message).unwrap().repr.calling.unwrap();
    calling.digits.to_string()[calling.digits.len() - 3..].parse().unwrap()
}
