//! A test case: calls on routes, played into a capture, and the files beside it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use tollgate::base::time::At;

use crate::call::{Call, Micros};
use crate::exchange::Sent;
use crate::isup::{self, Circuits};
use crate::network::{self, Bearer, OWN_SIP, Route};
use crate::pcap::Recording;
use crate::random::Random;
use crate::sip;

/// Compression level of large captures: they are made once.
const COMPRESSION: i32 = 19;
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
                    let mut circuits = Circuits::new();
                    let mut sent = Vec::new();
                    for (call, row) in calls {
                        let cic = circuits.seize(call);
                        isup::play(call, link, cic, random, &mut sent);
                        let (opc, dpc) = match call.outbound {
                            true => (link.own_code, link.far_code),
                            false => (link.far_code, link.own_code),
                        };
                        *row = truth_row(call, &format!("{opc}-{dpc}-{cic}"));
                    }
                    let (own, others) = std::mem::take(&mut self.messages)
                        .into_iter()
                        .partition(|(name, _)| *name == route.name);
                    self.messages = others;
                    sent.extend(Vec::into_iter(own).map(|(_, message)| message));
                    link.play(sent, recording);
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
        sip::play(call, between, second, random, recording)
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
                sip::keep_alive(at, (far, OWN_SIP[0]), random, recording);
                sip::keep_alive(at + 900_000, (OWN_SIP[0], far), random, recording);
            }
        }
    }
}

fn truth_row(call: &Call, key: &str) -> String {
    let Call { setup_at, route, truth, .. } = call;
    let at = At::from_nanos(setup_at * 1_000);
    format!("{key},{},{},{route},{at}\n", truth.kind, truth.label)
}
