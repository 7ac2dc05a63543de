//! A store of default size full of calls, copied for the state file: the longest slice, which is what the decision loop takes for it
//! at a time, and beside it what a copy of all at once takes. Then the file, written and read once. Budgets: 1 ms a slice, 10 s to read.

mod common;

use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tollgate::base::map::Seed;
use tollgate::base::number::{Number, Party};
use tollgate::base::route::RouteId;
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallKey, ReleasedBy, Setup};
use tollgate::clock::Stopwatch;
use tollgate::feature::{Cursor, Store};
use tollgate::journal::state;
use tollgate::judge::{Judge, JudgeOptions};
use tollgate::rule::Ruleset;

const CALLS: u64 = 8_000_000;

fn party(number: u64) -> Party {
    Number::from_digits(number.to_string().as_bytes()).unwrap().into()
}

/// A million callers over the world, each calling several times an hour; every third call is a talk.
fn call(index: u64) -> Call {
    let setup_at = At::from_nanos(1_700_000_000_000_000_000 + index * 400_000);
    let key = CallKey::Isup { opc: 1, dpc: 2, cic: index as u32 % 4_096 };
    let caller = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
    let talks = index.is_multiple_of(3);
    let setup = Setup {
        route: RouteId(1),
        calling: party(44_700_000_000 + caller * 977),
        called: party(48_600_000_000 + index * 7_919 % 10_000_000),
        equipment: (index % 5_000) as u32 + 1,
        ..Setup::default()
    };
    Call {
        alert_at: Some(setup_at + Duration::from_secs(2)),
        answer_at: talks.then_some(setup_at + Duration::from_secs(5)),
        end_at: Some(setup_at + Duration::from_secs(if talks { 90 } else { 8 })),
        released_by: Some(ReleasedBy::Calling),
        q850_cause: Some(16),
        ..Call::new(key, index, setup_at, setup)
    }
}

/// Makes every slice once, and tells how long they took: by the clock, and on the processor, which others on the machine do not
/// lengthen.
fn slices(store: &Store) {
    let (mut cursor, mut is_more) = (Cursor::default(), true);
    let (mut by_clock, mut on_processor, mut octets) = (Vec::new(), Vec::new(), 0);
    while is_more {
        let (watch, ran) = (Stopwatch::start(), processor_time());
        let mut slice = Vec::new();
        is_more = store.slice(&mut cursor, &mut slice).expect("a slice can be made");
        on_processor.push(processor_time() - ran);
        by_clock.push(watch.seconds());
        octets += slice.len();
    }
    println!(
        "state/slices: {} of {octets} octets in all, {:.2} s",
        by_clock.len(),
        by_clock.iter().sum::<f64>()
    );
    let on_processor = on_processor.into_iter().map(|took| took.as_secs_f64()).collect();
    for (by, mut took) in [("by the clock", by_clock), ("on the processor", on_processor)] {
        took.sort_by(f64::total_cmp);
        let [median, late, longest] =
            [took.len() / 2, took.len() * 999 / 1_000, took.len() - 1].map(|index| took[index] * 1e6);
        println!(
            "state/slices: {by} median {median:.0} µs, 99.9 % within {late:.0} µs, longest {longest:.0} µs"
        );
    }
}

/// How long this thread has run.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the system counts it").into()
}

fn main() {
    let network = common::network("captures/interconnect/network.toml");
    let mut judge = Judge::new(Arc::new(Ruleset::empty()), Arc::clone(&network), JudgeOptions::default());
    let mut out = Vec::new();
    for index in 0..CALLS {
        let call = call(index);
        let at = call.end_at.unwrap_or_default();
        if call.answer_at.is_some() {
            judge.handle(at, CallEvent::Answer(call.clone()), &mut out);
        }
        judge.handle(at, CallEvent::End(call), &mut out);
        out.clear();
    }
    println!("state: {:?}, at most {} octets", judge.store().sizes(), judge.store().bytes_max());
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("state");
    slices(judge.store());
    let watch = Stopwatch::start();
    let copy = judge.store().clone();
    println!("state/clone: {:.2} s", watch.seconds());
    drop(copy);
    let watch = Stopwatch::start();
    state::save(&path, (&network, "0123"), (Seed(1), &()), (judge.store(), At::default()))
        .expect("the state can be written");
    let (seconds, length) = (watch.seconds(), std::fs::metadata(&path).map_or(0, |file| file.len()));
    println!("state/save: {seconds:.2} s, {length} octets");
    drop(judge);
    let watch = Stopwatch::start();
    let (_, content) = state::load::<()>(&path, &network).expect("the state can be read");
    println!("state/load: {:.2} s, {:?}", watch.seconds(), content.store.sizes());
}
