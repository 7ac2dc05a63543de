//! Certificates from the network, by the address that a PASSporT names: an address that whoever sends a call chose.
//!
//! So nothing but `GET` by https to hosts that the operator named, on their ports, to addresses that are public; no redirection is
//! followed, no proxy asked; size and time have limits. A host that is named and resolves to a private address is refused when the
//! connection is made, to the very address that was checked. RFC 8226 §11, ATIS-1000074 §5.3.1, RFC 9111 §5.2 (max-age).

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use crate::call::StirReason;
use crate::stir::Chain;

/// Ports that are asked where the operator names none (ATIS-1000080 §6.3).
const PORTS: [u16; 2] = [443, 8443];
/// Longest address taken, in octets.
const ADDRESS_MAX: usize = 512;
/// Largest file read, in octets; a true one has some thousand.
const FILE_MAX: u64 = 64 * 1024;
/// Largest header of an answer, in octets.
const HEADER_MAX: usize = 16 * 1024;
/// Longest that one fetch takes: it goes on when the call that needed it has been judged, for the next one.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an address that gave nothing is left alone.
pub const FAILURE_HOLD: Duration = Duration::from_secs(30);
/// Shortest that a certificate is held, whatever the server says: else every call would fetch it.
const HOLD_MIN: Duration = Duration::from_secs(60);

/// How to fetch certificates.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Hosts: `cr.example.com`, `*.example.com` for all below, each with a port or not. Small letters.
    pub hosts: Vec<String>,
    /// File with certificates in PEM of those who may sign the servers'; the common ones when not given.
    pub ca_file: Option<PathBuf>,
    /// Whether addresses that are not public may be asked too.
    pub allows_private: bool,
    /// Longest that a certificate is held.
    pub hold: Duration,
    /// Most fetches under way.
    pub concurrency: usize,
}

/// Fetches.
#[derive(Debug)]
pub(super) struct Fetcher {
    agent: Agent,
    hosts: Vec<String>,
    hold: Duration,
}

impl Fetcher {
    /// A client that has fetched nothing yet.
    ///
    /// # Errors
    /// The file that cannot be read, or what is wrong in it.
    pub(super) fn new(options: &FetchOptions) -> io::Result<Self> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &options.ca_file {
            let certificates = certificates(path);
            tls = tls.root_certs(
                certificates
                    .map_err(|why| io::Error::new(why.kind(), format!("{}: {why}", path.display())))?,
            );
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .https_only(true)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_response_header_size(HEADER_MAX)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(options.concurrency)
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Guarded { inner: DefaultResolver::default(), allows_private: options.allows_private };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Ok(Self { agent, hosts: options.hosts.clone(), hold: options.hold })
    }

    /// Whether this address may be asked.
    ///
    /// # Errors
    /// [`StirReason::X5u`] when it is none by https; [`StirReason::X5uRefused`] when nobody named its host.
    pub(super) fn admit(&self, x5u: &str) -> Result<(), StirReason> {
        let uri = checked(x5u)?;
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(443);
        let is_named = |named: &String| {
            let (name, own) = match named.rsplit_once(':') {
                Some((name, port)) if !named.ends_with(']') => (name, port.parse().ok()),
                _ => (named.as_str(), None),
            };
            let is_host = match name.strip_prefix('*') {
                Some(end) => host.len() > end.len() && host.ends_with(end),
                None => host == name,
            };
            is_host && own.map_or(PORTS.contains(&port), |own: u16| own == port)
        };
        if self.hosts.iter().any(is_named) { Ok(()) } else { Err(StirReason::X5uRefused) }
    }

    /// Fetches a certificate; how long what came of it holds.
    pub(super) fn fetch(&self, x5u: &str) -> (Result<Chain, StirReason>, Duration) {
        match self.get(x5u) {
            Ok((pem, hold)) => (Chain::parse(&pem).map_err(|_| StirReason::BadCertificate), hold),
            Err(Error::BadUri(_)) => (Err(StirReason::X5uRefused), FAILURE_HOLD),
            Err(_) => (Err(StirReason::FetchFailed), FAILURE_HOLD),
        }
    }

    fn get(&self, x5u: &str) -> Result<(Vec<u8>, Duration), Error> {
        let mut response =
            self.agent.get(x5u).header("accept", "application/pem-certificate-chain").call()?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(Error::StatusCode(status));
        }
        let control = response.headers().get("cache-control").and_then(|value| value.to_str().ok());
        let hold =
            control.and_then(max_age).map_or(self.hold, |told| told.clamp(HOLD_MIN, self.hold.max(HOLD_MIN)));
        let pem = response.body_mut().with_config().limit(FILE_MAX).read_to_vec()?;
        Ok((pem, hold))
    }
}

/// An address by https, of a host, without a user. One with a query or a fragment is not asked (ATIS-1000074 §5.3.1): whoever calls
/// could make a new address of an old one for each call.
///
/// # Errors
/// [`StirReason::X5u`]; [`StirReason::X5uRefused`].
pub fn checked(x5u: &str) -> Result<Uri, StirReason> {
    let uri: Option<Uri> = (x5u.len() <= ADDRESS_MAX).then(|| x5u.parse().ok()).flatten();
    let is_good = |uri: &Uri| {
        uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    };
    let uri = uri.filter(is_good).ok_or(StirReason::X5u)?;
    if x5u.contains(['?', '#']) { Err(StirReason::X5uRefused) } else { Ok(uri) }
}

/// `max-age` of Cache-Control; nothing is to be held where it says so.
fn max_age(control: &str) -> Option<Duration> {
    let mut words = control.split(',').map(|word| word.trim().to_ascii_lowercase());
    if words.clone().any(|word| matches!(word.as_str(), "no-store" | "no-cache")) {
        return Some(Duration::ZERO);
    }
    words.find_map(|word| {
        word.strip_prefix("max-age=")?.trim_matches('"').parse().ok().map(Duration::from_secs)
    })
}

/// Resolves names, and keeps of their addresses those that may be asked.
#[derive(Debug)]
struct Guarded {
    inner: DefaultResolver,
    allows_private: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        let may_be_asked = |address: &&SocketAddr| self.allows_private || is_public(address.ip());
        found.iter().filter(may_be_asked).for_each(|address| kept.push(*address));
        if kept.is_empty() { Err(Error::BadUri("no public address".to_owned())) } else { Ok(kept) }
    }
}

/// Whether anybody on the Internet may have this address: of no special purpose (RFC 6890), nor one that stands for such an
/// IPv4 address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || first == 0
        || first >= 224
        || first == 100 && second & 0xC0 == 64
        || first == 192 && second == 0 && third == 0
        || first == 198 && second & 0xFE == 18;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    // 2000::/3 is all that was given out; of it not Teredo and the rest of 2001::/23, documentation, 6to4.
    let is_given_out = segments[0] & 0xE000 == 0x2000;
    let is_special = segments[0] == 0x2001 && (segments[1] < 0x0200 || segments[1] == 0x0DB8)
        || segments[0] == 0x2002
        || segments[0] == 0x3FFF && segments[1] < 0x1000;
    is_given_out && !is_special
}

fn certificates(path: &Path) -> io::Result<RootCerts> {
    let text = fs::read(path)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(io::Error::other)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in PEM"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(hosts: &[&str]) -> Fetcher {
        Fetcher::new(&FetchOptions {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ca_file: None,
            allows_private: false,
            hold: Duration::from_secs(3600),
            concurrency: 1,
        })
        .unwrap()
    }

    #[test]
    fn an_address_is_one_and_not_a_new_one_each_time() {
        for (x5u, refused) in [
            ("https://cr.example.com/a.pem", None),
            ("https://cr.example.com:8443/a.pem", None),
            ("https://cr.example.com/a.pem?n=1", Some(StirReason::X5uRefused)),
            ("https://cr.example.com/a.pem?", Some(StirReason::X5uRefused)),
            ("https://cr.example.com/a.pem#1", Some(StirReason::X5uRefused)),
            ("https://user@cr.example.com/a.pem", Some(StirReason::X5u)),
            ("http://cr.example.com/a.pem", Some(StirReason::X5u)),
        ] {
            assert_eq!(checked(x5u).err(), refused, "{x5u}");
        }
    }

    #[test]
    fn asks_only_hosts_that_were_named_and_only_by_https() {
        let fetcher = fetcher(&["cr.example.com", "*.sti.example", "lab.example:9443"]);
        let refused = Err(StirReason::X5uRefused);
        for (x5u, expected) in [
            ("https://cr.example.com/a.pem", Ok(())),
            ("https://CR.Example.com:8443/a.pem", Ok(())),
            ("https://cr.example.com:22/a.pem", refused),
            ("https://a.b.sti.example/a.pem", Ok(())),
            ("https://sti.example/a.pem", refused),
            ("https://evilsti.example/a.pem", refused),
            ("https://lab.example:9443/a.pem", Ok(())),
            ("https://lab.example/a.pem", refused),
            ("https://cr.example.com.evil.example/a.pem", refused),
            ("https://127.0.0.1/a.pem", refused),
            ("https://[::1]/a.pem", refused),
            ("http://cr.example.com/a.pem", Err(StirReason::X5u)),
            ("file:///etc/passwd", Err(StirReason::X5u)),
            ("https:///a.pem", Err(StirReason::X5u)),
            ("https://evil.example@cr.example.com/a.pem", Err(StirReason::X5u)),
            ("cr.example.com", Err(StirReason::X5u)),
            ("", Err(StirReason::X5u)),
        ] {
            assert_eq!(fetcher.admit(x5u), expected, "{x5u}");
        }
        let long = format!("https://cr.example.com/{}", "a".repeat(ADDRESS_MAX));
        assert_eq!(fetcher.admit(&long), Err(StirReason::X5u));
    }

    #[test]
    fn knows_what_is_public() {
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn a_name_of_a_private_address_is_refused() {
        let (found, hold) = fetcher(&["localhost"]).fetch("https://localhost/a.pem");
        assert_eq!((found.err(), hold), (Some(StirReason::X5uRefused), FAILURE_HOLD));
        let (found, _) = fetcher(&["127.0.0.1"]).fetch("https://127.0.0.1/a.pem");
        assert_eq!(found.err(), Some(StirReason::X5uRefused));
    }

    #[test]
    fn reads_how_long_an_answer_holds() {
        let seconds = |text: &str| max_age(text).map(|span| span.as_secs());
        assert_eq!(seconds("public, Max-Age=3600"), Some(3600));
        assert_eq!(seconds("max-age=\"60\", must-revalidate"), Some(60));
        assert_eq!(
            (seconds("max-age=60, no-store"), seconds("public"), seconds("max-age=x")),
            (Some(0), None, None)
        );
    }
}
