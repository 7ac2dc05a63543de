//! Calls made up for a test, and what a judge with the shipped rules makes of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::base::class::{Class, Decision};
use tollgate::base::network::Network;
use tollgate::base::number::{Number, Party, Raw, Shape};
use tollgate::base::route::{Direction, RouteId};
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallKey, ReleasedBy, Setup};
use tollgate::config;
use tollgate::feature::fields;
use tollgate::judge::{CallRecord, Judge, JudgeOptions, Output};

/// Routes of the network below, by number.
pub const ABROAD: [u16; 3] = [1, 2, 3];
pub const NATIONAL: u16 = 4;
pub const ON_NET: u16 = 5;
pub const ENTERPRISE: u16 = 6;
pub const OWN_OUT: u16 = 7;

/// A caller whom somebody has checked.
#[allow(dead_code, reason = "not every test that shares this file needs it")]
pub const CHECKED: u64 = 48_601_777_777;

const NETWORK: &str = r#"
home = "PL"
[lists]
known-good = "known-good.csv"
[[route]]
name = "abroad-1"
class = "international"
peers = ["198.51.100.1"]
[[route]]
name = "abroad-2"
class = "international"
peers = ["198.51.100.2"]
[[route]]
name = "abroad-3"
class = "international"
peers = ["198.51.100.3"]
[[route]]
name = "national"
class = "national"
peers = ["198.51.100.4"]
[[route]]
name = "on-net"
class = "on-net"
peers = ["198.51.100.5"]
[[route]]
name = "enterprise"
class = "enterprise"
peers = ["198.51.100.6"]
[[route]]
name = "own-out"
class = "outbound"
peers = ["198.51.100.7"]
"#;

/// A Monday, 09:00 UTC.
const START_S: u64 = 1_700_470_800;

/// A call as a test makes it; times in milliseconds, `at` from the start of the world, the others from the setup.
#[derive(Clone, Debug)]
pub struct Made {
    pub at: u64,
    pub route: u16,
    pub outbound: bool,
    pub calling: u64,
    pub called: u64,
    pub diverting: Option<u64>,
    pub alert: Option<u64>,
    pub answer: Option<u64>,
    pub end: u64,
    pub by: ReleasedBy,
    pub sip_status: Option<u16>,
}

impl Made {
    /// A call that rings for 20 s and is given up.
    pub fn new(at: u64, route: u16, calling: u64, called: u64) -> Self {
        Self {
            at,
            route,
            outbound: route == OWN_OUT,
            calling,
            called,
            diverting: None,
            alert: Some(1_500),
            answer: None,
            end: 21_500,
            by: ReleasedBy::Calling,
            sip_status: None,
        }
    }

    /// Answered after `ring`, over after `talk`.
    pub fn answered(mut self, ring: u64, talk: u64, by: ReleasedBy) -> Self {
        let alert = self.alert.unwrap_or(0);
        (self.answer, self.end, self.by) = (Some(alert + ring), alert + ring + talk, by);
        self
    }

    /// Refused with `status` after 400 ms, without ringing.
    pub fn refused(mut self, status: u16) -> Self {
        (self.alert, self.end, self.by, self.sip_status) = (None, 400, ReleasedBy::Network, Some(status));
        self
    }

    pub fn outbound(mut self) -> Self {
        self.outbound = true;
        self
    }

    fn call(&self, seq: u64) -> Call {
        let after = |ms: u64| At::from_nanos(START_S * 1_000_000_000) + Duration::from_millis(self.at + ms);
        let key = CallKey::Isup { opc: 1, dpc: 2, cic: 3 };
        let setup = Setup {
            route: RouteId(self.route),
            direction: if self.outbound { Direction::Outbound } else { Direction::Inbound },
            calling: party(self.calling),
            called: party(self.called),
            diverting: self.diverting.map(party),
            ..Setup::default()
        };
        Call {
            alert_at: self.alert.map(after),
            answer_at: self.answer.map(after),
            end_at: Some(after(self.end)),
            released_by: Some(self.by),
            sip_status: self.sip_status,
            ..Call::new(key, seq, after(0), setup)
        }
    }
}

fn party(value: u64) -> Party {
    let digits = value.to_string();
    let number = Number::from_digits(digits.as_bytes()).ok();
    let shape = if number.is_some() { Shape::Valid } else { Shape::TooShort };
    Party { number, shape, restricted: false, raw: Raw::try_from(digits.as_bytes()).unwrap_or_default() }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    pub decision: Decision,
    pub class: Class,
}

/// Judges calls with the shipped rules; the result is in the order of the calls.
pub fn judge(calls: &[Made]) -> Vec<Judged> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ruleset = config::load_rules(&root.join("rules"), &fields::FIELDS).unwrap();
    let mut judge = Judge::new(Arc::new(ruleset), network(), JudgeOptions::default());
    let mut out = Vec::new();
    for (at, event) in events(calls) {
        judge.handle(at, event, &mut out);
    }
    assert_eq!(judge.faults().nonzero().next(), None, "nothing had to give way");
    let mut judged = vec![None; calls.len()];
    let records = out.into_iter().filter_map(|output| match output {
        Output::Record(record) => Some(record),
        Output::Marked(_) | Output::Verdict { .. } | Output::Withdrawn { .. } => None,
    });
    for record in records {
        let CallRecord { call, verdict, final_class, .. } = *record;
        judged[call.seq as usize] = Some(Judged { decision: verdict.decision, class: final_class });
    }
    judged.into_iter().map(Option::unwrap).collect()
}

fn network() -> Arc<Network> {
    static SHARED: std::sync::OnceLock<Arc<Network>> = std::sync::OnceLock::new();
    let load = || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.toml");
        std::fs::write(&path, NETWORK).unwrap();
        let checked = format!("prefix,owner,reason,expires\n+{CHECKED},A,checked,2099-12-31\n");
        std::fs::write(folder.path().join("known-good.csv"), checked).unwrap();
        Arc::new(config::load_network(&path).unwrap().network)
    };
    Arc::clone(SHARED.get_or_init(load))
}

fn events(calls: &[Made]) -> Vec<(At, CallEvent)> {
    let mut events = Vec::new();
    for (seq, made) in (0..).zip(calls) {
        let whole = made.call(seq);
        let mut begun = whole.clone();
        (begun.alert_at, begun.answer_at, begun.end_at, begun.released_by) = (None, None, None, None);
        events.push((whole.setup_at, CallEvent::Setup(begun)));
        if let Some(at) = whole.answer_at {
            let mut answered = whole.clone();
            (answered.end_at, answered.released_by) = (None, None);
            events.push((at, CallEvent::Answer(answered)));
        }
        events.push((whole.end_at.unwrap(), CallEvent::End(whole)));
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

/// Numbers that look random and are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 0 to `sides` - 1.
    pub fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }
}
