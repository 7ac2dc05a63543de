//! System calls that no safe library offers, each behind a safe function. All `unsafe` code of the project is here.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Lets several packet sockets share one interface: each packet goes to one socket of `group`, those of a flow to the same
/// one (`PACKET_FANOUT_HASH` with reassembly of IP fragments before, packet(7)).
///
/// # Errors
/// What the system says: the descriptor is no packet socket, or another program uses the group otherwise.
pub fn join_fanout(socket: BorrowedFd<'_>, group: u16) -> io::Result<()> {
    let hash = (libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG) as libc::c_int;
    set_option(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, libc::c_int::from(group) | hash << 16)
}

/// Keeps a netlink socket quiet when its receive buffer overflows: what was lost is counted elsewhere (netlink(7),
/// `NETLINK_NO_ENOBUFS`).
///
/// # Errors
/// What the system says: the descriptor is no netlink socket.
pub fn ignore_netlink_overruns(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::SOL_NETLINK, libc::NETLINK_NO_ENOBUFS, 1)
}

fn set_option(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is borrowed, so it is open; the pointer is to `length` readable octets that outlive the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast::<libc::c_void>(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
