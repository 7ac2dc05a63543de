//! `[stir]`: who is trusted to vouch for those who sign for calls, which certificates are known beforehand, where others may be
//! fetched, how long to wait.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use crate::base::caret::Caret;
use crate::base::sheet::read_rows;
use crate::config::look_ups::span_of;
use crate::config::network::Files;
use crate::config::raw::{Findings, RawStir, count};
use crate::stir::{Anchors, Chain, FetchOptions, Local, Options};

const DEADLINE: Duration = Duration::from_millis(250);
/// As of look-ups: for a replay, where nobody waits.
const DEADLINE_MAX: Duration = Duration::from_secs(10);
/// RFC 8224 §6.2 leaves it to policy; ATIS-1000074 §5.3.1 has a minute.
const FRESHNESS: Duration = Duration::from_secs(60);
const FRESHNESS_MAX: Duration = Duration::from_secs(3600);
const CACHE: Duration = Duration::from_secs(24 * 3600);
const CACHE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
const CERTIFICATES_MAX: usize = 10_000;
const CONCURRENCY: usize = 8;
const THREADS: usize = 2;
/// Largest file of certificates read, in octets.
const PEM_MAX: u64 = 1024 * 1024;
/// Most files of anchors.
const ANCHORS_MAX: usize = 1_000;
const RELATIVE: &str = "paths are relative to this file";

/// What the file says; `None` when it says nothing, or something is wrong.
pub(super) fn read_stir(
    raw: &RawStir,
    files: &mut Files<'_>,
    findings: &mut Findings<'_>,
) -> Option<Options> {
    raw.span.as_ref()?;
    let anchors = anchors(raw.anchors.as_ref()?, files.directory, findings);
    let directory = files.directory;
    let parse = |path: &str, text: &str| parse_certificates((path, text), directory);
    let local = raw.certificates.as_ref().and_then(|file| files.read(file, findings, parse));
    let options = Options {
        anchors: Arc::new(anchors),
        local: Arc::new(local.unwrap_or_default()),
        fetch: fetch(raw, directory, findings),
        freshness: span_of(&raw.freshness, FRESHNESS, FRESHNESS_MAX, findings),
        deadline: span_of(&raw.deadline, DEADLINE, DEADLINE_MAX, findings),
        certificates_max: count(&raw.cache_max, CERTIFICATES_MAX, 16..=1_000_000, findings),
        threads: count(&raw.threads, THREADS, 1..=64, findings),
    };
    Some(options)
}

/// All files of a directory that end as PEM files do.
fn anchors(name: &Spanned<String>, directory: &Path, findings: &mut Findings<'_>) -> Anchors {
    let folder = directory.join(name.get_ref());
    let mut anchors = Anchors::new();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            findings.add(name.span(), format!("{}: {error}", folder.display()), "a directory of PEM files");
            return anchors;
        }
    };
    let is_pem = |path: &std::path::PathBuf| {
        path.extension()
            .is_some_and(|end| ["pem", "crt", "cer"].iter().any(|known| end.eq_ignore_ascii_case(known)))
    };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_pem).collect();
    paths.sort();
    if paths.len() > ANCHORS_MAX {
        findings.add(name.span(), format!("{}: more than {ANCHORS_MAX} files", folder.display()), "");
        paths.clear();
    }
    for path in &paths {
        let added = pem(path).and_then(|text| anchors.add(&text));
        if let Err(why) = added {
            findings.add(name.span(), format!("{}: {why}", path.display()), "");
        }
    }
    if paths.is_empty() {
        findings.add(
            name.span(),
            format!("{}: no file ends in .pem, .crt or .cer", folder.display()),
            RELATIVE,
        );
    }
    anchors
}

fn pem(path: &Path) -> Result<Vec<u8>, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > PEM_MAX {
        return Err(format!("more than {PEM_MAX} octets"));
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// Rows of `x5u,file`: the address that PASSporTs name, and the file that has what is there.
fn parse_certificates((path, text): (&str, &str), directory: &Path) -> Result<Local, Vec<Caret>> {
    let mut local = Local::default();
    read_rows((path, text), &["x5u", "file"], &[], |row, findings| {
        let (x5u, file) = (row.cell(0), directory.join(row.cell(1)));
        if x5u.is_empty() {
            return findings.push(row.finding(0, "no address"));
        }
        let chain = pem(&file).and_then(|text| Chain::parse(&text));
        match chain {
            Ok(chain) => {
                if !local.add(x5u, chain) {
                    findings.push(row.finding(0, "an earlier row has this address"));
                }
            }
            Err(why) => {
                findings.push(row.finding(1, format!("{}: {why}", file.display())).with_help(RELATIVE))
            }
        }
    })?;
    Ok(local)
}

fn fetch(raw: &RawStir, directory: &Path, findings: &mut Findings<'_>) -> Option<FetchOptions> {
    if raw.fetch_from.is_empty() {
        for key in [&raw.ca_file, &raw.cache, &raw.cache_max, &raw.concurrency].into_iter().flatten() {
            findings.add(key.span(), "means something only with `fetch-from`", "");
        }
        return None;
    }
    for host in &raw.fetch_from {
        if !is_host(host.get_ref()) {
            findings.add(
                host.span(),
                "not a host",
                "such as cr.example.com, *.example.com or cr.example.com:8443",
            );
        }
    }
    let ca_file = raw.ca_file.as_ref().map(|name| (directory.join(name.get_ref()), name));
    if let Some((path, name)) = ca_file.as_ref().filter(|(path, _)| !path.is_file()) {
        findings.add(name.span(), format!("{}: no such file", path.display()), RELATIVE);
    }
    Some(FetchOptions {
        hosts: raw.fetch_from.iter().map(|host| host.get_ref().to_ascii_lowercase()).collect(),
        ca_file: ca_file.map(|(path, _)| path),
        allows_private: raw.private_addresses,
        hold: span_of(&raw.cache, CACHE, CACHE_MAX, findings),
        concurrency: count(&raw.concurrency, CONCURRENCY, 1..=64, findings),
    })
}

/// A name of at least two parts or an address, after `*.` or not, before a port or not. `*` alone would be anybody.
fn is_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "443"));
    let (below, name) = name.strip_prefix("*.").map_or((false, name), |name| (true, name));
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    port.parse::<u16>().is_ok_and(|port| port > 0)
        && name.split('.').all(is_part)
        && (!below || name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::network::load_network;

    /// Findings about a network file with these keys of `[stir]`, beside good anchors and a certificate.
    fn read(keys: &str, certificates: &str) -> Result<Option<Options>, String> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("anchors")).unwrap();
        fs::create_dir_all(at("empty")).unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        fs::write(at("anchors/a.pem"), made.cert.pem()).unwrap();
        fs::write(at("a.pem"), made.cert.pem()).unwrap();
        fs::write(at("bad.pem"), "nothing").unwrap();
        fs::write(at("certificates.csv"), format!("x5u,file\n{certificates}\n")).unwrap();
        fs::write(at("n.toml"), format!("home = \"US\"\n[stir]\n{keys}\n")).unwrap();
        let shown = format!("{}/", folder.path().display());
        load_network(&at("n.toml"))
            .map(|loaded| loaded.stir)
            .map_err(|error| error.to_string().replace(&shown, ""))
    }

    #[test]
    fn reads_whom_to_trust_and_has_a_default_for_the_rest() {
        let options = read("anchors = \"anchors\"", "").unwrap().unwrap();
        assert_eq!((options.anchors.len(), options.local.len(), options.fetch.is_none()), (1, 0, true));
        assert_eq!((options.deadline, options.freshness, options.threads), (DEADLINE, FRESHNESS, THREADS));
        let keys = "anchors = \"anchors\"\ncertificates = \"certificates.csv\"\nfetch-from = [\"CR.example.com\", \
            \"*.example.org:8443\"]\nca-file = \"a.pem\"\nprivate-addresses = true\ncache = \"60s\"\ncache-max = 20\n\
            deadline = \"100ms\"\nfreshness = \"30s\"\nconcurrency = 2\nthreads = 1";
        let options = read(keys, "https://cr.example.com/a.pem,a.pem").unwrap().unwrap();
        assert_eq!((options.local.len(), options.certificates_max, options.threads), (1, 20, 1));
        assert_eq!((options.deadline.as_millis(), options.freshness.as_secs()), (100, 30));
        let fetch = options.fetch.unwrap();
        assert_eq!(fetch.hosts, ["cr.example.com", "*.example.org:8443"]);
        assert_eq!((fetch.hold.as_secs(), fetch.concurrency, fetch.allows_private), (60, 2, true));
        assert!(fetch.ca_file.is_some_and(|path| path.ends_with("a.pem")));
    }

    #[test]
    fn shows_what_is_wrong() {
        const GOOD: &str = "anchors = \"anchors\"\n";
        for (keys, certificates, expected) in [
            ("", "", "n.toml:2:1: `stir` has no `anchors`"),
            ("anchors = \"nowhere\"", "", "n.toml:3:11: nowhere: No such file"),
            ("anchors = \"empty\"", "", "n.toml:3:11: empty: no file ends in .pem"),
            ("anchors = \".\"", "", "n.toml:3:11: ./bad.pem: no certificate in PEM"),
            (&format!("{GOOD}cache = \"60s\""), "", "n.toml:4:9: means something only with `fetch-from`"),
            (&format!("{GOOD}fetch-from = [\"*\"]"), "", "n.toml:4:15: not a host"),
            (&format!("{GOOD}fetch-from = [\"*.com\"]"), "", "n.toml:4:15: not a host"),
            (&format!("{GOOD}fetch-from = [\"https://a.b\"]"), "", "n.toml:4:15: not a host"),
            (&format!("{GOOD}fetch-from = [\"a.b:0\"]"), "", "n.toml:4:15: not a host"),
            (&format!("{GOOD}fetch-from = [\"a.b\"]\nca-file = \"x\""), "", "n.toml:5:11: x: no such file"),
            (&format!("{GOOD}freshness = \"2h\""), "", "n.toml:4:13: a span up to 3600000 ms"),
            (&format!("{GOOD}deadline = \"11s\""), "", "n.toml:4:12: a span up to 10000 ms"),
            (&format!("{GOOD}threads = 0"), "", "n.toml:4:11: 1 to 64"),
            (&format!("{GOOD}anchor = 1"), "", "n.toml:4:1: `stir` has no key `anchor`"),
        ] {
            let shown = read(keys, certificates).unwrap_err();
            assert!(shown.starts_with(expected), "{keys}:\n{shown}");
        }
        let keys = format!("{GOOD}certificates = \"certificates.csv\"");
        for (rows, expected) in [
            ("https://a/a.pem,bad.pem", "certificates.csv:2:17: bad.pem: no certificate in PEM"),
            ("https://a/a.pem,none.pem", "certificates.csv:2:17: none.pem: No such file"),
            (",a.pem", "certificates.csv:2:1: no address"),
            ("https://a/a,a.pem\nhttps://a/a,a.pem", "certificates.csv:3:1: an earlier row has this address"),
        ] {
            let shown = read(&keys, rows).unwrap_err();
            assert!(shown.starts_with(expected), "{rows}:\n{shown}");
        }
    }
}
