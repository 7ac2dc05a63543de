//! Call events → verdicts and records. Budget: 0.2 µs to count a call in its windows, 1 µs to judge a setup and an end,
//! 0.3 µs for all rules at setup. Keys are few here and stay in the caches; a replay of strangers pays for memory too.

mod common;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tollgate::base::field::Point;
use tollgate::base::map::Seed;
use tollgate::base::number::{Number, Party};
use tollgate::base::route::RouteId;
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallKey, ReleasedBy, Setup};
use tollgate::feature::{Limits, Store};
use tollgate::judge::{Judge, JudgeOptions, decide};

const NETWORK: &str = "captures/interconnect/network.toml";
/// The first route of the network file.
const ROUTE: RouteId = RouteId(1);

fn party(digits: &[u8]) -> Party {
    Number::from_digits(digits).unwrap().into()
}

/// The `index`-th call: a second of ringing, then given up. One of a thousand callers, a millisecond after the last.
fn call(index: u64) -> Call {
    let setup_at = At::from_nanos(1_700_000_000_000_000_000 + index * 1_000_000);
    let key = CallKey::Isup { opc: 1, dpc: 2, cic: 3 };
    let setup = Setup {
        route: ROUTE,
        calling: party(format!("4479460{:05}", index * 7 % 1_000).as_bytes()),
        called: party(format!("4860{:07}", index * 13 % 100_000).as_bytes()),
        ..Setup::default()
    };
    Call {
        alert_at: Some(setup_at + Duration::from_secs(2)),
        end_at: Some(setup_at + Duration::from_secs(8)),
        released_by: Some(ReleasedBy::Calling),
        q850_cause: Some(16),
        ..Call::new(key, index, setup_at, setup)
    }
}

fn windows(criterion: &mut Criterion) {
    let network = common::network(NETWORK);
    let mut store = Store::new(Limits::default(), Seed(1));
    let calls: Vec<Call> = (0..100_000).map(call).collect();
    let mut next = calls.iter().cycle();
    criterion.bench_function("judge/window update", |bencher| {
        bencher.iter(|| next.next().map(|call| store.ended(call, &network, false)));
    });
}

fn judge(criterion: &mut Criterion) {
    let network = common::network(NETWORK);
    let mut judge = Judge::new(common::rules(), network, JudgeOptions::default());
    let mut out = Vec::new();
    let mut index = 0;
    criterion.bench_function("judge/setup and end of a call", |bencher| {
        bencher.iter(|| {
            index += 1;
            let call = call(index);
            let at = call.setup_at;
            judge.handle(at, CallEvent::Setup(call.clone()), &mut out);
            judge.handle(at + Duration::from_secs(8), CallEvent::End(call), &mut out);
            out.drain(..).count()
        });
    });
}

/// The `index`-th call of a hundred thousand people to each other: every other one is answered, for a minute and more.
fn persons_call(index: u64) -> Call {
    let mut call = call(index);
    let person = |index: u64| party(format!("48601{:06}", index % 100_000).as_bytes());
    (call.calling, call.called) = (person(index * 7_919), person(index * 104_729 + 13));
    call.route = RouteId(1 + (index % 5) as u16);
    call.setup_at = At::from_nanos(1_700_000_000_000_000_000 + index * 10_000_000);
    call.alert_at = Some(call.setup_at + Duration::from_secs(2));
    call.answer_at = index.is_multiple_of(2).then(|| call.setup_at + Duration::from_secs(10));
    call.end_at = Some(call.setup_at + Duration::from_secs(20 + index % 100));
    call
}

/// With all rules, on one core: budget 10 µs, which are 100,000 calls a second.
fn people(criterion: &mut Criterion) {
    let mut judge = Judge::new(common::rules(), common::network(NETWORK), JudgeOptions::default());
    let (mut out, mut index) = (Vec::new(), 0);
    let mut group = criterion.benchmark_group("judge");
    group.throughput(Throughput::Elements(1));
    group.bench_function("setup, answer and end of people's calls", |bencher| {
        bencher.iter(|| {
            index += 1;
            let call = persons_call(index);
            judge.handle(call.setup_at, CallEvent::Setup(call.clone()), &mut out);
            if let Some(at) = call.answer_at {
                judge.handle(at, CallEvent::Answer(call.clone()), &mut out);
            }
            judge.handle(call.end_at.unwrap_or(call.setup_at), CallEvent::End(call), &mut out);
            out.drain(..).count()
        });
    });
}

fn rules(criterion: &mut Criterion) {
    let (network, rules) = (common::network(NETWORK), common::rules());
    let store = Store::new(Limits::default(), Seed(1));
    let call = call(1);
    criterion.bench_function("judge/rules at setup", |bencher| {
        bencher.iter(|| {
            let facts = store.moment(&network, black_box(&call), Point::Setup, call.setup_at);
            decide::decide(&rules, &facts, &call, &network, &mut |_| {})
        });
    });
}

criterion_group!(benches, windows, judge, people, rules);
criterion_main!(benches);
