//! Sends packets with IP headers of our own. raw(7), ipv6(7): a socket of `IPPROTO_RAW` takes the header as it is, whatever the
//! source address.
//!
//! What is sent goes out through the chain `OUTPUT`, not `FORWARD`: a queue of forwarded packets never sees it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, sendto, socket,
};

/// A socket for each family.
#[derive(Debug)]
pub(super) struct RawSockets {
    v4: OwnedFd,
    /// `None` on a host without IPv6.
    v6: Option<OwnedFd>,
}

impl RawSockets {
    /// # Errors
    /// What the system says: it takes `CAP_NET_RAW`.
    pub(super) fn open() -> io::Result<Self> {
        let open = |family| {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            socket(family, SockType::Raw, flags, SockProtocol::Raw)
        };
        Ok(Self { v4: open(AddressFamily::Inet)?, v6: open(AddressFamily::Inet6).ok() })
    }

    /// Sends a packet to the address in its header.
    ///
    /// # Errors
    /// What the system says: no route, full buffers, or a packet longer than the link carries.
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let sent = if packet.first().is_some_and(|octet| octet >> 4 == 4) {
            let to: [u8; 4] = *packet.get(16..).and_then(<[u8]>::first_chunk).ok_or_else(invalid)?;
            let to = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::from(to), 0));
            sendto(self.v4.as_raw_fd(), packet, &to, MsgFlags::empty())?
        } else {
            let to: [u8; 16] = *packet.get(24..).and_then(<[u8]>::first_chunk).ok_or_else(invalid)?;
            let to = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::from(to), 0, 0, 0));
            let socket = self.v6.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
            sendto(socket.as_raw_fd(), packet, &to, MsgFlags::empty())?
        };
        if sent == packet.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}
