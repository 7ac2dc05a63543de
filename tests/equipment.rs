//! Fingerprints of equipment over recorded calls: every sender has one, or few.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::Envelope;
use tollgate::base::map::Seed;
use tollgate::capture::Capture;
use tollgate::config;
use tollgate::signal::{self, Context, Counts, What};

/// Sender → fingerprints of its setups, and how many there were.
fn senders(case: &str, input: &str) -> BTreeMap<String, (BTreeSet<u32>, usize)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case);
    let network = Arc::new(config::load_network(&folder.join("network.toml")).unwrap().network);
    let context = Context { network, seed: Seed(1) };
    let mut capture = Capture::open(&[folder.join(input)]).unwrap();
    let mut assembler = Assembler::new(AssembleOptions::default());
    let (mut found, mut counts) = (BTreeMap::new(), Counts::default());
    while let Some(frame) = capture.next() {
        assembler.push(frame, &mut |pdu| {
            let sender = match pdu.envelope {
                Envelope::Sip { src, .. } => src.to_string(),
                Envelope::Isup { label, .. } => label.opc.to_string(),
            };
            if let Ok(Some(signal)) = signal::decode(&pdu, &context, &mut counts)
                && let What::Setup(setup) = signal.what
            {
                let entry: &mut (BTreeSet<u32>, usize) = found.entry(sender).or_default();
                entry.0.insert(setup.equipment);
                entry.1 += 1;
            }
        });
    }
    found
}

#[test]
fn each_sender_of_a_capture_has_one() {
    for (case, input) in [
        ("sip-wangiri", "input.pcap.zst"),
        ("sip-flash-cancel", "input.pcap.zst"),
        ("sip-ipv6", "input.pcap.zst"),
        ("isup-wangiri", "input.pcap"),
        ("isup-flash-range", "input.pcap"),
    ] {
        let senders = senders(case, input);
        assert!(senders.values().any(|(_, setups)| *setups > 10), "{case}: {senders:?}");
        for (sender, (prints, setups)) in senders {
            assert!(prints.len() == 1 && !prints.contains(&0), "{case} {sender}: {prints:?} in {setups}");
        }
    }
}
