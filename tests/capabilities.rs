//! What the drop-ins of the unit grant is enough for what they are for: the service runs as nobody, with these capabilities and
//! no other, in a network namespace of its own.

#[path = "common/namespaces.rs"]
mod namespaces;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use namespaces::Hosts;

const TAP: &str = "[[capture]]\ninterfaces = [\"eth1\"]\n";
const NFQUEUE: &str = "[inline]\nipv6 = false\n";

#[test]
fn the_drop_ins_grant_what_is_needed() {
    let hosts = match Hosts::new("caps") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    namespaces::run(&format!("ip -n {} link set lo up", hosts.tollgate)).unwrap();
    for (name, configuration) in [("tap", TAP), ("nfqueue", NFQUEUE)] {
        let log = run(&hosts.tollgate, &granted(name), configuration);
        assert!(log.last().is_some_and(|line| line.contains("\"event\":\"started\"")), "{name}: {log:?}");
    }
    // Without them it says what is missing, or the test would show nothing.
    let log = run(&hosts.tollgate, "-all", NFQUEUE).concat();
    assert!(log.contains("inline: ") && log.contains("it takes CAP_NET_ADMIN and CAP_NET_RAW"), "{log}");
}

/// The ambient capabilities of a drop-in, as setpriv(1) has them.
fn granted(name: &str) -> String {
    let text =
        fs::read_to_string(format!("{}/deploy/systemd/{name}.conf", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("AmbientCapabilities=")).unwrap();
    let names = line.split(' ').map(|name| name.strip_prefix("CAP_").unwrap().to_ascii_lowercase());
    names.fold("-all".to_owned(), |all, name| format!("{all},+{name}"))
}

/// What the service logs until it has started or ended.
fn run(namespace: &str, capabilities: &str, configuration: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("records")).unwrap();
    for open in [folder.path(), &path("records")] {
        fs::set_permissions(open, Permissions::from_mode(0o777)).unwrap();
    }
    // Where it was built, nobody may be allowed to look.
    fs::copy(env!("CARGO_BIN_EXE_tollgate"), path("tollgate")).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/debian/network.toml"), path("network.toml"))
        .unwrap();
    let head = "[admin]\nlisten = \"127.0.0.1:9464\"\n[records]\ndirectory = \"records\"\n";
    fs::write(path("tollgate.toml"), format!("{head}{configuration}")).unwrap();
    let mut child = Hosts::command(namespace, "setpriv")
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .args(["inh", "ambient"].map(|set| format!("--{set}-caps={capabilities}")))
        .arg(format!("--bounding-set={capabilities}"))
        .arg(path("tollgate"))
        .args(["run", "--config"])
        .arg(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        let is_started = line.contains("\"event\":\"started\"");
        log.push(line);
        if is_started {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    log
}
