//! Every capture of this project decodes in another decoder, too, without a malformed frame or an expert's error.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn captures_decode_without_an_expert_error() {
    if Command::new("tshark").arg("--version").stdout(Stdio::null()).status().is_err() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: tshark is not installed; ./dev test installs it");
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
        let mut input = tempfile::NamedTempFile::new().unwrap();
        input.write_all(&bytes).unwrap();
        let filter = "_ws.malformed || _ws.expert.severity == \"Error\"";
        let run = Command::new("tshark").args(["-n", "-Y", filter, "-r"]).arg(input.path()).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&run.stderr));
        assert!(
            said.is_empty(),
            "{}:\n{}",
            folder.display(),
            said.lines().take(5).collect::<Vec<_>>().join("\n")
        );
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} captures were checked");
}
