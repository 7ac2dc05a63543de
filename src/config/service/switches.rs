//! `[dip]` and `[proxy]`: how switches ask by SIP. `docs/dip.md` and `docs/proxy.md` describe them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

use crate::adapter::dip::{DipLimits, DipOptions, Profile, ProfileError, ProfileOptions, Redress};
use crate::adapter::proxy::{ProxyOptions, SideOptions};
use crate::base::map::Seed;
use crate::config::service::Patience;
use crate::config::service::ProxyPatience;
use crate::config::service::range::Span;
use crate::tls::TlsOptions;
use crate::wire::sip::ingress::PEER_HEADER;

/// `[dip]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RawDip {
    udp: Vec<SocketAddr>,
    tcp: Vec<SocketAddr>,
    tls: Vec<SocketAddr>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    peer_header: String,
    deadline: Option<Patience>,
    allow: String,
    block: String,
    mask: Option<String>,
    monetise: Option<String>,
    reason: bool,
    redress_url: Option<String>,
    redress_telephone: Option<String>,
    redress_email: Option<String>,
    redress_location: String,
}

impl Default for RawDip {
    fn default() -> Self {
        let profile = ProfileOptions::default();
        Self {
            udp: Vec::new(),
            tcp: Vec::new(),
            tls: Vec::new(),
            certificate: None,
            key: None,
            client_ca: None,
            peer_header: PEER_HEADER.to_owned(),
            deadline: None,
            allow: profile.allow,
            block: profile.block,
            mask: profile.mask,
            monetise: profile.monetise,
            reason: profile.reason,
            redress_url: None,
            redress_telephone: None,
            redress_email: None,
            redress_location: profile.redress.location,
        }
    }
}

impl RawDip {
    /// As it is meant, relative to the directory of the file, or everything that is wrong with it.
    pub fn options(self, directory: &Path) -> Result<DipOptions, Vec<String>> {
        let mut wrong = Vec::new();
        if self.udp.is_empty() && self.tcp.is_empty() && self.tls.is_empty() {
            wrong.push("a dip listens at an address: `udp`, `tcp` or `tls`".to_owned());
        }
        let certificates = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(TlsOptions {
                certificate: directory.join(certificate),
                key: directory.join(key),
                client_ca: self.client_ca.map(|path| directory.join(path)),
            }),
            (None, None) if self.tls.is_empty() => None,
            _ => {
                wrong.push("`tls` needs a `certificate` and its `key`".to_owned());
                None
            }
        };
        let profile = Profile::new(&ProfileOptions {
            allow: self.allow,
            block: self.block,
            mask: self.mask,
            monetise: self.monetise,
            reason: self.reason,
            redress: Redress {
                url: self.redress_url,
                telephone: self.redress_telephone,
                email: self.redress_email,
                location: self.redress_location,
            },
        });
        let found = |errors: Vec<ProfileError>| wrong.extend(errors.iter().map(ToString::to_string));
        match profile.map_err(found) {
            Ok(profile) if wrong.is_empty() => Ok(DipOptions {
                udp: self.udp,
                tcp: self.tcp,
                tls: self.tls,
                certificates,
                peer_header: self.peer_header,
                deadline: self.deadline.map_or(DEADLINE, |span| span.0),
                profile,
                seed: Seed::default(),
                limits: DipLimits::default(),
            }),
            _ => Err(wrong),
        }
    }
}

/// How long a switch waits, unless told otherwise.
const DEADLINE: std::time::Duration = std::time::Duration::from_millis(50);

/// `[proxy]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawProxy {
    carriers: RawSide,
    core: RawSide,
    record_route: Option<bool>,
    deadline: Option<ProxyPatience>,
    monetise_header: Option<(String, String)>,
    #[serde(default)]
    keep_asserted: bool,
    probe_every: Option<Span<100, 600_000, true>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSide {
    listen: SocketAddr,
    #[serde(default)]
    networks: Vec<IpNet>,
    #[serde(default)]
    next_hops: Vec<SocketAddr>,
}

impl From<RawSide> for SideOptions {
    fn from(raw: RawSide) -> Self {
        Self { listen: raw.listen, networks: raw.networks, next_hops: raw.next_hops }
    }
}

impl From<RawProxy> for ProxyOptions {
    fn from(raw: RawProxy) -> Self {
        let default = Self::between(raw.carriers.into(), raw.core.into(), Seed::default());
        Self {
            record_route: raw.record_route.unwrap_or(default.record_route),
            deadline: raw.deadline.map_or(default.deadline, |span| span.0),
            monetise_header: raw.monetise_header,
            keep_asserted: raw.keep_asserted,
            // Zero takes all next hops for alive.
            probe_every: match raw.probe_every {
                Some(span) if span.0.is_zero() => None,
                Some(span) => Some(span.0),
                None => default.probe_every,
            },
            ..default
        }
    }
}
