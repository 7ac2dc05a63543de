//! Memory of the state of an operator of 50 million subscribers, filled by calls. Budget: 16 GiB.
//!
//! `cargo bench --bench footprint [SUBSCRIBERS]`; needs as much memory as it reports.

mod common;

use std::sync::Arc;
use std::time::Duration;

use tollgate::base::number::{Number, Party};
use tollgate::base::route::RouteId;
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallKey, ReleasedBy, Setup};
use tollgate::clock::Stopwatch;
use tollgate::evaluate::process;
use tollgate::feature::Limits;
use tollgate::judge::{Judge, JudgeOptions};

fn party(number: u64) -> Party {
    Number::from_digits(number.to_string().as_bytes()).unwrap().into()
}

/// Numbers all over the world call subscribers; every third call is a talk, every twentieth is cut in the first ring.
fn call(index: u64, subscribers: u64) -> Call {
    let setup_at = At::from_nanos(1_700_000_000_000_000_000 + index * 2_000_000);
    let key = CallKey::Isup { opc: 1, dpc: 2, cic: index as u32 % 4_096 };
    let caller = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) % subscribers;
    let setup = Setup {
        route: RouteId(1),
        calling: party(44_000_000_000 + caller * 97),
        called: party(48_000_000_000 + index.wrapping_mul(0xD6E8_FEB8_6659_FD93) % subscribers),
        equipment: (index % 5_000) as u32 + 1,
        ..Setup::default()
    };
    let (ring, talk) = match index % 20 {
        0 => (2, None),
        1..=7 => (6, Some(90)),
        _ => (25, None),
    };
    let alert_at = setup_at + Duration::from_secs(2);
    let answer_at = talk.map(|_| alert_at + Duration::from_secs(ring));
    let end_at = alert_at + Duration::from_secs(ring + talk.unwrap_or(0));
    Call {
        alert_at: Some(alert_at),
        answer_at,
        end_at: Some(end_at),
        released_by: Some(ReleasedBy::Calling),
        ..Call::new(key, index, setup_at, setup)
    }
}

fn resident_mib() -> u64 {
    process::memory().map_or(0, |(now, _)| now >> 20)
}

fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse::<u64>().ok());
    let subscribers = asked.unwrap_or(50_000_000).max(10);
    let features = Limits::for_subscribers(subscribers as usize);
    let options = JudgeOptions { features, ..JudgeOptions::default() };
    let network = common::network("captures/interconnect/network.toml");
    let mut judge = Judge::new(common::rules(), Arc::clone(&network), options);
    let mut out = Vec::new();
    let (calls, watch) = (subscribers, Stopwatch::start());
    for index in 0..calls {
        let call = call(index, subscribers);
        let setup = Call { alert_at: None, answer_at: None, end_at: None, ..call.clone() };
        judge.handle(call.setup_at, CallEvent::Setup(setup), &mut out);
        if let Some(at) = call.answer_at {
            judge.handle(at, CallEvent::Answer(Call { end_at: None, ..call.clone() }), &mut out);
        }
        judge.handle(call.end_at.unwrap_or_default(), CallEvent::End(call), &mut out);
        out.clear();
        if (index + 1) % (calls / 10) == 0 {
            println!("{:>12} calls after {:.0} s: {} MiB", index + 1, watch.seconds(), resident_mib());
        }
    }
    let store = judge.store();
    println!("{subscribers} subscribers: {} MiB, at most {} MiB", resident_mib(), store.bytes_max() >> 20);
    println!("{:?}", store.sizes());
}
