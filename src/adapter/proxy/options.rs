//! What a proxy is told: its two sides, how it passes messages on, its maxima.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::base::map::Seed;

/// One side of a proxy.
#[derive(Clone, Debug)]
pub struct SideOptions {
    /// Where it listens over UDP, and what it names itself in Via and Record-Route: no unspecified address. The two sides may
    /// share one.
    pub listen: SocketAddr,
    /// Who may send and be sent to on this side, besides the next hops. Where both sides listen at one address and a sender is
    /// in the networks of both, it belongs to the carriers.
    pub networks: Vec<IpNet>,
    /// Where requests for this side go unless their Route says more: one of those that are alive, chosen by Call-ID.
    pub next_hops: Vec<SocketAddr>,
}

/// What a proxy is.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Where calls come from that are asked about.
    pub carriers: SideOptions,
    /// The operator's own switches.
    pub core: SideOptions,
    /// Asks to see all messages of every dialog; without it the proxy sees a call up to its answer only. Default on. Calls
    /// without their number stay on this way in any case.
    pub record_route: bool,
    /// How long an INVITE is held for its answer at most; then the call passes. 1 ms to 250 ms, half of what a sender waits
    /// before it repeats itself (T1 of RFC 3261); default 50 ms.
    pub deadline: Duration,
    /// Header line, name and value, that tells the core of a call that is to be charged. None by default.
    pub monetise_header: Option<(String, String)>,
    /// Leaves P-Asserted-Identity in calls without their number, for a core that honours `Privacy: id` (RFC 3325 §2.4).
    /// Default off.
    pub keep_asserted: bool,
    /// How often next hops are asked for a sign of life, by OPTIONS. `None` takes all for alive. Default 5 s.
    pub probe_every: Option<Duration>,
    /// Probes in a row that may go unanswered; one more and the next hop is passed over. Default 2.
    pub probes_missed_max: u32,
    /// Key of branches and tags. Proxies that stand for each other share it, and it outlives a restart: the CANCEL of a call
    /// has then the branch of its INVITE.
    pub seed: Seed,
    /// Maxima.
    pub limits: ProxyLimits,
}

impl ProxyOptions {
    /// A proxy between these two sides, with all else by default.
    #[must_use]
    pub fn between(carriers: SideOptions, core: SideOptions, seed: Seed) -> Self {
        Self {
            carriers,
            core,
            record_route: true,
            deadline: Duration::from_millis(50),
            monetise_header: None,
            keep_asserted: false,
            probe_every: Some(Duration::from_secs(5)),
            probes_missed_max: 2,
            seed,
            limits: ProxyLimits::default(),
        }
    }
}

/// Maxima of a proxy.
#[derive(Clone, Copy, Debug)]
pub struct ProxyLimits {
    /// INVITEs that are held; further ones pass unasked. Default 16,384.
    pub held: usize,
    /// Transactions that passed unjudged and are remembered for 32 s; the oldest goes. Default 65,536.
    pub passed: usize,
    /// Calls without their number; the oldest goes, and what follows in it passes as it is. Default 100,000.
    pub masked: usize,
    /// The longest that such a call is remembered. Default 4 h.
    pub masked_span: Duration,
    /// Longest From and Contact kept to be brought back, in octets. Default 512.
    pub identity: usize,
    /// Receive buffer of a socket, in octets, as far as the system gives it. Default 8 MiB.
    pub receive_buffer: usize,
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self {
            held: 16_384,
            passed: 65_536,
            masked: 100_000,
            masked_span: Duration::from_secs(4 * 3_600),
            identity: 512,
            receive_buffer: 8 << 20,
        }
    }
}
