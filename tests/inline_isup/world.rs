//! Two exchanges, the association between them, and the rewriter in its path. Virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv6Addr;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tollgate::base::frame::{Envelope, Mtp, MtpPlan, RoutingLabel, UserPart};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::inline::isup::{Answered, Options, Outcome, Rewriter};
use tollgate::judge::Treatment;
use tollgate::simulate::render::{m3ua, sctp as emit};
use tollgate::wire::isup::{Message, MessageType};
use tollgate::wire::m3ua::ProtocolData;
use tollgate::wire::{m3ua as read, sctp};

use super::association::Endpoint;
use super::exchange::{Exchange, Wish, call_of};
use super::{Micros, SECOND};

const CODES: [u32; 2] = [200, 100];
const CIRCUITS: u16 = 8;

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub calls: u32,
    /// Time between two calls, at most.
    pub pause: Micros,
    /// Only the first exchange calls.
    pub only_first_calls: bool,
    /// Packets lost, and as many sent twice, on each of the four ways.
    pub loss: f64,
    /// Most delay of a packet behind another.
    pub jitter: Micros,
    /// Circuits reset and blocked by maintenance, for each call.
    pub maintenance: f64,
    /// Rulings that come too late.
    pub late: f64,
    /// When the rewriter loses its memory, once.
    pub restart_at: Option<Micros>,
    pub mtu: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            calls: 100,
            pause: SECOND / 2,
            only_first_calls: false,
            loss: 0.0,
            jitter: 0,
            maintenance: 0.0,
            late: 0.0,
            restart_at: None,
            mtu: 1500,
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Arrive {
        to: usize,
        packet: Vec<u8>,
    },
    /// At the rewriter, from this end.
    Pass {
        from: usize,
        packet: Vec<u8>,
    },
    /// The packet at the head of the line from this end has been ruled about.
    Ruled {
        from: usize,
    },
    Call {
        by: usize,
        wish: WishKey,
    },
    Maintain {
        by: usize,
    },
    Flush {
        by: usize,
    },
    Restart,
}

type WishKey = (u32, bool, bool, Micros);

pub struct World {
    pub plan: Plan,
    pub exchanges: [Exchange; 2],
    pub rewriter: Rewriter,
    pub treatments: BTreeMap<u32, Treatment>,
    pub emergencies: BTreeSet<u32>,
    /// Calls that should have been blocked and whose IAM passed.
    pub leaked: BTreeSet<u32>,
    /// Every packet that left the rewriter, with its time.
    pub trace: Vec<(Micros, Vec<u8>)>,
    /// What the decision core was told: whether by a question, the sender, and the message.
    pub told: Vec<(bool, u32, Vec<u8>)>,
    /// What the exchanges said and heard, printed when a run fails.
    log: Vec<String>,
    ends: [Endpoint; 2],
    lines: [VecDeque<Vec<u8>>; 2],
    events: BTreeMap<(Micros, u64), Event>,
    contents: BTreeMap<(usize, u32), Vec<u8>>,
    number: u64,
    now: Micros,
    network: Arc<Network>,
    rng: ChaCha8Rng,
}

impl World {
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ends = Endpoint::pair(&mut rng);
        let network = Arc::new(Network::unknown());
        let exchanges = [("first", 0), ("second", 1)].map(|(name, index)| {
            let rng = ChaCha8Rng::seed_from_u64(rng.random());
            Exchange::new(name, CODES[index] > CODES[1 - index], CIRCUITS, rng)
        });
        let mut world = Self {
            plan,
            exchanges,
            rewriter: Rewriter::new(options(plan), Arc::clone(&network)),
            treatments: BTreeMap::new(),
            emergencies: BTreeSet::new(),
            leaked: BTreeSet::new(),
            trace: Vec::new(),
            told: Vec::new(),
            log: Vec::new(),
            ends,
            lines: [VecDeque::new(), VecDeque::new()],
            events: BTreeMap::new(),
            contents: BTreeMap::new(),
            number: 0,
            now: 0,
            network,
            rng,
        };
        world.schedule();
        world
    }

    fn schedule(&mut self) {
        // So that the rewriter has seen both directions begin, as it does when an association is set up.
        for side in 0..2 {
            let [up, ack] = m3ua::asp_up();
            self.ends[side].push(0, if side == 0 { &up } else { &ack });
            self.after(0, Event::Flush { by: side });
        }
        let mut at = 10 * SECOND;
        for call in 0..self.plan.calls {
            at += self.rng.random_range(0..self.plan.pause);
            let treatment = match call % 5 {
                0 | 1 => Treatment::Allow,
                2 => Treatment::Mask,
                _ => Treatment::Block { sip: 603, q850: 21, reason: "test".into() },
            };
            let patience = match self.rng.random_range(0..4) {
                0 => self.rng.random_range(0..60_000),
                1 => self.rng.random_range(0..5 * SECOND),
                _ => 60 * SECOND,
            };
            let by = if self.plan.only_first_calls { 0 } else { self.rng.random_range(0..2) };
            let wish = (call, self.rng.random_bool(0.05), self.rng.random_bool(0.3), patience);
            self.treatments.insert(call, treatment);
            if wish.1 {
                self.emergencies.insert(call);
            }
            self.after(at, Event::Call { by, wish });
            if self.rng.random_bool(self.plan.maintenance) {
                let by = self.rng.random_range(0..2);
                let near = self.rng.random_range(0..100_000);
                self.after(at + near, Event::Maintain { by });
            }
        }
        if let Some(at) = self.plan.restart_at {
            self.after(at, Event::Restart);
        }
    }

    pub fn is_block(&self, treatment: &Treatment) -> bool {
        matches!(treatment, Treatment::Block { .. })
    }

    fn after(&mut self, span: Micros, event: Event) {
        self.number += 1;
        self.events.insert((self.now + span, self.number), event);
    }

    /// Runs until nothing is left to happen, and checks that every circuit is idle then.
    pub fn run(&mut self) {
        loop {
            let event_at = self.events.first_key_value().map(|((at, _), _)| *at);
            let timers = [
                self.exchanges[0].next_due(),
                self.exchanges[1].next_due(),
                self.ends[0].t3,
                self.ends[1].t3,
            ];
            let Some(next) = timers.into_iter().flatten().chain(event_at).min() else { break };
            assert!(
                next < 3600 * SECOND,
                "it never ends: {} / {}",
                self.exchanges[0].states(),
                self.exchanges[1].states()
            );
            self.now = self.now.max(next);
            self.exchanges.iter_mut().for_each(|exchange| exchange.set_now(self.now));
            if event_at == Some(next) {
                let (_, event) = self.events.pop_first().unwrap();
                self.happen(event);
            }
            for side in 0..2 {
                self.exchanges[side].run_due();
                if self.ends[side].t3.is_some_and(|at| at <= self.now) {
                    let packets = self.ends[side].retransmit(self.now, &mut self.rng);
                    self.send(side, packets);
                }
                self.drain(side);
            }
        }
        for (side, exchange) in self.exchanges.iter().enumerate() {
            assert!(exchange.is_idle(), "{}: {}", exchange.name, exchange.states());
            assert!(self.ends[side].is_quiet(), "{}: something was never acknowledged", exchange.name);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { to, packet } => {
                for message in self.ends[to].receive(self.now, &packet) {
                    let message = read::Message::parse(&message).unwrap();
                    if !message.is_data() {
                        continue;
                    }
                    let data = message.protocol_data(MtpPlan::default()).unwrap();
                    assert_eq!((data.label.opc, data.label.dpc), (CODES[1 - to], CODES[to]));
                    self.note("hears", to, data.user);
                    self.exchanges[to].hear(data.user);
                }
                self.after(20_000, Event::Flush { by: to });
            }
            Event::Pass { from, packet } => {
                self.lines[from].push_back(packet);
                if self.lines[from].len() == 1 {
                    self.look(from);
                }
            }
            Event::Ruled { from } => {
                self.pass_on(from, true);
                if !self.lines[from].is_empty() {
                    self.look(from);
                }
            }
            Event::Call { by, wish: (call, is_emergency, sends_more, patience) } => {
                self.exchanges[by].call(Wish { call, is_emergency, sends_more, patience });
            }
            Event::Maintain { by } => {
                let cic = self.rng.random_range(0..CIRCUITS);
                match self.rng.random_range(0..3) {
                    0 => self.exchanges[by].reset(cic, 1),
                    1 => self.exchanges[by].reset(cic, 3),
                    _ => self.exchanges[by].block(cic),
                }
            }
            Event::Flush { by } => {
                let packets = self.ends[by].flush(self.now, &mut self.rng);
                self.send(by, packets);
            }
            Event::Restart => self.rewriter = Rewriter::new(options(self.plan), Arc::clone(&self.network)),
        }
    }

    fn note(&mut self, does: &str, side: usize, isup: &[u8]) {
        let message = Message::parse(isup).unwrap();
        let (at, name) = (self.now, self.exchanges[side].name);
        self.log.push(format!("{:4} {at:10} {name} {does} {}", message.cic, message.message_type));
    }

    /// Hands what the exchange says to its end of the association.
    fn drain(&mut self, side: usize) {
        for wish in std::mem::take(&mut self.exchanges[side].again) {
            let wish = (wish.call, wish.is_emergency, wish.sends_more, wish.patience);
            self.after(1_000, Event::Call { by: side, wish });
        }
        let said = std::mem::take(&mut self.exchanges[side].outbox);
        if said.is_empty() {
            return;
        }
        for (cic, isup) in said {
            self.note("says", side, &isup);
            // A group reset must not overtake the calls that it ends, as it could in a stream of its own.
            let sls = if self.plan.maintenance > 0.0 { 1 } else { (cic % 4) as u8 };
            let label = RoutingLabel {
                standard: Mtp::Itu,
                opc: CODES[side],
                dpc: CODES[1 - side],
                network_indicator: 2,
                sls,
            };
            self.ends[side].push(1 + u16::from(sls), &m3ua::data(label, &isup));
        }
        let soon = self.rng.random_range(0..3_000);
        self.after(soon, Event::Flush { by: side });
    }

    fn send(&mut self, from: usize, packets: Vec<Vec<u8>>) {
        for packet in packets {
            self.travel(|packet| Event::Pass { from, packet }, packet);
        }
    }

    fn travel(&mut self, event: impl Fn(Vec<u8>) -> Event, packet: Vec<u8>) {
        let times = match self.rng.random::<f64>() {
            draw if draw < self.plan.loss => 0,
            draw if draw < 2.0 * self.plan.loss => 2,
            _ => 1,
        };
        for _ in 0..times {
            let delay =
                4_000 + if self.plan.jitter > 0 { self.rng.random_range(0..self.plan.jitter) } else { 0 };
            self.after(delay, event(packet.clone()));
        }
    }

    /// Asks about the packet at the head of a line, and lets those pass that need no answer.
    fn look(&mut self, from: usize) {
        while let Some(packet) = self.lines[from].front().cloned() {
            let at = At::from_nanos(self.now * 1_000);
            let questions = self.rewriter.questions(at, &packet);
            if !questions.is_empty() {
                for question in &questions {
                    let Envelope::Isup { label, part: UserPart::Isup } = question.pdu.envelope else {
                        panic!("not ISUP")
                    };
                    self.told.push((true, label.opc, question.pdu.bytes.to_vec()));
                }
                let pause = self.rng.random_range(0..50_000);
                self.after(pause, Event::Ruled { from });
                return;
            }
            self.pass_on(from, false);
        }
    }

    fn pass_on(&mut self, from: usize, is_ruled: bool) {
        let packet = self.lines[from].pop_front().unwrap();
        let at = At::from_nanos(self.now * 1_000);
        let mut rulings = Vec::new();
        for (tsn, isup) in iams(&packet) {
            let call = call_of(&Message::parse(&isup).unwrap());
            if is_ruled && !self.rng.random_bool(self.plan.late) {
                rulings.push(Answered { tsn, treatment: self.treatments[&call].clone() });
            }
        }
        let told = &mut self.told;
        let outcome = self.rewriter.handle(at, &packet, &rulings, |_, pdu| {
            let Envelope::Isup { label, part: UserPart::Isup } = pdu.envelope else { panic!("not ISUP") };
            told.push((false, label.opc, pdu.bytes.to_vec()));
        });
        let passed = match outcome {
            Outcome::Accept => packet.clone(),
            Outcome::Drop => return,
            Outcome::Replace(other) => {
                assert!(other.len() <= self.plan.mtu.max(packet.len()));
                other
            }
        };
        self.check(from, &packet, &passed);
        self.trace.push((self.now, passed.clone()));
        self.travel(|packet| Event::Arrive { to: 1 - from, packet }, passed);
    }

    /// Checksums and lengths are right, and no sequence number carries what it did not carry before.
    fn check(&mut self, from: usize, before: &[u8], after: &[u8]) {
        let header = if after[0] >> 4 == 4 { 20 } else { 40 };
        assert_eq!(after.len(), stated_length(after));
        if header == 20 {
            let again = ipv4((after[15], after[19]), after[14], &after[20..]);
            assert_eq!(after[..20], again[..20]);
        }
        let (ports, tag) =
            ((2905, 2905), u32::from_be_bytes(after[header + 4..header + 8].try_into().unwrap()));
        assert_eq!(after[header..], emit::packet(ports, tag, &after[header + 12..]), "CRC32c");
        for (tsn, chunk) in chunks(after) {
            let first = self.contents.entry((from, tsn)).or_insert_with(|| chunk.clone());
            assert_eq!(*first, chunk, "sequence number {tsn} carries two contents");
        }
        for ((tsn, before), (_, after)) in chunks(before).iter().zip(chunks(after)) {
            // The circuit lies behind the headers of chunk, M3UA, routing context and protocol data.
            if let (Some(was), Some(is)) = (before.get(48..51), after.get(48..51)) {
                let [was, is] = [was, is].map(|bytes| Message::parse(bytes).unwrap());
                let (at, name) = (self.now, self.exchanges[from].name);
                let became = format!("passes {name} {tsn} {} > {}", was.message_type, is.message_type);
                self.log.push(format!("{:4} {at:10} {became}", was.cic));
            }
        }
        let passed: BTreeSet<u32> = iams(after).into_iter().map(|(tsn, _)| tsn).collect();
        for (tsn, isup) in iams(before) {
            let call = call_of(&Message::parse(&isup).unwrap());
            if passed.contains(&tsn) && self.is_block(&self.treatments[&call]) {
                self.leaked.insert(call);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let circuit = self.log.last().map(|line| line[..4].to_owned()).unwrap_or_default();
            let lines = self.log.iter().filter(|line| line.starts_with(&circuit) || line.contains("GR"));
            let lines: Vec<_> = lines.map(String::as_str).collect();
            println!("{}", lines[lines.len().saturating_sub(70)..].join("\n"));
        }
    }
}

fn options(plan: Plan) -> Options {
    Options { mtu: plan.mtu, ..Options::default() }
}

/// Sequence numbers and whole chunks of a packet.
pub fn chunks(packet: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let header = if packet[0] >> 4 == 4 { 20 } else { 40 };
    let mut rest = &packet[header + 12..];
    let mut found = Vec::new();
    while let [kind, _, l0, l1, ..] = *rest {
        let (chunk, tail) = rest.split_at(usize::from(u16::from_be_bytes([l0, l1])).next_multiple_of(4));
        if kind == 0 {
            found.push((u32::from_be_bytes(chunk[4..8].try_into().unwrap()), chunk.to_vec()));
        }
        rest = tail;
    }
    found
}

fn iams(packet: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let header = if packet[0] >> 4 == 4 { 20 } else { 40 };
    let (_, chunks) = sctp::Header::parse(&packet[header..]).unwrap();
    let mut found = Vec::new();
    for chunk in chunks.map(Result::unwrap).filter(|chunk| chunk.kind == sctp::DATA) {
        let data = sctp::Data::parse(chunk).unwrap();
        let Ok(ProtocolData { user, .. }) =
            read::Message::parse(data.payload).unwrap().protocol_data(MtpPlan::default())
        else {
            continue;
        };
        if Message::parse(user).unwrap().message_type == MessageType::INITIAL_ADDRESS {
            found.push((data.tsn, user.to_vec()));
        }
    }
    found
}

fn stated_length(packet: &[u8]) -> usize {
    if packet[0] >> 4 == 4 {
        usize::from(u16::from_be_bytes([packet[2], packet[3]]))
    } else {
        40 + usize::from(u16::from_be_bytes([packet[4], packet[5]]))
    }
}

/// An IPv4 packet of SCTP between two hosts, on one of their paths.
pub fn ipv4((src, dst): (u8, u8), path: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    let mut packet =
        vec![0x45, 0, high, low, 0, 0, 0x40, 0, 62, 132, 0, 0, 10, 0, path, src, 10, 0, path, dst];
    let sum: u32 = packet.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let sum = !((sum & 0xFFFF) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(payload);
    packet
}

/// The same in IPv6.
pub fn ipv6((src, dst): (u8, u8), path: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, high, low, 132, 62];
    for host in [src, dst] {
        packet.extend(Ipv6Addr::new(0xfd00, 0, 0, u16::from(path), 0, 0, 0, u16::from(host)).octets());
    }
    packet.extend(payload);
    packet
}
