//! Live capture, on the loopback interface and on an interface that goes away and comes back.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use tollgate::source::live::{self, LiveError, LiveOptions};
use tollgate::source::{Inlet, Running, queue};

use super::{await_that, messages, skipped, take, tick};

/// Starts capturing; `None` where it is not permitted.
fn capture(options: &LiveOptions) -> Option<(Running, Inlet)> {
    let (outlet, inlet) = queue(64);
    match live::run(options, &outlet) {
        Ok(running) => Some((running, inlet)),
        Err(error @ LiveError::Denied { .. }) => {
            skipped(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Every message of a capture, sent over loopback by many senders to one port, comes out once.
fn replay_over_loopback(sockets: u16) {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = receiver.local_addr().unwrap();
    let options = LiveOptions {
        interfaces: vec!["lo".to_owned()],
        filter: format!("udp and dst port {}", to.port()),
        sockets,
        ..LiveOptions::default()
    };
    let Some((running, inlet)) = capture(&options) else { return };
    let senders: Vec<_> = (0..16).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let sent = messages("sip-wangiri");
    for (index, message) in sent.iter().enumerate() {
        senders[index % senders.len()].send_to(&message.bytes, to).unwrap();
    }
    let mut seen: Vec<_> = take(&inlet, sent.len()).into_iter().map(|seen| seen.bytes).collect();
    // What came twice would come now.
    tick(&inlet);
    let counts = running.stop();
    let mut sent: Vec<_> = sent.into_iter().map(|sent| sent.bytes).collect();
    seen.sort();
    sent.sort();
    assert!(seen == sent, "{} of {}", seen.len(), sent.len());
    assert_eq!((counts.packets, counts.pdus), (sent.len() as u64, sent.len() as u64), "{counts:?}");
    assert_eq!((counts.opened, counts.interrupted), (u64::from(sockets), 0));
    assert!(counts.losses().all(|(_, count)| count == 0), "{counts:?}");
}

#[test]
fn loopback_gives_every_message_once() {
    replay_over_loopback(1);
}

#[test]
fn sockets_that_share_an_interface_give_every_message_once() {
    replay_over_loopback(2);
}

#[test]
fn a_queue_that_nobody_empties_stops_the_reading() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = receiver.local_addr().unwrap();
    let mut options = LiveOptions {
        interfaces: vec!["lo".to_owned()],
        filter: format!("udp and dst port {}", to.port()),
        ..LiveOptions::default()
    };
    options.feed.batch_pdus = 1;
    let Some((running, inlet)) = capture(&options) else { return };
    let sent = messages("sip-wangiri");
    assert!(sent.len() > 100);
    sent.iter().for_each(|message| {
        receiver.send_to(&message.bytes, to).unwrap();
    });
    await_that("a full queue blocks", || running.counts().batches_held == 1);
    assert!(running.counts().blocked > Duration::ZERO);
    take(&inlet, sent.len());
    assert_eq!(running.stop().pdus, sent.len() as u64);
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let options = LiveOptions {
        interfaces: vec!["lo".to_owned()],
        filter: "prot 5060".to_owned(),
        ..LiveOptions::default()
    };
    let (outlet, _inlet) = queue(1);
    match live::run(&options, &outlet) {
        Err(LiveError::Denied { .. }) => skipped("not permitted to capture"),
        Err(LiveError::BadFilter { filter, .. }) => assert_eq!(filter, "prot 5060"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_interface_goes_and_comes_back() {
    let inside = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "live::inside_a_namespace", "--ignored", "--nocapture"])
        .output();
    match inside {
        Err(error) => skipped(&format!("no unshare ({error})")),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            if text.contains("Operation not permitted") {
                return skipped(&format!("no network namespaces ({})", text.trim()));
            }
            let all = format!("{}{text}", String::from_utf8_lossy(&output.stdout));
            assert!(output.status.success() && all.contains("1 passed"), "{all}");
        }
    }
}

/// Run by the test above, in a network namespace where it may do what it likes.
#[test]
#[ignore = "needs a network namespace of its own"]
fn inside_a_namespace() {
    make_interface();
    let options = LiveOptions {
        interfaces: vec!["tap0".to_owned()],
        filter: "udp port 5060".to_owned(),
        ..LiveOptions::default()
    };
    let (running, inlet) = capture(&options).expect("root");
    send_and_take(&inlet, "first");

    ip("link set tap0 down");
    await_that("down is noticed", || running.counts().interrupted == 1);
    ip("link set tap0 up");
    prepare_neighbour();
    send_and_take(&inlet, "second");
    assert_eq!(running.counts().opened, 1);

    ip("link del tap0");
    await_that("that it vanished is noticed", || running.counts().interrupted >= 2);
    make_interface();
    await_that("it is opened again", || running.counts().opened == 2);
    send_and_take(&inlet, "third");
    let counts = running.stop();
    assert_eq!((counts.pdus, counts.interrupted >= 2), (3, true), "{counts:?}");
}

fn make_interface() {
    ip("link add tap0 type veth peer name tap1");
    ip("addr add 192.0.2.1/24 dev tap0");
    ip("link set tap1 up");
    ip("link set tap0 up");
    prepare_neighbour();
}

/// So that datagrams leave at once.
fn prepare_neighbour() {
    ip("neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev tap0");
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn send_and_take(inlet: &Inlet, id: &str) {
    let message = format!("OPTIONS sip:a SIP/2.0\r\nCall-ID: {id}\r\nContent-Length: 0\r\n\r\n");
    let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
    socket.send_to(message.as_bytes(), "192.0.2.2:5060").unwrap();
    assert_eq!(take(inlet, 1)[0].bytes, message.as_bytes());
}
