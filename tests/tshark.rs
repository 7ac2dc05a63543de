//! Every capture of this project decodes in another decoder, too, without a malformed frame or an expert's error.

#[path = "common/scripts.rs"]
mod scripts;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tollgate::simulate::attempt::Calling;
use tollgate::simulate::render::{micros, packet};
use tollgate::simulate::world::World;
use tollgate::simulate::{Scenario, Traffic};

#[test]
fn captures_decode_without_an_expert_error() {
    if !has_tshark() {
        return;
    }
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut checked = 0;
    for folder in fs::read_dir(captures).unwrap().map(|entry| entry.unwrap().path()) {
        let (plain, packed) = (folder.join("input.pcap"), folder.join("input.pcap.zst"));
        let bytes = match (fs::read(plain), fs::read(packed)) {
            (Ok(bytes), _) => bytes,
            (_, Ok(bytes)) => zstd::decode_all(&bytes[..]).unwrap(),
            _ => continue,
        };
        let said = errors(&bytes);
        assert!(said.is_empty(), "{}:\n{said}", folder.display());
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} captures were checked");
}

#[test]
fn made_traffic_decodes_without_an_expert_error() {
    if !has_tshark() {
        return;
    }
    let small = include_str!("../scenarios/small.toml");
    let scenario = Scenario::parse("small.toml", small).unwrap();
    let world = Arc::new(World::new(&scenario, 1).unwrap());
    // A malformed number is an error to other decoders, too.
    let mut scripts = scripts::every(&world);
    scripts.retain(|attempt| !matches!(attempt.calling, Calling::Malformed(_)));
    let scripts = scripts::play(&world, scripts);
    for (what, mut traffic) in [("small.toml", Traffic::new(&scenario, 1).unwrap()), ("scripts", scripts)] {
        let mut bytes = packet::file_header();
        while let Some(frame) = traffic.next_frame() {
            bytes.extend(packet::record_header(micros(frame.at), frame.bytes.len()));
            bytes.extend(frame.bytes);
        }
        assert!(bytes.len() > 1_000_000, "{what}: only {} octets", bytes.len());
        let said = errors(&bytes);
        assert!(said.is_empty(), "{what}:\n{said}");
    }
}

fn has_tshark() -> bool {
    let has = Command::new("tshark").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has {
        let _ = writeln!(std::io::stderr(), "SKIPPED: tshark is not installed; ./dev test installs it");
    }
    has
}

/// The first frames of a capture that are malformed or that an expert calls an error.
fn errors(capture: &[u8]) -> String {
    let mut input = tempfile::NamedTempFile::new().unwrap();
    input.write_all(capture).unwrap();
    let filter = "_ws.malformed || _ws.expert.severity == \"Error\"";
    let run = Command::new("tshark").args(["-n", "-Y", filter, "-r"]).arg(input.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).lines().take(5).collect::<Vec<_>>().join("\n")
}
