//! Signed setups → verdicts, with certificates that are known. Budget: 150 µs each, one thread, of which the signature itself is most;
//! 10 µs for one that is refused without it.

#[path = "../tests/stir/made.rs"]
mod made;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use made::{CALLED, CALLER, NOW, Trust, X5U, network, options, shaken, signed};
use tollgate::call::{StirReason, StirVerdict};
use tollgate::stir::case::Case;
use tollgate::stir::{Chain, Question, Source, Verifier};
use tollgate::wire::passport::{Claims, Header, Identity};

fn read(criterion: &mut Criterion) {
    let signer = Trust::new("STI").usual();
    let value = signer.shaken("A");
    println!("{} octets", value.len());
    criterion.bench_function("stir/read a PASSporT", |bencher| {
        bencher.iter(|| {
            let identity = Identity::parse(black_box(value.as_bytes())).expect("one that can be read");
            (Header::parse(identity.token.header).is_ok(), Claims::parse(identity.token.payload).is_ok())
        });
    });
    criterion.bench_function("stir/read a certificate and those between", |bencher| {
        bencher.iter(|| Chain::parse(black_box(signer.pem.as_bytes())).is_ok());
    });
}

fn judge(criterion: &mut Criterion) {
    let trust = Trust::new("STI");
    let signer = trust.usual();
    let (anchors, chain) = (trust.anchors(), Arc::new(signer.chain()));
    let (network, freshness) = (network(), Duration::from_secs(60));
    let good = signed(1, &[signer.shaken("A")]);
    let other = signed(1, &[signer.identity("shaken", X5U, &shaken("A", "12155550000", CALLED, NOW))]);
    criterion.bench_function("stir/a good one", |bencher| {
        bencher.iter(|| {
            let case = Case::read(black_box(&good), &network).expect("one of this call");
            let stir = case.judge(|_| Ok(Arc::clone(&chain)), (&anchors, freshness));
            assert_eq!(stir.verdict, StirVerdict::Valid);
        });
    });
    criterion.bench_function("stir/one of another call", |bencher| {
        bencher.iter(|| {
            let stir = Case::read(black_box(&other), &network).expect_err("one of another call");
            assert_eq!(stir.reason, StirReason::Orig);
        });
    });
}

fn verifier(criterion: &mut Criterion) {
    let trust = Trust::new("STI");
    let signer = trust.usual();
    let options = options(trust.anchors(), [(X5U, signer.chain())]);
    let mut verifier = Verifier::start(&options, &Arc::new(network())).expect("threads");
    let value = signer.identity("shaken", X5U, &shaken("A", CALLER, CALLED, NOW));
    let questions: Vec<Question> = (0..1_000).map(|seq| signed(seq, std::slice::from_ref(&value))).collect();
    let mut group = criterion.benchmark_group("stir");
    group.throughput(Throughput::Elements(questions.len() as u64)).sample_size(10);
    group.bench_function("1,000 good ones, two threads", |bencher| {
        bencher.iter(|| assert_eq!(verifier.ask(black_box(&questions)).len(), questions.len()));
    });
    group.finish();
}

criterion_group!(benches, read, judge, verifier);
criterion_main!(benches);
