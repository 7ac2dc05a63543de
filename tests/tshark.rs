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
use tollgate::wire::isup::layout::{Layout, Rest};
use tollgate::wire::isup::{MessageType, Variant, emit_header_as};

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

/// Messages of every type of Q.763 and T1.113: what is mandatory in them is where another decoder finds it, too.
#[test]
fn every_isup_message_is_laid_out_as_another_decoder_reads_it() {
    if !has_tshark() {
        return;
    }
    for (variant, standard) in [(Variant::Itu, "ITU"), (Variant::Ansi, "ANSI")] {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let layouts: Vec<&Layout> =
            all.iter().filter_map(|code| Layout::of(variant, MessageType(*code))).collect();
        let layouts: Vec<_> = layouts.into_iter().filter(|layout| layout.rest != Rest::Opaque).collect();
        let mut capture = packet::file_header();
        // LINKTYPE_MTP3, of the tcpdump registry.
        capture[20..24].copy_from_slice(&141_u32.to_le_bytes());
        for layout in &layouts {
            let mut bytes = vec![0x85];
            bytes.extend(if variant == Variant::Ansi {
                &[1, 2, 3, 4, 5, 6, 0][..]
            } else {
                &[1, 0x80, 0, 0]
            });
            bytes.extend(mandatory(variant, layout));
            capture.extend(packet::record_header(0, bytes.len()));
            capture.extend(bytes);
        }
        let read = read(&capture, standard);
        assert_eq!(read.len(), layouts.len(), "{standard}");
        for (layout, (message_type, parameters)) in layouts.iter().zip(read) {
            let fixed = layout.fixed.iter().map(|(code, _)| *code);
            let expected: Vec<String> =
                fixed.chain(layout.variable.iter().copied()).map(|code| code.to_string()).collect();
            assert_eq!(message_type, layout.message_type.0.to_string(), "{standard} {}", layout.acronym);
            assert_eq!(parameters, expected.join(","), "{standard} {}", layout.acronym);
        }
    }
}

/// A message with its mandatory parameters, and none that is optional.
fn mandatory(variant: Variant, layout: &Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    emit_header_as(variant, 1, layout.message_type, &mut bytes);
    layout.fixed.iter().for_each(|(_, octets)| bytes.extend(vec![0; *octets]));
    let count = layout.variable.len();
    let has_optional = layout.rest == Rest::Optional;
    bytes.extend((0..count).map(|index| (count - index + usize::from(has_optional) + 3 * index) as u8));
    bytes.extend(has_optional.then_some(0));
    layout.variable.iter().for_each(|_| bytes.extend([2, 0x83, 0x90]));
    bytes
}

/// Type and mandatory parameters of each message, as tshark reads them.
fn read(capture: &[u8], standard: &str) -> Vec<(String, String)> {
    let mut input = tempfile::NamedTempFile::new().unwrap();
    input.write_all(capture).unwrap();
    let fields = ["-Tfields", "-eisup.message_type", "-eisup.parameter_type"];
    let standard = format!("mtp3.standard:{standard}");
    let run =
        Command::new("tshark").args(["-n", "-o", &standard, "-r"]).arg(input.path()).args(fields).output();
    let run = run.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    text.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.into(), b.into())).collect()
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
