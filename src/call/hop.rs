//! Between which two elements a message of a call goes.

use std::hash::BuildHasher;
use std::net::SocketAddr;

use crate::base::map::Seed;
use crate::signal::Signal;

/// From where to where a message went: keyed hashes of two addresses, both 0 where they are not known. Without the ports, for
/// a side may send from one and listen at another; with them where both are on one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Who sent it.
    pub from: u32,
    /// Who received it.
    pub to: u32,
}

impl Hop {
    /// The way of a message.
    #[must_use]
    pub fn of(signal: &Signal<'_>, seed: Seed) -> Self {
        let Some((src, dst)) = signal.between else { return Self::default() };
        if src.ip().is_unspecified() || dst.ip().is_unspecified() {
            return Self::default();
        }
        let is_one_host = src.ip() == dst.ip();
        let name = |address: SocketAddr| {
            let port = if is_one_host { address.port() } else { 0 };
            (seed.hash_one((address.ip().to_canonical(), port)) as u32).max(1)
        };
        Self { from: name(src), to: name(dst) }
    }

    /// Whether it is known.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.from != 0
    }

    /// The way back.
    #[must_use]
    pub const fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::table::tests::signal;
    use crate::signal::What;

    fn hop(src: &str, dst: &str) -> Hop {
        let between = Some((src.parse().unwrap(), dst.parse().unwrap()));
        Hop::of(&Signal { between, ..signal(0, 1, What::Other) }, Seed(1))
    }

    #[test]
    fn the_way_back_is_known_whatever_the_ports() {
        let there = hop("192.0.2.1:40000", "192.0.2.2:5060");
        assert!(there.is_known());
        assert_eq!(hop("[::ffff:192.0.2.2]:5061", "192.0.2.1:5060"), there.back());
        // On one host only the ports tell.
        let there = hop("127.0.0.1:5060", "127.0.0.1:5070");
        assert_eq!(hop("127.0.0.1:5070", "127.0.0.1:5060"), there.back());
        assert_ne!(there, there.back());
    }

    #[test]
    fn no_address_is_no_way() {
        assert!(!hop("0.0.0.0:0", "192.0.2.2:5060").is_known());
        assert!(!Hop::of(&signal(0, 1, What::Other), Seed(1)).is_known());
    }
}
