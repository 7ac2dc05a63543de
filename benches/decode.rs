//! Messages → signals. Budget: 1 µs for a SIP INVITE with its numbers read, 0.5 µs for a 180, 0.2 µs for an IAM.

mod common;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tollgate::base::map::Seed;
use tollgate::signal::{self, Context, Counts};

fn decode(criterion: &mut Criterion) {
    let network = common::network("captures/interconnect/network.toml");
    let context = Context { network, seed: Seed(1) };
    let sip = common::Frames::read("captures/sip-wangiri/input.pcap.zst");
    let isup = common::Frames::read("captures/isup-wangiri/input.pcap");
    for (name, message) in [
        ("SIP INVITE", sip.first_message(|bytes| bytes.starts_with(b"INVITE "))),
        ("SIP 180", sip.first_message(|bytes| bytes.starts_with(b"SIP/2.0 180 "))),
        // Q.763 table 4: the third octet is the message type.
        ("ISUP IAM", isup.first_message(|bytes| bytes.get(2) == Some(&1))),
    ] {
        let mut counts = Counts::default();
        criterion.bench_function(&format!("decode/{name}"), |bencher| {
            bencher.iter(|| signal::decode(black_box(&message.pdu()), &context, &mut counts).is_ok());
        });
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
