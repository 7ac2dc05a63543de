//! Datagrams, many with one system call: recvmmsg(2), sendmmsg(2).

use std::array;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use arrayvec::ArrayVec;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockFlag, SockType, SockaddrStorage,
    bind, recvmmsg, sendmmsg, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeSpec, TimeValLike};

use crate::base::time::At;
use crate::clock;

/// Datagrams of one call.
pub(super) const BATCH: usize = 64;
/// Longest UDP payload, rounded up to whole cache lines, an odd number of them: buffers that lie a power of two apart
/// share their place in the caches.
const BUFFER: usize = 1_025 * 64;

/// A socket bound to `address`, with room for what comes while the thread does not run.
pub(super) fn open(address: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    if address.ip().is_unspecified() {
        let why = "a socket for UDP needs the address that it is asked at, so that it answers from that one";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd: OwnedFd = socket(family, SockType::Datagram, flags, None)?;
    // Beyond the system's maximum only with a privilege; as far as it goes without.
    if setsockopt(&fd, sockopt::RcvBufForce, &receive_buffer).is_err() {
        setsockopt(&fd, sockopt::RcvBuf, &receive_buffer)?;
    }
    // Without it, whatever is received counts as having come just now.
    let _ = setsockopt(&fd, sockopt::ReceiveTimestampns, &true);
    // Without it, nobody counts what the socket has no room for.
    let _ = setsockopt(&fd, sockopt::RxqOvfl, &1);
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(UdpSocket::from(fd))
}

/// A datagram that was received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub bytes: &'a [u8],
    pub source: SocketAddr,
    /// How long it lay in the socket, by the wall clock.
    pub age: Duration,
}

/// Takes datagrams from a socket.
pub(super) struct Inbox {
    octets: Vec<u8>,
    /// What the socket has had no room for since it was opened, of 32 bits.
    dropped: u32,
    /// How much of it is new.
    newly_dropped: u32,
}

impl Inbox {
    pub fn new() -> Self {
        Self { octets: vec![0; BATCH * BUFFER], dropped: 0, newly_dropped: 0 }
    }

    /// How many more datagrams the socket had no room for, as far as later ones told.
    pub fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.newly_dropped)
    }

    /// Hands on the datagrams that are there, up to [`BATCH`]; how many there were.
    pub fn receive(&mut self, socket: &UdpSocket, mut take: impl FnMut(Datagram<'_>)) -> usize {
        let mut buffers = self.octets.chunks_exact_mut(BUFFER);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            array::from_fn(|_| [IoSliceMut::new(buffers.next().unwrap_or_default())]);
        let flags = MsgFlags::MSG_DONTWAIT;
        // An error is of one datagram, or says that there is none; what a router said of an answer is no news.
        // Anew each time: what the system wrote of one datagram is no room for what it writes of the next.
        let mut headers = MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(TimeSpec, u32)));
        let Ok(messages) = recvmmsg(socket.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None) else {
            return 0;
        };
        let (mut count, now) = (0, clock::now());
        for message in messages {
            count += 1;
            let source = message.address.as_ref().and_then(source);
            if let Some(source) = source {
                // Of an empty datagram there is no piece.
                let bytes = message.iovs().next().unwrap_or_default();
                let (age, dropped) = told(&message, now);
                if let Some(dropped) = dropped {
                    self.newly_dropped =
                        self.newly_dropped.saturating_add(dropped.wrapping_sub(self.dropped));
                    self.dropped = dropped;
                }
                take(Datagram { bytes, source, age });
            }
        }
        count
    }
}

/// How long a datagram lay in the socket, and how many the socket has had no room for.
fn told(message: &RecvMsg<'_, '_, SockaddrStorage>, now: At) -> (Duration, Option<u32>) {
    let (mut age, mut dropped) = (Duration::ZERO, None);
    for message in message.cmsgs().into_iter().flatten() {
        match message {
            ControlMessageOwned::ScmTimestampns(time) => {
                let nanos = u64::try_from(time.num_nanoseconds()).unwrap_or(u64::MAX);
                age = now.since(At::from_nanos(nanos));
            }
            ControlMessageOwned::RxqOvfl(count) => dropped = Some(count),
            _ => {}
        }
    }
    (age, dropped)
}

fn source(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || address.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    v4().or_else(|| address.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into()))
}

/// Collects datagrams and sends them.
pub(super) struct Outbox {
    octets: Vec<u8>,
    parts: ArrayVec<(Range<usize>, SocketAddr), BATCH>,
    headers: MultiHeaders<SockaddrStorage>,
}

impl Outbox {
    pub fn new() -> Self {
        Self {
            octets: Vec::with_capacity(BATCH * 1_024),
            parts: ArrayVec::new(),
            headers: MultiHeaders::preallocate(BATCH, None),
        }
    }

    pub fn is_full(&self) -> bool {
        self.parts.is_full()
    }

    /// Adds what `write` appends, for this receiver, unless it is nothing. There must be room.
    pub fn add(&mut self, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.octets.len();
        write(&mut self.octets);
        if self.octets.len() > start {
            let _ = self.parts.try_push((start..self.octets.len(), to));
        }
    }

    /// Sends all; how many the system did not take.
    pub fn send(&mut self, socket: &UdpSocket) -> usize {
        let mut unsent = 0;
        let mut first = 0;
        while first < self.parts.len() {
            match self.send_from(first, socket) {
                Ok(sent) => first = first.saturating_add(sent.max(1)),
                Err(Errno::EINTR) => {}
                // The socket is full: none of the others may go either.
                Err(Errno::EAGAIN) => {
                    unsent += self.parts.len().saturating_sub(first);
                    break;
                }
                // It is said of the first one; the others may still go.
                Err(_) => {
                    unsent += 1;
                    first = first.saturating_add(1);
                }
            }
        }
        self.parts.clear();
        self.octets.clear();
        unsent
    }

    fn send_from(&mut self, first: usize, socket: &UdpSocket) -> nix::Result<usize> {
        let parts = self.parts.get(first..).unwrap_or_default();
        let slices: ArrayVec<[IoSlice<'_>; 1], BATCH> = parts
            .iter()
            .map(|(range, _)| [IoSlice::new(self.octets.get(range.clone()).unwrap_or_default())])
            .collect();
        let to: ArrayVec<Option<SockaddrStorage>, BATCH> =
            parts.iter().map(|(_, to)| Some(SockaddrStorage::from(*to))).collect();
        let (fd, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        Ok(sendmmsg(fd, &mut self.headers, slices.iter(), &to, [], flags)?.count())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use nix::poll::{PollTimeout, poll};

    use super::*;
    use crate::clock::Stopwatch;

    #[test]
    fn a_datagram_is_as_old_as_its_stay_in_the_socket() {
        let receiver = open("127.0.0.1:0".parse().unwrap(), 1 << 16).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (mut inbox, watch) = (Inbox::new(), Stopwatch::start());
        let stay = Duration::from_millis(20);
        let mut age_of = |text: &[u8]| {
            let begun = watch.elapsed();
            sender.send_to(text, receiver.local_addr().unwrap()).unwrap();
            while watch.elapsed() < begun + stay {
                let _ = poll(&mut [], PollTimeout::from(5_u8));
            }
            let mut ages = Vec::new();
            assert_eq!(
                inbox.receive(&receiver, |datagram| ages.push((datagram.bytes == text, datagram.age))),
                1
            );
            assert!(ages[0].0 && ages[0].1 <= watch.elapsed() - begun + stay, "{ages:?}");
            ages[0].1
        };
        // The system may begin to stamp datagrams a little after it is told to.
        assert!((0..50).any(|_| age_of(b"first") >= stay / 2));
        // There is room for the time of each.
        assert!(age_of(b"second") >= stay / 2);
    }
}
