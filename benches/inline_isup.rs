//! Packets in the path of two exchanges. Budget: 1 µs for a packet with one message that passes, 2 µs for one that is
//! changed, both with their checksums.

mod common;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tollgate::base::frame::{Mtp, RoutingLabel};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::inline::isup::{Answered, Options, Rewriter};
use tollgate::judge::Treatment;
use tollgate::simulate::render::{m3ua, sctp};
use tollgate::wire::isup::{MessageType, emit_bare};

const LABEL: RoutingLabel =
    RoutingLabel { standard: Mtp::Itu, opc: 100, dpc: 200, network_indicator: 2, sls: 1 };

fn inline_isup(criterion: &mut Criterion) {
    let frames = common::Frames::read("captures/isup-wangiri/input.pcap");
    // Q.763 table 4: the third octet is the message type.
    let iam = frames.first_message(|bytes| bytes.get(2) == Some(&1)).pdu().bytes.to_vec();
    let mut release_complete = Vec::new();
    emit_bare(7, MessageType::RELEASE_COMPLETE, &mut release_complete);
    let rewriter = || Rewriter::new(Options::default(), Network::unknown().into());
    let mut group = criterion.benchmark_group("inline_isup");
    let block = Treatment::Block { sip: 603, q850: 21, reason: "".into() };
    for (name, packet, treatment) in [
        ("RLC passes", packet(1, &[&release_complete]), None),
        ("20 RLC pass", packet(20, &[&release_complete]), None),
        ("IAM passes", packet(1, &[&iam]), Some(Treatment::Allow)),
        ("IAM is masked", packet(1, &[&iam]), Some(Treatment::Mask)),
        ("IAM is blocked", packet(1, &[&iam]), Some(block)),
    ] {
        let rulings: Vec<_> = treatment.into_iter().map(|treatment| Answered { tsn: 1, treatment }).collect();
        group.throughput(Throughput::Bytes(packet.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                rewriter,
                |rewriter| {
                    let packet = black_box(&packet[..]);
                    let asked = rewriter.questions(At::default(), packet).len();
                    (asked, rewriter.handle(At::default(), packet, &rulings, |_, _| {}))
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// A packet with `count` chunks of these messages.
fn packet(count: u32, messages: &[&Vec<u8>]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for (tsn, message) in (1..=count).zip(messages.iter().cycle()) {
        let place = sctp::Place { tsn, stream: 1, ssn: tsn as u16, ends: (true, true) };
        chunks.extend(sctp::data(place, &m3ua::data(LABEL, message)));
    }
    let payload = sctp::packet((2905, 2905), 7, &chunks);
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    let ip = [0x45, 0, high, low, 0, 0, 0x40, 0, 62, 132, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&ip[..], &payload].concat()
}

criterion_group!(benches, inline_isup);
criterion_main!(benches);
