//! What `README.md` shows of the demonstration is what the program prints.
//!
//! `UPDATE_EXPECT=1 cargo test --test readme` renews it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
