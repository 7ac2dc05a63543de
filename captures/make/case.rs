//! A test case: calls on routes, played into a capture, and the files beside it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use tollgate::base::time::At;
use tollgate::simulate::attempt::{Attempt, End};
use tollgate::simulate::render::association::{Association, LEAD, Link, Sent};
use tollgate::simulate::render::isup::{self, Circuits};
use tollgate::simulate::render::sip;
use tollgate::simulate::render::sip_text::Identity;
use tollgate::simulate::render::style::{IsupStyle, SipStyle};

use crate::call::{Call, Micros};
use crate::network::{self, Bearer, OWN_SIP, Route};
use crate::random::Random;
use crate::recording::Recording;

/// Circuits that calls are given, from 1 on; those above are for scripts that name theirs.
pub const CIRCUIT_COUNT: u16 = 900;
/// Compression level of large captures: they are made once.
pub const COMPRESSION: i32 = 19;
const KEEP_ALIVE_EVERY: usize = 30_000_000;

/// A test case.
pub struct Case {
    /// Folder under `captures/`.
    pub name: &'static str,
    pub routes: Vec<Route>,
    pub calls: Vec<Call>,
    /// ISUP messages beside those of the calls, with their route.
    pub messages: Vec<(&'static str, Sent)>,
    /// Rows of `roaming.csv`: number and state.
    pub roaming: Vec<(String, &'static str)>,
    /// Compressed, and with keep-alives between SIP elements.
    pub is_demonstration: bool,
}

impl Case {
    /// Writes the folder.
    pub fn write(mut self, captures: &Path, seed: u64) -> io::Result<()> {
        let folder = captures.join(self.name);
        fs::create_dir_all(&folder)?;
        self.calls.sort_by_key(|call| call.setup_at);
        let mut random = Random::new(seed);
        let mut recording = Recording::default();
        fs::write(folder.join("truth.csv"), self.play(&mut random, &mut recording))?;
        if self.is_demonstration {
            self.keep_alives(&mut random, &mut recording);
            let file = File::create(folder.join("input.pcap.zst"))?;
            let mut out = zstd::Encoder::new(file, COMPRESSION)?;
            recording.write(&mut out)?;
            out.finish()?;
        } else {
            let mut out = BufWriter::new(File::create(folder.join("input.pcap"))?);
            recording.write(&mut out)?;
            out.flush()?;
        }
        if self.routes.iter().any(|route| route.sender.is_some()) {
            fs::write(folder.join("rates.csv"), network::RATES)?;
        }
        fs::write(folder.join("network.toml"), network::toml(&self.routes, !self.roaming.is_empty()))?;
        if !self.roaming.is_empty() {
            let rows = self.roaming.iter().map(|(number, state)| format!("+{number},{state}\n"));
            fs::write(folder.join("roaming.csv"), format!("number,state\n{}", rows.collect::<String>()))?;
        }
        Ok(())
    }

    /// Plays calls and messages, and says in CSV what each call is.
    fn play(&mut self, random: &mut Random, recording: &mut Recording) -> String {
        let mut truth = String::from("call_key,kind,label,route,setup_at\n");
        let mut rows = vec![String::new(); self.calls.len()];
        for route in &self.routes {
            let calls = self.calls.iter().zip(&mut rows).filter(|(call, _)| call.route == route.name);
            match &route.bearer {
                Bearer::Sip(peers) => {
                    for (call, row) in calls {
                        let key = self.play_sip(call, peers, random, recording);
                        *row = truth_row(call, &key);
                    }
                }
                Bearer::Isup(link) => {
                    let mut circuits = Circuits::new(CIRCUIT_COUNT);
                    let mut sent = Vec::new();
                    for (call, row) in calls {
                        let cic = play_isup(&call.attempt(), link, &mut circuits, random, &mut sent);
                        *row = truth_row(call, &circuit_key(link, call.outbound, cic));
                    }
                    let (own, others) = std::mem::take(&mut self.messages)
                        .into_iter()
                        .partition(|(name, _)| *name == route.name);
                    self.messages = others;
                    sent.extend(Vec::into_iter(own).map(|(_, message)| message));
                    carry(link, sent, recording);
                }
            }
        }
        truth.extend(rows);
        truth
    }

    fn play_sip(
        &self,
        call: &Call,
        peers: &[Ipv4Addr],
        random: &mut Random,
        recording: &mut Recording,
    ) -> String {
        let is_outgoing = peers == OWN_SIP;
        let far = if is_outgoing { *random.choose(&self.carriers()) } else { *random.choose(peers) };
        let own = OWN_SIP[random.below(2) as usize];
        let second = if own == OWN_SIP[0] { OWN_SIP[1] } else { OWN_SIP[0] };
        let between = if is_outgoing { (own, far) } else { (far, own) };
        let token = random.next();
        let identity = Identity {
            call_id: format!("{token:016x}@{}", between.0),
            from_tag: format!("{:08x}", random.next() as u32),
            to_tag: format!("{:08x}", random.next() as u32),
            branch: format!("z9hG4bK{:08x}", random.next() as u32),
        };
        let call_id = identity.call_id.clone();
        let course = sip::Course { between, second, transport: "UDP", style: &SipStyle::plain() };
        let mut sent = Vec::new();
        sip::play(&call.attempt(), &course, identity, &mut sent);
        sent.iter().for_each(|message| recording.sip(message));
        call_id
    }

    /// SIP elements of the operators that exchange calls with this one; the contracted sender only sends.
    fn carriers(&self) -> Vec<Ipv4Addr> {
        let peers = self.routes.iter().filter_map(|route| match route.bearer {
            Bearer::Sip(peers) if peers != OWN_SIP && route.class != "white" => Some(peers),
            _ => None,
        });
        peers.flatten().copied().collect()
    }

    fn keep_alives(&self, random: &mut Random, recording: &mut Recording) {
        let (Some(first), Some(last)) = (self.calls.first(), self.calls.last()) else { return };
        for (index, far) in self.carriers().into_iter().enumerate() {
            let from = first.setup_at + index as Micros * 1_700_000;
            for at in (from..last.setup_at).step_by(KEEP_ALIVE_EVERY) {
                let there = sip::keep_alive(at, (far, OWN_SIP[0]), random.next());
                let back = sip::keep_alive(at + 900_000, (OWN_SIP[0], far), random.next());
                there.iter().chain(&back).for_each(|message| recording.sip(message));
            }
        }
    }
}

/// Adds an attempt's messages; returns its circuit.
pub fn play_isup(
    attempt: &Attempt,
    link: &Link,
    circuits: &mut Circuits,
    random: &mut Random,
    out: &mut Vec<Sent>,
) -> u16 {
    let cic = circuits.seize(attempt).expect("circuits enough");
    let alerts_in_acm = attempt.alert_after.is_some() && random.chance(0.6);
    let is_released = matches!(attempt.end, End::Answered { .. } | End::GivenUp { .. } | End::Refused { .. });
    let complete_after = if is_released { random.seconds(0.01, 0.04) } else { 0 };
    let style = &IsupStyle::plain();
    isup::play(attempt, &isup::Course { link, cic, style, alerts_in_acm, complete_after }, out);
    cic
}

/// How records name a circuit that is seized for a call.
pub fn circuit_key(link: &Link, is_outbound: bool, cic: u16) -> String {
    let (opc, dpc) = match is_outbound {
        true => (link.own_code, link.far_code),
        false => (link.far_code, link.own_code),
    };
    format!("{opc}-{dpc}-{cic}")
}

/// Carries the messages, in order of time, on one association.
pub fn carry(link: &Link, mut messages: Vec<Sent>, recording: &mut Recording) {
    messages.sort_by_key(|message| message.at);
    let Some(first) = messages.first() else { return };
    let mut association = Association::new(*link);
    association.set_up(first.at - LEAD, recording);
    for message in messages {
        association.push(message, recording);
    }
    association.finish(recording);
}

/// A row of `truth.csv`, with its end.
pub fn truth_row(call: &Call, key: &str) -> String {
    let Call { setup_at, route, truth, .. } = call;
    let at = At::from_nanos(setup_at * 1_000);
    format!("{key},{},{},{route},{at}\n", truth.kind, truth.label)
}
