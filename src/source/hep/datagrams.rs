//! HEP by UDP: many datagrams with one system call, and what the kernel had no room for.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce, RxqOvfl};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt};

use super::Taker;
use crate::source::counts::Loss;

/// Datagrams read with one call.
const AT_ONCE: usize = 32;
/// Calls before other sockets get their turn.
const ROUNDS: usize = 8;
/// Stands for a sender that the system does not name: nobody's address.
const UNKNOWN: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
/// The longest datagram, in octets.
const DATAGRAM_MAX: usize = 65_535;

/// A UDP socket with room for what it receives.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    buffers: Vec<Vec<u8>>,
    /// What the kernel had dropped at the last look, of 32 bits.
    dropped: u32,
}

impl Datagrams {
    /// Asks for a receive buffer of so many octets.
    pub fn new(socket: UdpSocket, buffer_bytes: usize) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        if setsockopt(&socket, RcvBufForce, &buffer_bytes).is_err() {
            // Gives as much as the system allows anyone.
            setsockopt(&socket, RcvBuf, &buffer_bytes)?;
        }
        setsockopt(&socket, RxqOvfl, &1)?;
        Ok(Self { socket, buffers: vec![vec![0; DATAGRAM_MAX]; AT_ONCE], dropped: 0 })
    }

    /// The socket.
    pub const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Takes what has come, up to a number.
    pub fn read(&mut self, taker: &mut Taker) -> io::Result<()> {
        for _ in 0..ROUNDS {
            let count = self.read_once(taker)?;
            taker.feeder.idle();
            if count < AT_ONCE || taker.feeder.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn read_once(&mut self, taker: &mut Taker) -> io::Result<usize> {
        let mut slices: Vec<_> = self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(AT_ONCE, Some(cmsg_space!(u32)));
        let descriptor = self.socket.as_raw_fd();
        let messages =
            match recvmmsg(descriptor, &mut headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
                Ok(messages) => messages,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
                Err(error) => return Err(error.into()),
            };
        let mut count = 0;
        for message in messages {
            count += 1;
            for control in message.cmsgs().into_iter().flatten() {
                if let ControlMessageOwned::RxqOvfl(dropped) = control {
                    let more = dropped.wrapping_sub(self.dropped);
                    taker.feeder.counts().lose(Loss::Kernel, u64::from(more));
                    self.dropped = dropped;
                }
            }
            if taker.may_send(message.address.as_ref().and_then(ip).unwrap_or(UNKNOWN)) {
                taker.take(message.iovs().next().unwrap_or_default());
            } else {
                taker.feeder.counts().lose(Loss::Stranger, 1);
            }
        }
        Ok(count)
    }
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}
