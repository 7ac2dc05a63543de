//! `[http]`, `[feed]` and `[[push]]`: who may ask over HTTP and tell of calls, and whom lists are pushed to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::adapter::http::HttpOptions;
use crate::adapter::inline::InlineOptions;
use crate::adapter::nfqueue::QueueOptions;
use crate::adapter::nfqueue::rules::{Chain, RuleOptions};
use crate::adapter::push::PushOptions;
use crate::adapter::push::client::ClientOptions;
use crate::base::class::{Class, Subject};
use crate::config::service::Patience;
use crate::config::service::range::{Count, Span};
use crate::inline::isup;
use crate::inline::sip::SipOptions;
use crate::service::inline::PathOptions;

/// `[http]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHttp {
    listen: SocketAddr,
    token_file: Option<PathBuf>,
    #[serde(default)]
    allow_without_token: bool,
    deadline: Option<Patience>,
}

impl RawHttp {
    /// As it is meant, relative to the directory of the file.
    pub fn options(self, directory: &Path) -> HttpOptions {
        let default = HttpOptions::new(self.listen);
        HttpOptions {
            token_file: self.token_file.map(|file| directory.join(file)),
            allow_without_token: self.allow_without_token,
            deadline: self.deadline.map_or(default.deadline, |span| span.0),
            ..default
        }
    }
}

/// `[feed]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Feed {
    /// How long a call that was only asked about waits for its call record, from its setup on.
    pub wait: Span<60_000, 172_800_000>,
    /// How much longer calls are remembered, so that a call record that comes late or again makes no second one.
    pub remember: Span<60_000, 604_800_000>,
    /// Most calls and call records remembered.
    pub remember_max: Count<1_000, 10_000_000>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            wait: Span(Duration::from_secs(5 * 3600)),
            remember: Span(Duration::from_secs(24 * 3600)),
            remember_max: Count(500_000),
        }
    }
}

/// A switch that is pushed a list, and how it is told.
#[derive(Clone, Debug)]
pub struct PushTarget {
    /// What, and how fast.
    pub options: PushOptions,
    /// Where to.
    pub client: ClientOptions,
    /// Kamailio's table; a webhook without it.
    pub table: Option<String>,
}

/// `[[push]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPush {
    name: String,
    kamailio: Option<RawKamailio>,
    webhook: Option<RawWebhook>,
    #[serde(default)]
    classes: Option<Vec<Class>>,
    #[serde(default)]
    subjects: Option<Vec<Subject>>,
    entries_max: Option<Count<1, 10_000_000>>,
    per_second: Option<Count<1, 100_000>>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawKamailio {
    url: String,
    table: String,
    token_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawWebhook {
    url: String,
    token_file: Option<PathBuf>,
}

impl RawPush {
    /// As it is meant, relative to the directory of the file; `None` unless it names one kind of switch.
    pub fn target(self, directory: &Path) -> Option<PushTarget> {
        let (url, token_file, table) = match (self.kamailio, self.webhook) {
            (Some(kamailio), None) => (kamailio.url, kamailio.token_file, Some(kamailio.table)),
            (None, Some(webhook)) => (webhook.url, webhook.token_file, None),
            _ => return None,
        };
        let default = PushOptions::new(&self.name);
        let options = PushOptions {
            classes: self.classes.unwrap_or_else(|| default.classes.clone()),
            subjects: self.subjects.unwrap_or_else(|| default.subjects.clone()),
            entries_max: self.entries_max.map_or(default.entries_max, Count::size),
            per_second: self.per_second.map_or(default.per_second, |count| count.0),
            dry_run: self.dry_run,
            ..default
        };
        let token_file = token_file.map(|file| directory.join(file));
        Some(PushTarget { options, client: ClientOptions { token_file, ..ClientOptions::new(&url) }, table })
    }
}

/// `[inline]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RawInline {
    queue: u16,
    packets_max: Option<Count<16, 1_000_000>>,
    deadline: Option<Patience>,
    install_rules: bool,
    chains: Vec<RawChain>,
    sip_ports: Vec<u16>,
    isup: bool,
    ipv6: bool,
    mtu: Option<Count<576, 65_535>>,
    keep_asserted: bool,
}

impl Default for RawInline {
    fn default() -> Self {
        let rules = RuleOptions::default();
        Self {
            queue: rules.queue,
            packets_max: None,
            deadline: None,
            install_rules: true,
            chains: vec![RawChain::Forward],
            sip_ports: rules.sip_ports,
            isup: true,
            ipv6: rules.ipv6,
            mtu: None,
            keep_asserted: false,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawChain {
    Forward,
    Input,
    Output,
}

impl From<RawInline> for PathOptions {
    fn from(raw: RawInline) -> Self {
        let default = InlineOptions::default();
        let chain = |chain| match chain {
            RawChain::Forward => Chain::Forward,
            RawChain::Input => Chain::Input,
            RawChain::Output => Chain::Output,
        };
        let rules = RuleOptions {
            queue: raw.queue,
            chains: raw.chains.into_iter().map(chain).collect(),
            sip_ports: raw.sip_ports,
            sctp: raw.isup,
            ipv6: raw.ipv6,
        };
        let packets_max = raw.packets_max.map_or(default.queue.packets_max, |count| count.0);
        let mtu = raw.mtu.map_or(isup::Options::default().mtu, Count::size);
        let queue = QueueOptions { number: raw.queue, packets_max, ..default.queue };
        Self {
            inline: InlineOptions {
                queue,
                deadline: raw.deadline.map_or(default.deadline, |span| span.0),
                ..default
            },
            sip: SipOptions { keep_asserted: raw.keep_asserted, mtu, ..SipOptions::default() },
            isup: raw.isup.then(|| isup::Options { mtu, ..isup::Options::default() }),
            rules: raw.install_rules.then_some(rules),
        }
    }
}
