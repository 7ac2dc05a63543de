//! Calls played to a judge with the shipped rules, in one thread and without signalling.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::base::class::{Class, Decision};
use tollgate::base::field::Country;
use tollgate::base::network::Network;
use tollgate::base::number::{Number, Party};
use tollgate::base::numbering::Numbering;
use tollgate::base::route::{Direction, Route, RouteClass, RouteId, Routes};
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallId, CallKey, ReleasedBy, Setup};
use tollgate::config;
use tollgate::feature::fields::FIELDS;
use tollgate::judge::{Judge, JudgeOptions, Output, Verdict};

/// How a call goes, two seconds after it was set up unless said otherwise.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Rings, is answered, and the caller hangs up.
    Answered { ring_ms: u64, talk_ms: u64 },
    /// The caller hangs up while it rings.
    Cut { ring_ms: u64 },
    /// The caller hangs up so long after the setup, before it rings.
    CutBeforeRinging { after_ms: u64 },
    /// Rings for 30 s, and the caller gives up.
    #[allow(dead_code, reason = "not every test that shares this file needs it")]
    RangOut,
    /// The called side rejects while it rings.
    #[allow(dead_code, reason = "not every test that shares this file needs it")]
    Rejected { ring_ms: u64 },
}

/// A judge and the calls played to it.
pub struct Play {
    judge: Judge,
    network: Arc<Network>,
    now_ms: u64,
    seq: u64,
    equipment: u32,
    /// What is still to happen: when (ms), whether it is an end, and the call's place in `calls`.
    pending: BinaryHeap<Reverse<(u64, bool, usize)>>,
    calls: Vec<Call>,
    blocked: usize,
    out: Vec<Output>,
}

const START_MS: u64 = 1_700_000_000_000;

impl Play {
    pub fn new() -> Self {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let ruleset = Arc::new(config::load_rules(&rules, &FIELDS).unwrap());
        let network = Arc::new(network());
        Self {
            judge: Judge::new(ruleset, Arc::clone(&network), JudgeOptions::default()),
            network,
            now_ms: START_MS,
            seq: 0,
            equipment: 0,
            pending: BinaryHeap::new(),
            calls: Vec::new(),
            blocked: 0,
            out: Vec::new(),
        }
    }

    /// The fingerprint of what sends the calls to come.
    #[allow(dead_code, reason = "not every test that shares this file needs it")]
    pub fn equipment(&mut self, fingerprint: u32) {
        self.equipment = fingerprint;
    }

    /// Sets a call up now, and lets it go its way unless it is blocked.
    pub fn call(&mut self, route: &str, calling: u64, called: u64, way: Way) -> Verdict {
        self.seq += 1;
        let call = self.setup(route, calling, called);
        self.out.clear();
        self.judge.handle(call.setup_at, CallEvent::Setup(call.clone()), &mut self.out);
        let Some(Output::Verdict { verdict, .. }) = self.out.pop() else { panic!("no verdict") };
        let call = if verdict.decision == Decision::Block {
            self.blocked += 1;
            let end_at = Some(call.setup_at);
            Call { end_at, released_by: Some(ReleasedBy::Network), sip_status: Some(603), ..call }
        } else {
            go(call, way)
        };
        let place = self.calls.len();
        let ms = |at: At| at.nanos() / 1_000_000;
        if let Some(answer_at) = call.answer_at {
            self.pending.push(Reverse((ms(answer_at), false, place)));
        }
        self.pending.push(Reverse((ms(call.end_at.unwrap()), true, place)));
        self.calls.push(call);
        verdict
    }

    /// Lets time pass.
    pub fn wait_ms(&mut self, span: u64) {
        self.now_ms += span;
        while let Some(Reverse((at_ms, is_end, place))) = self.pending.peek().copied()
            && at_ms <= self.now_ms
        {
            self.pending.pop();
            let call = self.calls[place].clone();
            let event = if is_end {
                CallEvent::End(call)
            } else {
                CallEvent::Answer(Call { end_at: None, released_by: None, ..call })
            };
            self.judge.handle(at(at_ms), event, &mut self.out);
        }
        self.out.clear();
    }

    /// Calls blocked so far.
    #[allow(dead_code, reason = "not every test that shares this file needs it")]
    pub fn blocked(&self) -> usize {
        self.blocked
    }

    /// Calls not blocked so far.
    pub fn passed(&self) -> usize {
        self.calls.len() - self.blocked
    }

    /// Calls not blocked so far, of those whose calling and called number are of a kind.
    #[allow(dead_code, reason = "not every test that shares this file needs it")]
    pub fn passed_of(&self, is_of: impl Fn(u64, u64) -> bool) -> usize {
        let value = |party: &Party| party.number.map_or(0, Number::value);
        let counts =
            |call: &&Call| call.sip_status.is_none() && is_of(value(&call.calling), value(&call.called));
        self.calls.iter().filter(counts).count()
    }

    /// Free digits of the widest block found as a source of calls of this class.
    #[allow(dead_code, reason = "not every test that shares this file needs it")]
    pub fn widest_finding(&self, class: Class) -> Option<u8> {
        let findings = self.judge.findings().iter().filter(|finding| finding.class == class);
        findings.map(|finding| finding.range.width()).max()
    }

    fn setup(&self, route: &str, calling: u64, called: u64) -> Call {
        let routes = self.network.routes.all();
        let route = RouteId(routes.iter().position(|known| known.name == route).unwrap() as u16);
        let is_out = self.network.routes.route(route).class == RouteClass::Outbound;
        let setup = Setup {
            route,
            direction: if is_out { Direction::Outbound } else { Direction::Inbound },
            calling: party(calling),
            called: party(called),
            equipment: self.equipment,
            ..Setup::default()
        };
        Call {
            id: CallId(u128::from(self.seq) * 0x9e37_79b9_7f4a_7c15),
            ..Call::new(CallKey::Isup { opc: 1, dpc: 2, cic: 3 }, self.seq, at(self.now_ms), setup)
        }
    }
}

/// Numbers in no order, each again after all others.
pub fn scatter(index: u64, numbers: u64) -> u64 {
    // A prime that divides no power of ten.
    index * 7_919 % numbers
}

/// A subscriber of ours that nobody called before.
pub fn stranger(index: u64) -> u64 {
    48_600_000_000 + index * 37 % 900_000_000
}

fn go(mut call: Call, way: Way) -> Call {
    let after = |ms: u64| call.setup_at + Duration::from_millis(ms);
    let (alert, answer, end, by) = match way {
        Way::Answered { ring_ms, talk_ms } => {
            (Some(2_000), Some(2_000 + ring_ms), 2_000 + ring_ms + talk_ms, ReleasedBy::Calling)
        }
        Way::Cut { ring_ms } => (Some(2_000), None, 2_000 + ring_ms, ReleasedBy::Calling),
        Way::CutBeforeRinging { after_ms } => (None, None, after_ms, ReleasedBy::Calling),
        Way::RangOut => (Some(2_000), None, 32_000, ReleasedBy::Calling),
        Way::Rejected { ring_ms } => (Some(2_000), None, 2_000 + ring_ms, ReleasedBy::Called),
    };
    let (alert_at, answer_at, end_at) = (alert.map(after), answer.map(after), Some(after(end)));
    (call.alert_at, call.answer_at, call.end_at, call.released_by) = (alert_at, answer_at, end_at, Some(by));
    call
}

fn at(ms: u64) -> At {
    At::from_nanos(ms * 1_000_000)
}

fn party(digits: u64) -> Party {
    Number::from_digits(digits.to_string().as_bytes()).unwrap().into()
}

/// An operator in Poland with two carriers from abroad, one of the country, and a way out.
fn network() -> Network {
    let route = |name: &str, class| Route::new(name, class);
    Network {
        routes: Routes::new(vec![
            route("abroad", RouteClass::International),
            route("abroad-2", RouteClass::International),
            route("country", RouteClass::National),
            route("out", RouteClass::Outbound),
        ]),
        numbering: Numbering::new(Country(*b"PL")).unwrap(),
        ..Network::unknown()
    }
}
