//! Packets of the kernel, held until somebody says what becomes of them: NFQUEUE over netlink(7).
//!
//! In: packets, up to 64 with one system call. Out: a verdict for each, all of a turn with one system call. The queue fails
//! open: what it has no room for passes, and is counted. Packets come one by one, cut from large segments by the kernel, with
//! their checksums filled in. Must not: look into packets.

pub mod rules;

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use arrayvec::ArrayVec;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, connect,
    recvmmsg, send, setsockopt, socket, sockopt,
};

use crate::base::fault::Kind;
use crate::wire::nfnetlink::{
    Config, KernelCounts, Message, Packet, Verdict, messages, put_config, put_verdict,
};

/// Packets taken with one system call.
const BATCH: usize = 64;
/// Most octets copied of a packet: more than any has that can be replaced.
const COPY_OCTETS: usize = 65_531;
/// Room for a packet and what is told about it, in octets.
const ROOM: usize = COPY_OCTETS + 1_024;
/// Verdicts are sent when so many octets of them wait: far below the least send buffer of a system.
const VERDICT_OCTETS_MAX: usize = 64 * 1_024;
/// How long the kernel may take to acknowledge what a queue is told, in milliseconds.
const ACKNOWLEDGE_MS: u16 = 1_000;
/// Where the kernel counts.
const COUNTS_PATH: &str = "/proc/net/netfilter/nfnetlink_queue";

/// A queue and its limits.
#[derive(Clone, Copy, Debug)]
pub struct QueueOptions {
    /// Number of the queue, as in the rules that send packets there.
    pub number: u16,
    /// Most packets that wait for a verdict; further ones pass unseen.
    pub packets_max: u32,
    /// Room for packets not yet taken, in octets as the kernel counts them; further packets pass unseen.
    pub receive_bytes: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { number: 0, packets_max: 32_768, receive_bytes: 128 * 1_024 * 1_024 }
    }
}

/// A queue of the kernel that is ours.
#[derive(Debug)]
pub struct Queue {
    socket: OwnedFd,
    number: u16,
    /// Verdicts not yet sent.
    out: Vec<u8>,
    last_id: Option<u32>,
    /// Packets that passed because the socket was full.
    pub bypassed: u64,
    /// Verdicts that the kernel refused.
    pub refused: u64,
    /// Messages of the kernel that could not be read.
    pub malformed: u64,
}

impl Queue {
    /// Takes the queue over.
    ///
    /// # Errors
    /// What the system says: without the capability `CAP_NET_ADMIN` it is not permitted, and a queue that another program has is
    /// busy.
    pub fn open(options: &QueueOptions) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkNetFilter)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        tollgate_sys::ignore_netlink_overruns(socket.as_fd())?;
        setsockopt(&socket, sockopt::RcvBufForce, &options.receive_bytes)?;
        let number = options.number;
        let mut queue =
            Self { socket, number, out: Vec::new(), last_id: None, bypassed: 0, refused: 0, malformed: 0 };
        let configs = [
            Config::Bind,
            Config::FailOpen,
            Config::Length(options.packets_max),
            Config::Copy(COPY_OCTETS as u32),
        ];
        queue.configure(&configs)?;
        Ok(queue)
    }

    /// Tells the kernel all of it at once, so that no packet comes before the last is in force.
    fn configure(&mut self, configs: &[Config]) -> io::Result<()> {
        let mut requests = Vec::new();
        for config in configs {
            put_config(&mut requests, self.number, *config);
        }
        send(self.socket.as_raw_fd(), &requests, MsgFlags::empty())?;
        let (mut batch, mut acknowledged) = (Batch::new(), 0);
        while acknowledged < configs.len() {
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(ACKNOWLEDGE_MS))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            batch.receive(self)?;
            for message in batch.datagrams().flat_map(messages) {
                match message {
                    Ok(Message::Status(0)) => acknowledged += 1,
                    Ok(Message::Status(code)) => {
                        return Err(io::Error::from_raw_os_error(code.saturating_neg()));
                    }
                    // Whoever installed the rules did so before: nobody can judge yet.
                    Ok(Message::Packet(packet)) => self.answer(packet.id, Verdict::Accept),
                    Ok(Message::Other) | Err(_) => {}
                }
            }
        }
        self.flush()
    }

    /// Counts what a message says about the queue; the packet in it.
    pub fn read<'a>(&mut self, message: Result<Message<'a>, Kind>) -> Option<Packet<'a>> {
        match message {
            Ok(Message::Packet(packet)) => {
                if let Some(last) = self.last_id.replace(packet.id) {
                    self.bypassed += u64::from(packet.id.wrapping_sub(last).saturating_sub(1));
                }
                Some(packet)
            }
            Ok(Message::Status(code)) => {
                self.refused += u64::from(code != 0);
                None
            }
            Ok(Message::Other) => None,
            Err(_) => {
                self.malformed += 1;
                None
            }
        }
    }

    /// What becomes of a packet. Sent by [`Queue::flush`], or when many wait; an error then comes with the next flush.
    pub fn answer(&mut self, id: u32, verdict: Verdict<'_>) {
        put_verdict(&mut self.out, self.number, id, verdict);
        if self.out.len() >= VERDICT_OCTETS_MAX && self.flush().is_err() {
            // The kernel will say so again.
            self.out.clear();
        }
    }

    /// Sends the verdicts.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            let sent = send(self.socket.as_raw_fd(), &self.out, MsgFlags::empty());
            self.out.clear();
            sent?;
        }
        Ok(())
    }

    /// What the kernel counts.
    #[must_use]
    pub fn kernel_counts(&self) -> Option<KernelCounts> {
        KernelCounts::parse(&std::fs::read_to_string(COUNTS_PATH).ok()?, self.number)
    }

    /// Gives the queue back. What still waits in it is dropped by the kernel.
    ///
    /// # Errors
    /// What the system says.
    pub fn close(mut self) -> io::Result<()> {
        self.flush()?;
        self.configure(&[Config::Unbind])
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Room for the datagrams of one turn.
pub struct Batch {
    headers: MultiHeaders<NetlinkAddr>,
    room: Vec<u8>,
    lengths: ArrayVec<usize, BATCH>,
}

impl Batch {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            room: vec![0; BATCH * ROOM],
            lengths: ArrayVec::new(),
        }
    }

    /// Takes what is there; whether there may be more.
    ///
    /// # Errors
    /// What the system says, but not that there is nothing.
    pub fn receive(&mut self, queue: &Queue) -> io::Result<bool> {
        self.lengths.clear();
        let mut rooms = self.room.chunks_mut(ROOM);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        let fd = queue.socket.as_raw_fd();
        match recvmmsg(fd, &mut self.headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(results) => self.lengths.extend(results.take(BATCH).map(|result| result.bytes)),
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.lengths.is_full())
    }

    /// What was taken.
    pub fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.lengths.iter().zip(self.room.chunks(ROOM)).filter_map(|(length, room)| room.get(..*length))
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}
