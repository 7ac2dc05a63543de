//! A real agent: Kamailio relays a call of sipp and sends what it sees by HEP.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tollgate::base::frame::Envelope;
use tollgate::source::hep::HepOptions;

use super::hep::{Ears, listen};
use super::{Seen, await_that, skipped, take_until};

/// Ends what was started, however the test ends.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // Kamailio ends its children when it is told to end, not when it is killed.
            let _ = Command::new("kill").arg(self.0.id().to_string()).status();
            let _ = self.0.wait();
        }
    }
}

/// A port of this host that is free just now.
fn free_address() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn config(proxy: SocketAddr, called: SocketAddr, listener: SocketAddr, version: u8) -> String {
    format!(
        r#"#!KAMAILIO
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{proxy}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "siptrace.so"
modparam("siptrace", "duplicate_uri", "sip:{listener}")
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", {version})
modparam("siptrace", "hep_capture_id", 42)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_mode", 1)
request_route {{
    if (is_method("INVITE")) record_route();
    if (is_method("ACK") && !t_check_trans() && !loose_route()) exit;
    if (!is_method("ACK")) loose_route();
    $du = "sip:{called}";
    t_relay();
}}
"#
    )
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Places one call through the proxy; what the listener got of it.
fn place_call(ears: &Ears, folder: &Path, version: u8) -> (Vec<Seen>, [SocketAddr; 3]) {
    let [proxy, called, caller] = [free_address(), free_address(), free_address()];
    let file = folder.join("proxy.cfg");
    std::fs::write(&file, config(proxy, called, ears.udp, version)).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let _proxy = Guard(
        Command::new("kamailio")
            .args(["-DD", "-E", "-m", "32", "-M", "4", "-f"])
            .arg(&file)
            .arg("-w")
            .arg(folder)
            .arg("-Y")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap(),
    );
    let sipp = |arguments: &[&str], own: SocketAddr| {
        Command::new("sipp")
            .args(arguments)
            .args(["-i", "127.0.0.1", "-p", &own.port().to_string(), "-m", "1", "-nostdin", "-timeout", "30"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let _called = Guard(sipp(&["-sn", "uas"], called));
    for address in [proxy, called] {
        // Somebody has the port when it cannot be had.
        await_that("they listen", || UdpSocket::bind(address).is_err());
    }
    let mut calling = Guard(sipp(&["-sn", "uac", "-d", "10", &proxy.to_string()], caller));
    let mut seen = Vec::new();
    // Each of them twice: on both sides of the proxy.
    take_until(&ears.inlet, &mut seen, |seen| {
        let count = |start: &str| seen.iter().filter(|seen| seen.starts_with(start)).count();
        let of_invite = seen.iter().filter(|seen| is_answer_to_invite(seen)).count();
        count("INVITE ") >= 2 && of_invite >= 2 && count("BYE ") >= 2
    });
    assert!(calling.0.wait().unwrap().success(), "{}", std::fs::read_to_string(folder.join("log")).unwrap());
    (seen, [caller, proxy, called])
}

fn is_answer_to_invite(seen: &Seen) -> bool {
    seen.starts_with("SIP/2.0 200") && String::from_utf8_lossy(&seen.bytes).contains(" INVITE\r\n")
}

fn traced_call_arrives(version: u8) {
    if !is_there("kamailio") || !is_there("sipp") {
        return skipped("no kamailio or no sipp");
    }
    let folder = tempfile::tempdir().unwrap();
    let ears = listen(HepOptions::default());
    let (seen, [caller, proxy, called]) = place_call(&ears, folder.path(), version);
    let has = |from: SocketAddr, to: SocketAddr, is_it: &dyn Fn(&Seen) -> bool| {
        seen.iter().any(|seen| match seen.envelope {
            Envelope::Sip { src, dst, .. } => (src, dst) == (from, to) && is_it(seen),
            Envelope::Isup { .. } => false,
        })
    };
    let invite = |seen: &Seen| seen.starts_with("INVITE ");
    assert!(has(caller, proxy, &invite) && has(proxy, called, &invite), "{seen:#?}");
    assert!(
        has(called, proxy, &is_answer_to_invite) && has(proxy, caller, &is_answer_to_invite),
        "{seen:#?}"
    );
    let counts = ears.running.stop();
    assert_eq!((counts.times_mended, counts.faults.nonzero().count()), (0, 0));
    assert!(counts.losses().all(|(_, count)| count == 0), "{counts:?}");
}

#[test]
fn a_call_that_kamailio_traces_arrives_by_version_3() {
    traced_call_arrives(3);
}

#[test]
fn a_call_that_kamailio_traces_arrives_by_version_2() {
    traced_call_arrives(2);
}
