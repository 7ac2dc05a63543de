//! A scenario as frames in order of time, with the truth about every call; as much at once as is under way.

mod outbox;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use rand::RngExt;

use crate::base::frame::Frame;
use crate::base::time::At;
use crate::simulate::attempt::{Attempt, End, TrunkId, Truth};
use crate::simulate::border::{self, Bearer, OWN_SIP};
use crate::simulate::draw::{Rng, below, chance};
use crate::simulate::placed::Finding;
use crate::simulate::render::association::{self, Association, LEAD, Link};
use crate::simulate::render::isup::{self, Circuits};
use crate::simulate::render::sip;
use crate::simulate::render::sip_text::Identity;
use crate::simulate::render::style::{IsupStyle, SipStyle};
use crate::simulate::render::tcp::{ConnectionId, Connections, Peer};
use crate::simulate::render::{Micros, micros};
use crate::simulate::scenario::Scenario;
use crate::simulate::source::{Merge, Source};
use crate::simulate::world::World;
use crate::wire::isup::MessageType;
use crate::wire::isup::reset::GroupReset;

use outbox::Outbox;

/// How long a receiver of TCP waits before it acknowledges.
const TCP_ACK_AFTER: Micros = 1_000;
/// From GRS to GRA.
const RESET_ACK_AFTER: Micros = 30_000;
/// Styles from here on are those of trunks' own border controllers.
const BORDER_STYLES: u16 = 0x8000;

/// What a call is in truth: a line of `truth.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueCall {
    /// As in `calls.jsonl`: Call-ID, or point codes and circuit.
    pub call_key: String,
    /// When it was set up, to the microsecond: the time of its first frame.
    pub setup_at: At,
    /// Trunk.
    pub trunk: TrunkId,
    /// What it is.
    pub truth: Truth,
}

impl TrueCall {
    /// First line of `truth.csv`, with its newline.
    pub const HEADER: &'static str = "call_key,kind,label,route,setup_at,family,campaign,position\n";

    /// Its line of `truth.csv`, with its newline.
    #[must_use]
    pub fn row(&self, world: &World) -> String {
        let Self { call_key, setup_at, trunk, truth } = self;
        let route = &world.trunk(*trunk).name;
        let Truth { label, kind, family, campaign, position } = truth;
        format!("{call_key},{kind},{label},{route},{setup_at},{family},{campaign},{position}\n")
    }
}

/// A scenario being played.
pub struct Traffic {
    world: Arc<World>,
    /// Beginnings of home numbers that may come in from abroad.
    exempt: Vec<String>,
    source: Merge,
    head: Option<Attempt>,
    bearers: Vec<Bearer>,
    exchanges: Vec<Option<Exchange>>,
    connections: Connections,
    due: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// Entries of `due` that are no ticks.
    messages: usize,
    now: Micros,
    outbox: Outbox,
    truths: VecDeque<TrueCall>,
    rng: Rng,
    lost: u64,
    // Reused for the messages of one call.
    sip: Vec<sip::Sent>,
    isup: Vec<association::Sent>,
}

/// The association of an ISUP trunk, and its circuits.
struct Exchange {
    link: Link,
    association: Association,
    circuits: Circuits,
    /// When the next tick is due.
    tick_at: Micros,
}

/// Something that happens at a moment, in the order in which it was planned.
struct Due {
    at: Micros,
    order: u64,
    what: What,
}

enum What {
    Isup(TrunkId, association::Sent),
    Sip(&'static str, sip::Sent),
    TcpAck(ConnectionId, Peer),
    Tick(TrunkId),
}

impl Traffic {
    /// Plays a scenario with this seed.
    ///
    /// # Errors
    /// What the scenario asks for and cannot have.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, Finding> {
        let world = Arc::new(World::new(scenario, seed)?);
        let sources = scenario.sources(&world)?;
        let populations = scenario.populations.iter().enumerate();
        let exempt = populations.flat_map(|(index, spec)| spec.get_ref().exempt(&world, index)).collect();
        let traffic = Self::of(world, sources).map_err(|message| Finding { span: 0..0, message })?;
        Ok(Self { exempt, ..traffic })
    }

    /// Plays these sources in this world.
    ///
    /// # Errors
    /// When the trunks have more elements than there are addresses.
    pub fn of(world: Arc<World>, sources: Vec<Box<dyn Source>>) -> Result<Self, String> {
        let bearers = border::lay_out(&world)?;
        let mut source = Merge::new(sources);
        let exchange = |(trunk, bearer): (usize, &Bearer)| match bearer {
            Bearer::Isup(link) => Some(Exchange {
                link: *link,
                association: Association::new(*link),
                circuits: Circuits::new(world.trunks()[trunk].circuits),
                tick_at: Micros::MAX,
            }),
            Bearer::Sip { .. } => None,
        };
        let mut traffic = Self {
            head: source.next(),
            source,
            exchanges: bearers.iter().enumerate().map(exchange).collect(),
            bearers,
            connections: Connections::default(),
            due: BinaryHeap::new(),
            order: 0,
            messages: 0,
            now: 0,
            outbox: Outbox::default(),
            truths: VecDeque::new(),
            rng: world.rng("render"),
            lost: 0,
            sip: Vec::new(),
            isup: Vec::new(),
            exempt: Vec::new(),
            world,
        };
        traffic.set_up();
        Ok(traffic)
    }

    /// What the sources share.
    #[must_use]
    pub const fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The next frame: Ethernet, times in whole microseconds, in order; `None` at the end.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        while !self.outbox.is_ready(self.now) && self.step() {}
        self.outbox.pop()
    }

    /// The truth of a call; it is told no later than the first frame of the call is given. Whoever does not take it
    /// makes it pile up.
    pub fn pop_truth(&mut self) -> Option<TrueCall> {
        self.truths.pop_front()
    }

    /// Attempts that found no free circuit and never were.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// How far the playing is, 0 to 1, by the time of setups.
    #[must_use]
    pub fn done(&self) -> f64 {
        let (start, end) = (micros(self.world.start()), micros(self.world.end()));
        (self.now.saturating_sub(start) as f64 / (end - start).max(1) as f64).min(1.0)
    }

    /// Messages and frames that wait for their moment: what memory depends on.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.due.len() + self.outbox.len()
    }

    /// The network file for this traffic, which names `roaming.csv` and, where there are any, `rates.csv` of
    /// contracted senders and `cli-exempt.csv` of numbers with proof.
    #[must_use]
    pub fn network_toml(&self) -> String {
        border::network_toml(&self.world, &self.bearers, !self.exempt.is_empty())
    }

    /// The lines of `roaming.csv`, each with its newline.
    pub fn roaming_csv(&self) -> impl Iterator<Item = String> + '_ {
        border::roaming_csv(&self.world)
    }

    /// `cli-exempt.csv`, when the network file names it.
    #[must_use]
    pub fn exempt_csv(&self) -> Option<String> {
        border::exempt_csv(&self.world, &self.exempt)
    }

    /// `rates.csv`, when the network file names it.
    #[must_use]
    pub fn rates_csv(&self) -> Option<String> {
        border::rates_csv(&self.world)
    }

    /// Associations are there before the first call.
    fn set_up(&mut self) {
        let at = micros(self.world.start()).saturating_sub(LEAD);
        for index in 0..self.exchanges.len() {
            if let Some(exchange) = &mut self.exchanges[index] {
                exchange.association.set_up(at, &mut self.outbox);
            }
            self.plan_tick(TrunkId(index as u16));
        }
    }

    /// Plays the next attempt or does what is due next; `false` at the end.
    fn step(&mut self) -> bool {
        let due_at = self.due.peek().map_or(Micros::MAX, |Reverse(due)| due.at);
        match self.head.take() {
            Some(attempt) if micros(attempt.setup_at) <= due_at => {
                self.head = self.source.next();
                self.play(attempt);
            }
            head if head.is_some() || self.messages > 0 => {
                self.head = head;
                if let Some(Reverse(due)) = self.due.pop() {
                    self.now = self.now.max(due.at);
                    self.act(due);
                }
            }
            _ => {
                let has_ended = self.now == Micros::MAX;
                self.finish();
                return !has_ended;
            }
        }
        true
    }

    fn finish(&mut self) {
        self.due.clear();
        for exchange in self.exchanges.iter_mut().flatten() {
            exchange.association.finish(&mut self.outbox);
        }
        self.now = Micros::MAX;
    }

    fn plan(&mut self, at: Micros, what: What) {
        self.messages += usize::from(!matches!(what, What::Tick(_)));
        self.due.push(Reverse(Due { at, order: self.order, what }));
        self.order += 1;
    }

    fn play(&mut self, mut attempt: Attempt) {
        // A capture counts microseconds; a source out of order, which should not be, is moved to now.
        let at = micros(attempt.setup_at).max(self.now);
        self.now = at;
        attempt.setup_at = At::from_nanos(at * 1_000);
        let call_key = match self.bearers.get(usize::from(attempt.trunk.0)) {
            Some(Bearer::Isup(_)) => self.play_isup(&attempt),
            Some(Bearer::Sip { .. }) => self.play_sip(&attempt),
            None => None,
        };
        match call_key {
            Some(call_key) => {
                let Attempt { setup_at, trunk, truth, .. } = attempt;
                self.truths.push_back(TrueCall { call_key, setup_at, trunk, truth });
            }
            None => self.lost += 1,
        }
    }

    fn play_sip(&mut self, attempt: &Attempt) -> Option<String> {
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
            self.plan(message.at, What::Sip(transport, message));
        }
        self.sip = sent;
        Some(call_id)
    }

    fn play_isup(&mut self, attempt: &Attempt) -> Option<String> {
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
            self.plan(message.at, What::Isup(attempt.trunk, message));
        }
        self.isup = sent;
        let (opc, dpc) = match attempt.is_outbound {
            true => (link.own_code, link.far_code),
            false => (link.far_code, link.own_code),
        };
        Some(format!("{opc}-{dpc}-{cic}"))
    }

    fn act(&mut self, Due { at, what, .. }: Due) {
        self.messages -= usize::from(!matches!(what, What::Tick(_)));
        match what {
            What::Isup(trunk, message) => self.send_isup(trunk, message),
            What::Sip("UDP", message) => self.outbox.udp(&message),
            What::Sip(_, message) => self.send_tcp(&message),
            What::TcpAck(connection, by) => {
                self.connections.acknowledge(at, (connection, by), &mut self.outbox)
            }
            What::Tick(trunk) => {
                if let Some(exchange) = &mut self.exchanges[usize::from(trunk.0)]
                    && exchange.tick_at == at
                {
                    exchange.tick_at = Micros::MAX;
                    exchange.association.advance(at, &mut self.outbox);
                    self.plan_tick(trunk);
                }
            }
        }
    }

    /// An IAM goes at its own moment, which is that of the truth; others may wait for company.
    fn send_isup(&mut self, trunk: TrunkId, message: association::Sent) {
        let Some(exchange) = &mut self.exchanges[usize::from(trunk.0)] else { return };
        match message.bytes.get(2) {
            Some(kind) if *kind == MessageType::INITIAL_ADDRESS.0 => {
                exchange.association.push_last(message, &mut self.outbox);
            }
            _ => exchange.association.push(message, &mut self.outbox),
        }
        self.plan_tick(trunk);
    }

    fn plan_tick(&mut self, trunk: TrunkId) {
        let Some(exchange) = &mut self.exchanges[usize::from(trunk.0)] else { return };
        let due_at = exchange.association.due_at();
        if due_at < exchange.tick_at {
            exchange.tick_at = due_at;
            self.plan(due_at, What::Tick(trunk));
        }
    }

    fn send_tcp(&mut self, message: &sip::Sent) {
        let (src, dst) = message.between;
        let (course, receiver) = match message.is_response {
            false => ((src, dst, Peer::Client), Peer::Server),
            true => ((dst, src, Peer::Server), Peer::Client),
        };
        let id = self.connections.send(message.at, course, message.text.as_bytes(), &mut self.outbox);
        self.plan(message.at + TCP_ACK_AFTER, What::TcpAck(id, receiver));
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
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
    group.emit(cic, &mut reset);
    group.emit_ack(cic, &mut ack);
    let at = micros(attempt.end_at());
    [
        association::Sent { at, from: called, bytes: reset },
        association::Sent { at: at + RESET_ACK_AFTER, from: calling, bytes: ack },
    ]
}
