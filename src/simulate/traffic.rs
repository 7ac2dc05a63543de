//! A scenario as frames in order of time, with the truth about every call; as much at once as is under way.

mod call;
mod outbox;
mod plan;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::frame::Frame;
use crate::base::time::At;
use crate::simulate::attempt::{Attempt, TrunkId, Truth};
use crate::simulate::border::{self, Bearer};
use crate::simulate::draw::Rng;
use crate::simulate::placed::Finding;
use crate::simulate::render::association::{self, Association, LEAD, Link};
use crate::simulate::render::isup::Circuits;
use crate::simulate::render::sip;
use crate::simulate::render::tcp::{Connections, Peer};
use crate::simulate::render::{Micros, micros};
use crate::simulate::scenario::Scenario;
use crate::simulate::source::{Merge, Source};
use crate::simulate::world::World;
use crate::wire::isup::MessageType;

use outbox::Outbox;
use plan::{Plan, What};

/// How long a receiver of TCP waits before it acknowledges.
const TCP_ACK_AFTER: Micros = 1_000;

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
    plan: Plan,
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
            plan: Plan::default(),
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
        self.plan.len() + self.outbox.len()
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
        let due_at = self.plan.next_at().unwrap_or(Micros::MAX);
        match self.head.take() {
            Some(attempt) if micros(attempt.setup_at) <= due_at => {
                self.head = self.source.next();
                self.play(attempt);
            }
            head if head.is_some() || self.plan.has_messages() => {
                self.head = head;
                if let Some((at, what)) = self.plan.pop() {
                    self.now = self.now.max(at);
                    self.act(at, what);
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
        self.plan = Plan::default();
        for exchange in self.exchanges.iter_mut().flatten() {
            exchange.association.finish(&mut self.outbox);
        }
        self.now = Micros::MAX;
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

    fn act(&mut self, at: Micros, what: What) {
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
            self.plan.push(due_at, What::Tick(trunk));
        }
    }

    fn send_tcp(&mut self, message: &sip::Sent) {
        let (src, dst) = message.between;
        let (course, receiver) = match message.is_response {
            false => ((src, dst, Peer::Client), Peer::Server),
            true => ((dst, src, Peer::Server), Peer::Client),
        };
        let id = self.connections.send(message.at, course, message.text.as_bytes(), &mut self.outbox);
        self.plan.push(message.at + TCP_ACK_AFTER, What::TcpAck(id, receiver));
    }
}
