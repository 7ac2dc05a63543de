//! What `README.md` shows of the demonstration is what the program prints.
//!
//! `UPDATE_EXPECT=1 cargo test --test readme` renews it.

#[path = "common/daemon.rs"]
mod daemon;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use daemon::{Daemon, wait_for};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Runs the program in a directory; what it prints.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let run =
        Command::new(env!("CARGO_BIN_EXE_tollgate")).current_dir(folder).args(arguments).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// Compares a part of the document, or renews it.
fn holds(mark: &str, text: &str) {
    let path = root().join("README.md");
    let document = fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {mark}: tests/readme.rs -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = document.split_once(&start).unwrap();
    let (shown, after) = rest.split_once(&end).unwrap();
    let block = format!("```\n{}\n```\n", text.trim_end());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{start}{block}{end}{after}")).unwrap();
    } else {
        assert!(shown == block, "{mark}: renew with UPDATE_EXPECT=1 cargo test --test readme");
    }
}

#[test]
fn the_demonstration_prints_what_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| root().join(name).display().to_string();
    let (network, rules) = (place("captures/interconnect/network.toml"), place("rules"));
    let capture = place("captures/interconnect/input.pcap.zst");
    let asked = ["replay", "--network", &network, "--rules", &rules, "--out", "out/demo", &capture];
    let report = printed(folder.path(), &asked);
    // How long it takes is another thing each time.
    let (before, line) = report.split_once(" on disk, in ").unwrap();
    let (_, after) = line.split_once('\n').unwrap();
    holds("demonstration", &format!("{before} on disk, in 0.40 s\n{after}"));

    // In the same test: both write to the document.
    let evaluation = printed(&root(), &["evaluate", "--truth", "captures/interconnect"]);
    let (summary, _) = evaluation.split_once("\nClasses\n").unwrap();
    holds("evaluation", summary);
}

#[test]
fn the_smallest_live_configuration_is_accepted_and_does_what_is_said() {
    let document = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = document.split_once("### Run it live\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let blocks = |kind: &str| -> Vec<String> {
        let start = format!("```{kind}\n");
        section.split(&start).skip(1).map(|part| part.split_once("```").unwrap().0.to_owned()).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    fs::create_dir_all(live.join("records")).unwrap();
    for block in blocks("toml") {
        let (name, _) = block.split_once('\n').unwrap();
        fs::write(folder.path().join(name.trim_start_matches("# ")), block).unwrap();
    }
    printed(folder.path(), &["check", "--config", "live"]);

    // The same at addresses that nobody uses.
    let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [http, admin] = taken.map(|listener| listener.local_addr().unwrap().to_string());
    let sip = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let moved = |text: &str| {
        let text = text.replace("127.0.0.1:8081", &http).replace("127.0.0.1:9464", &admin);
        text.replace("127.0.0.1:5070", &sip)
    };
    let path = live.join("tollgate.toml");
    let text = moved(&fs::read_to_string(&path).unwrap());
    fs::write(&path, format!("{text}\n[admin]\nlisten = \"{admin}\"\n")).unwrap();
    let mut daemon = Daemon::start(&live, None, &admin);
    let commands = blocks("sh").pop().unwrap();
    let said = |start: &str| {
        let line = commands.lines().find(|line| line.starts_with(start)).unwrap();
        let run = Command::new("sh")
            .args(["-c", &moved(line)])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned()
    };
    assert!(said("curl -s http://127.0.0.1:8081").contains("\"decision\":\"block\""));
    let by_sip = said("sipp");
    if by_sip.contains("not found") {
        println!("SKIPPED: sipp: {by_sip}");
    } else {
        assert!(by_sip.contains("SIP/2.0 404"), "{by_sip}");
    }
    let counted = said("curl -s http://127.0.0.1:9464");
    assert!(
        counted.contains("tollgate_decisions_total{") && counted.contains("adapter=\"http\""),
        "{counted}"
    );
    wait_for("a record", || said("cat").contains("\"decision\":\"block\"").then_some(()));
    daemon.stop();
}
