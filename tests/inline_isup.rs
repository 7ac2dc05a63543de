//! Calls blocked and masked in the path of two exchanges. The exchanges check every message they get against Q.764; their
//! SCTP association loses, repeats and reorders packets. Every run prints its seed.

#[path = "inline_isup/association.rs"]
mod association;
#[path = "inline_isup/exchange.rs"]
mod exchange;
#[path = "inline_isup/world.rs"]
mod world;

use std::io::Write;
use std::process::{Command, Stdio};

use exchange::Ending;
use tollgate::inline::isup::Tally;
use tollgate::judge::Treatment;
use tollgate::simulate::render::packet;
use tollgate::wire::isup::release::Release;
use tollgate::wire::isup::{Message, MessageType};
use world::{Plan, World};

/// Microseconds.
type Micros = u64;
const SECOND: Micros = 1_000_000;

use world::{ipv4, ipv6};

#[test]
fn blocked_calls_get_their_cause_and_ring_nowhere() {
    let mut blocked = 0;
    for seed in 0..20 {
        let mut world = World::new(seed, Plan { only_first_calls: true, ..Plan::default() });
        world.run();
        check(seed, &world);
        for (call, treatment) in &world.treatments {
            let ending = world.exchanges[0].endings[call];
            if !world.is_block(treatment) || world.emergencies.contains(call) {
                continue;
            }
            match ending {
                Ending::Released(cause, after) => {
                    assert_eq!(cause, 21, "seed {seed} call {call}");
                    assert!(after < SECOND / 5, "seed {seed} call {call}: {after} µs");
                    blocked += 1;
                }
                Ending::GivenUp | Ending::NoCircuit => {}
                other => panic!("seed {seed} call {call}: {other:?}"),
            }
        }
        assert!(world.leaked.is_subset(&world.emergencies), "seed {seed}");
        let counts = world.rewriter.counts();
        for tally in [Tally::DualSeizure, Tally::Unanswered, Tally::Abandoned, Tally::Reset, Tally::Deferred]
        {
            assert_eq!(counts.of(tally), 0, "seed {seed}: {tally:?}");
        }
        // A caller who gives up while the REL is on its way has both.
        assert!(counts.of(Tally::Blocked) <= counts.of(Tally::Released) + counts.of(Tally::Completed));
    }
    assert!(blocked > 300, "only {blocked}");
}

#[test]
fn both_exchanges_may_call_at_once() {
    let total = run_seeds(60, Plan { pause: SECOND / 20, ..Plan::default() });
    // Else the meetings that are tested never took place.
    assert!(
        total(Tally::Reset) > 20 && total(Tally::DualSeizure) > 20,
        "{} {}",
        total(Tally::Reset),
        total(Tally::DualSeizure)
    );
    assert_eq!(total(Tally::Unanswered), 0);
}

#[test]
fn packets_may_be_lost_doubled_and_overtaken() {
    let plan = Plan { pause: SECOND / 10, loss: 0.08, jitter: 15_000, ..Plan::default() };
    let total = run_seeds(60, plan);
    assert!(total(Tally::Repeated) > 100);
}

#[test]
fn circuits_may_be_reset_and_blocked_meanwhile() {
    let calm = Plan { maintenance: 0.5, pause: SECOND / 10, ..Plan::default() };
    let _ = run_seeds(40, calm);
    let _ = run_seeds(40, Plan { loss: 0.05, jitter: 10_000, ..calm });
}

#[test]
fn answers_may_come_too_late() {
    let total = run_seeds(20, Plan { late: 0.3, loss: 0.05, jitter: 10_000, ..Plan::default() });
    assert!(total(Tally::Unruled) > 20);
}

#[test]
fn packets_may_be_full() {
    // Room for about one message beside an acknowledgement.
    let plan =
        Plan { pause: SECOND / 50, loss: 0.05, jitter: 10_000, mtu: association::MTU, ..Plan::default() };
    let _ = run_seeds(20, plan);
}

#[test]
fn a_restart_leaves_no_circuit_in_use() {
    for seed in 0..100 {
        let plan = Plan {
            calls: 30,
            pause: SECOND / 20,
            restart_at: Some(10 * SECOND + seed * 10_000),
            ..Plan::default()
        };
        let mut world = World::new(seed, plan);
        world.exchanges.iter_mut().for_each(|exchange| exchange.is_strict = false);
        world.run();
    }
}

#[test]
fn the_decision_loop_sees_what_near_sees() {
    let mut world = World::new(3, Plan { only_first_calls: true, ..Plan::default() });
    world.run();
    let blocked = |told: &(bool, u32, Vec<u8>)| {
        let message = Message::parse(&told.2).unwrap();
        told.0 && world.is_block(&world.treatments[&exchange::call_of(&message)])
    };
    let mut ended = 0;
    for (index, (_, near, iam)) in world.told.iter().enumerate().filter(|(_, told)| blocked(told)) {
        let cic = Message::parse(iam).unwrap().cic;
        let rest = world.told[index + 1..]
            .iter()
            .map(|(asked, by, bytes)| (*asked, by, Message::parse(bytes).unwrap()));
        let rest: Vec<_> = rest.filter(|(_, _, message)| message.cic == cic).collect();
        let end =
            rest.iter().position(|(_, _, message)| message.message_type == MessageType::RELEASE).unwrap();
        // Between the IAM and the REL there is nothing but what near went on to send; then comes an RLC.
        assert!(rest[..end].iter().all(|(asked, by, _)| !asked && *by == near));
        let (_, by, release) = &rest[end];
        ended += u32::from(*by != near && Release::parse(release).unwrap().cause.value == 21);
        assert_eq!(rest[end + 1].2.message_type.to_string().replace("REL", "RLC"), "RLC");
        assert!(
            rest.iter().all(|(_, _, message)| !matches!(message.message_type, MessageType::UNBLOCKING_ACK))
        );
    }
    assert!(ended > 15, "{ended}");
}

#[test]
fn another_decoder_finds_nothing_wrong() {
    let is_installed = Command::new("tshark").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !is_installed {
        let _ = writeln!(std::io::stderr(), "SKIPPED: tshark is not installed; ./dev test installs it");
        return;
    }
    for seed in 0..4 {
        let plan = Plan { pause: SECOND / 10, loss: 0.02, jitter: 10_000, ..Plan::default() };
        let mut world = World::new(seed, plan);
        world.run();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = packet::file_header();
        // LINKTYPE_RAW, in the place of Ethernet.
        bytes[20..24].copy_from_slice(&101_u32.to_le_bytes());
        for (at, packet) in &world.trace {
            bytes.extend(packet::record_header(*at, packet.len()));
            bytes.extend(packet);
        }
        file.write_all(&bytes).unwrap();
        // A repeated sequence number is no error, and said to be a note.
        let filter = "_ws.malformed || _ws.expert.severity == \"Error\" || sctp.checksum.status == \"Bad\"";
        let checks = ["-o", "sctp.checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
        let run = Command::new("tshark")
            .args(["-n"])
            .args(checks)
            .args(["-Y", filter, "-r"])
            .arg(file.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(run.stdout.is_empty(), "{}", String::from_utf8_lossy(&run.stdout));
        let isup = Command::new("tshark")
            .args(["-n", "-Y", "isup.message_type == 12", "-r"])
            .arg(file.path())
            .output()
            .unwrap();
        assert!(isup.stdout.split(|octet| *octet == b'\n').count() > 20, "it reads ISUP");
    }
}

/// Runs a plan with many seeds; gives the sum of a count over all.
fn run_seeds(seeds: u64, plan: Plan) -> impl Fn(Tally) -> u64 {
    // TOLLGATE_SEEDS: so many times as many runs.
    let times = std::env::var("TOLLGATE_SEEDS").map_or(1, |text| text.parse().expect("a whole number"));
    let mut all = Vec::new();
    for seed in 0..seeds * times {
        println!("seed {seed}");
        let mut world = World::new(seed, plan);
        world.run();
        check(seed, &world);
        all.push(world.rewriter.counts().clone());
    }
    for name in Tally::NAMES {
        let sum: u64 =
            all.iter().flat_map(|counts| counts.iter()).filter(|row| row.0 == name).map(|row| row.1).sum();
        println!("{name} {sum}");
    }
    move |tally| all.iter().map(|counts| counts.of(tally)).sum()
}

/// Every IAM that arrived is one that was sent, masked when it was to be; a call to be blocked rang only when it was let
/// through for a reason.
fn check(seed: u64, world: &World) {
    for (near, far) in [(0, 1), (1, 0)] {
        for (call, rang) in &world.exchanges[far].rang {
            let treatment = &world.treatments[call];
            let is_emergency = world.emergencies.contains(call);
            assert!(
                !world.is_block(treatment) || world.leaked.contains(call),
                "seed {seed}: call {call} rang"
            );
            for iam in rang {
                let sent = world.exchanges[near].sent.get(call).into_iter().flatten();
                let is_masked = *treatment == Treatment::Mask && !is_emergency;
                let passed = sent.clone().any(|sent| sent == iam);
                let masked = sent.clone().any(|sent| masked(sent) == *iam);
                // Without a ruling the number stays as it was.
                assert!(
                    if is_masked {
                        masked || passed && world.rewriter.counts().of(Tally::Unruled) > 0
                    } else {
                        passed
                    },
                    "seed {seed}: call {call}"
                );
            }
        }
    }
    let counts = world.rewriter.counts();
    let reasons = [Tally::DualSeizure, Tally::Unruled, Tally::Abandoned, Tally::Late, Tally::Resetting]
        .map(|tally| counts.of(tally));
    let leaked = world.leaked.difference(&world.emergencies).count() as u64;
    assert!(leaked <= reasons.iter().sum(), "seed {seed}: {leaked} leaked");
}

/// The IAM with both numbers restricted, found by where its encoder puts them.
fn masked(iam: &[u8]) -> Vec<u8> {
    let mut masked = iam.to_vec();
    for (pattern, skip) in [(&[0x0A, 7][..], 3), (&[0xC0, 9], 4)] {
        let at = masked.windows(2).position(|window| window == pattern).unwrap();
        assert_eq!(masked[at + skip] & 0x0C, 0);
        masked[at + skip] |= 0x04;
    }
    masked
}
