//! `[roaming]` with a `url`: whom to ask where subscribers are, how long to wait, how long an answer holds.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;

use crate::config::raw::{Findings, RawRoaming, count};
use crate::lookup::{ClientOptions, Options};

const DEADLINE: Duration = Duration::from_millis(250);
/// For a replay, where nobody waits. A switch sends its INVITE again after half a second (RFC 3261 §17.1.1.1, T1).
const DEADLINE_MAX: Duration = Duration::from_secs(10);
const HOLD: Duration = Duration::from_secs(60);
const HOLD_MAX: Duration = Duration::from_secs(3600);
const ANSWERS_MAX: usize = 200_000;
const CONCURRENCY: usize = 16;

/// What the file says; `None` when it names nobody to ask, or something is wrong.
pub(super) fn read_look_ups(
    raw: &RawRoaming,
    directory: &Path,
    findings: &mut Findings<'_>,
) -> Option<Options> {
    let span = raw.span.clone()?;
    let Some(url) = &raw.url else {
        if raw.file.is_none() {
            findings.add(span, "`roaming` has neither `file` nor `url`", "");
        }
        let for_url =
            [&raw.token_file, &raw.ca_file, &raw.deadline, &raw.cache, &raw.cache_max, &raw.concurrency];
        for key in for_url.into_iter().flatten() {
            findings.add(key.span(), "means something only with a `url`", "");
        }
        return None;
    };
    if let Some(file) = &raw.file {
        findings.add(file.span(), "states come from a `file` or from a `url`, not from both", "");
    }
    check_url(url, raw.token_file.is_some(), findings);
    let file = |name: &Option<Spanned<String>>, findings: &mut Findings<'_>| {
        let name = name.as_ref()?;
        let path = directory.join(name.get_ref());
        if !path.is_file() {
            findings.add(
                name.span(),
                format!("{}: no such file", path.display()),
                "paths are relative to this file",
            );
        }
        Some(path)
    };
    let concurrency = count(&raw.concurrency, CONCURRENCY, 1..=256, findings);
    Some(Options {
        client: ClientOptions {
            url: url.get_ref().clone(),
            token_file: file(&raw.token_file, findings),
            ca_file: file(&raw.ca_file, findings),
            connections: concurrency,
        },
        deadline: span_of(&raw.deadline, DEADLINE, DEADLINE_MAX, findings),
        hold: span_of(&raw.cache, HOLD, HOLD_MAX, findings),
        answers_max: count(&raw.cache_max, ANSWERS_MAX, 1..=10_000_000, findings),
        concurrency,
    })
}

fn check_url(url: &Spanned<String>, has_token: bool, findings: &mut Findings<'_>) {
    let example = "such as https://api.operator.example/device-roaming-status/v1";
    let uri: Option<ureq::http::Uri> = url.get_ref().parse().ok();
    let Some(uri) = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty())) else {
        findings.add(url.span(), "not the address of a server", example);
        return;
    };
    if uri.query().is_some() || url.get_ref().ends_with("/retrieve") {
        findings.add(url.span(), "the server's address alone: `/retrieve` is added", example);
    }
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if !has_token || uri.host().is_some_and(is_loopback) => {}
        Some("http") => findings.add(url.span(), "a token is not sent in the clear", "use https"),
        _ => findings.add(url.span(), "neither https nor http", example),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A span written `250ms` or `60s`, at least a millisecond.
pub(super) fn span_of(
    text: &Option<Spanned<String>>,
    otherwise: Duration,
    longest: Duration,
    findings: &mut Findings<'_>,
) -> Duration {
    let Some(text) = text else { return otherwise };
    let written = text.get_ref();
    let parsed = match written.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => written.strip_suffix('s').and_then(|number| number.parse().ok()).map(Duration::from_secs),
    };
    match parsed {
        Some(span) if !span.is_zero() && span <= longest => span,
        _ => {
            let message = format!("a span up to {} ms, with its unit", longest.as_millis());
            findings.add(text.span(), message, "such as 250ms or 60s");
            otherwise
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::RawNetwork;

    fn read(keys: &str) -> Result<Option<Options>, String> {
        let text = format!("home = \"PL\"\n[roaming]\n{keys}\n");
        let mut findings = Findings::new("n.toml", &text);
        let raw = RawNetwork::read(&text, &mut findings);
        let options = read_look_ups(&raw.roaming, Path::new("/nonexistent"), &mut findings);
        match &findings.into_sorted()[..] {
            [] => Ok(options),
            all => Err(all
                .iter()
                .map(|finding| finding.to_string().lines().next().unwrap().to_owned())
                .collect()),
        }
    }

    #[test]
    fn reads_whom_to_ask_and_has_a_default_for_the_rest() {
        let options = read("url = \"https://api.example/device-roaming-status/v1\"").unwrap().unwrap();
        assert_eq!((options.deadline, options.hold), (DEADLINE, HOLD));
        assert_eq!((options.answers_max, options.concurrency), (ANSWERS_MAX, CONCURRENCY));
        let options = read(
            "url = \"http://[::1]:8080/v1\"\ndeadline = \"100ms\"\ncache = \"5s\"\ncache-max = 10\nconcurrency = 2",
        )
        .unwrap()
        .unwrap();
        assert_eq!((options.deadline.as_millis(), options.hold.as_secs()), (100, 5));
        assert_eq!((options.answers_max, options.client.connections), (10, 2));
        assert!(read("file = \"r.csv\"").unwrap().is_none());
    }

    #[test]
    fn shows_what_is_wrong() {
        for (keys, expected) in [
            ("", "n.toml:2:1: `roaming` has neither `file` nor `url`"),
            ("file = \"a\"\nurl = \"https://a/b\"", "n.toml:3:8: states come from a `file` or"),
            ("file = \"a\"\ncache = \"60s\"", "n.toml:4:9: means something only with a `url`"),
            ("url = \"api.example\"", "n.toml:3:7: neither https nor http"),
            ("url = \"https://\"", "n.toml:3:7: not the address of a server"),
            ("url = \"ftp://a/b\"", "n.toml:3:7: neither https nor http"),
            ("url = \"https://a/v1/retrieve\"", "n.toml:3:7: the server's address alone"),
            ("url = \"https://a/b\"\ntoken-file = \"t\"", "n.toml:4:14: /nonexistent/t: no such file"),
            ("url = \"https://a/b\"\ndeadline = \"11s\"", "n.toml:4:12: a span up to 10000 ms"),
            ("url = \"https://a/b\"\ndeadline = \"0ms\"", "n.toml:4:12: a span up to 10000 ms"),
            ("url = \"https://a/b\"\ncache = \"60\"", "n.toml:4:9: a span up to 3600000 ms"),
            ("url = \"https://a/b\"\nconcurrency = 0", "n.toml:4:15: 1 to 256"),
            ("url = \"https://a/b\"\ncache-max = -1", "n.toml:4:13: 1 to 10000000"),
        ] {
            let shown = read(keys).unwrap_err();
            assert!(shown.starts_with(expected), "{keys}:\n{shown}");
        }
        let shown = read("url = \"http://a/b\"\ntoken-file = \"t\"").unwrap_err();
        assert!(shown.starts_with("n.toml:3:7: a token is not sent in the clear"), "{shown}");
    }
}
