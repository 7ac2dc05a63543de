//! The whole engine in one thread over the interconnect capture, already in memory. Budget: a million messages a second.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::sync::Arc;
use tollgate::engine::{Engine, Options};

fn replay(criterion: &mut Criterion) {
    let network = common::network("captures/interconnect/network.toml");
    let rules = common::rules();
    let frames = common::Frames::read("captures/interconnect/input.pcap.zst");
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(frames.message_count()));
    group.sample_size(10);
    group.bench_function("interconnect", |bencher| {
        bencher.iter(|| {
            let mut engine = Engine::new(&network, Arc::clone(&rules), Options::default());
            let mut out = Vec::new();
            let mut records = 0;
            for frame in frames.iter() {
                engine.frame(frame, &mut out);
                records += out.drain(..).count();
            }
            engine.finish(&mut out);
            records + out.len()
        });
    });
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
