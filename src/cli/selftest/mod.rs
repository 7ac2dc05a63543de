//! `tollgate selftest`: does a switch end the calls that Tollgate blocks, and go on with those it allows?
//!
//! Two calls are sent through the switch, as a neighbour would: one from a number that a rule blocks, one from a number
//! that none does. Some switches do the opposite until they are told.

mod call;
mod conclusion;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::cli::{Failure, SelftestArguments};
use crate::clock::{self, Deadline};
use call::TestCall;
use conclusion::{Conclusion, Outcome};

/// T1 of RFC 3261 §17.1.1.1: after it an INVITE is sent again, and then after twice as long.
const T1: Duration = Duration::from_millis(500);
/// How long stragglers of a call that is known are waited for, so that nobody is left ringing.
const LINGER: Duration = Duration::from_millis(500);

/// Makes the two calls and says what they mean.
pub fn run(arguments: &SelftestArguments) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(74, format!("{}: {error}", arguments.switch));
    let sockets = Sockets::open(arguments).map_err(failed)?;
    let local = sockets.caller.local_addr().map_err(failed)?;
    println!("calling {} through {}", arguments.called, arguments.switch);
    let mut outcomes = [Outcome::Silent; 2];
    let callers = [("blocked", &arguments.blocked), ("allowed", &arguments.allowed)];
    for (outcome, (name, caller)) in outcomes.iter_mut().zip(callers) {
        let token = format!("{name}{:x}", clock::now().nanos());
        let numbers = (caller.as_str(), arguments.called.as_str());
        let call = TestCall::new(token, numbers, (arguments.switch, local));
        *outcome = sockets.make(call, Duration::from_secs(arguments.wait)).map_err(failed)?;
        println!("  the call from {caller}, to be {name}, {outcome}");
    }
    let [blocked, allowed] = outcomes;
    let conclusion = Conclusion::of(blocked, allowed, arguments.expect);
    if conclusion == Conclusion::Sound {
        println!("sound: {}", conclusion.advice());
        return Ok(());
    }
    Err(Failure::new(1, format!("not sound: {}", conclusion.advice())))
}

/// A number as it stands in a URI: `+` and digits, or digits.
pub(super) fn parse_number(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (1..=32).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    if is_number { Ok(text.to_owned()) } else { Err("write it as +48601234567 or 601234567".to_owned()) }
}

struct Sockets {
    caller: UdpSocket,
    far_end: Option<UdpSocket>,
}

impl Sockets {
    fn open(arguments: &SelftestArguments) -> io::Result<Self> {
        let any = if arguments.switch.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        // Which of our addresses leads to the switch, the system says.
        let probe = UdpSocket::bind(any)?;
        probe.connect(arguments.switch)?;
        let local = SocketAddr::new(probe.local_addr()?.ip(), arguments.port);
        let caller = UdpSocket::bind(local)?;
        let far_end = arguments.far_end.map(UdpSocket::bind).transpose()?;
        for socket in [Some(&caller), far_end.as_ref()].into_iter().flatten() {
            socket.set_nonblocking(true)?;
        }
        Ok(Self { caller, far_end })
    }

    /// One call, to its outcome.
    fn make(&self, mut call: TestCall, wait: Duration) -> io::Result<Outcome> {
        let end = Deadline::after(wait);
        let mut pause = T1;
        self.caller.send_to(&call.invite(), call.switch)?;
        let mut again = Deadline::after(pause);
        while call.outcome.is_none() && !end.left().is_zero() {
            if !call.is_answered && again.left().is_zero() {
                pause *= 2;
                again = Deadline::after(pause);
                self.caller.send_to(&call.invite(), call.switch)?;
            }
            let until_again = if call.is_answered { Duration::MAX } else { again.left() };
            self.listen(&mut call, end.left().min(until_again))?;
        }
        let outcome = call.outcome.unwrap_or(Outcome::Silent);
        let linger = Deadline::after(LINGER);
        while !linger.left().is_zero() {
            self.listen(&mut call, linger.left())?;
        }
        // A call that reached the far end is refused there, which is no refusal of the switch.
        Ok(outcome)
    }

    fn listen(&self, call: &mut TestCall, within: Duration) -> io::Result<()> {
        let all = [Some(&self.caller), self.far_end.as_ref()];
        let mut wanted: Vec<_> =
            all.iter().flatten().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(within.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        // A signal ends the wait early, which does no harm.
        let _ = poll(&mut wanted, timeout);
        let mut buffer = vec![0; 65_535];
        // The far end first: that a call came there is known before the switch says that it was refused.
        if let Some(socket) = &self.far_end {
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if let Some(answer) = call.arrived(&buffer[..length], from) {
                    socket.send_to(&answer, from)?;
                }
            }
        }
        while let Ok((length, from)) = self.caller.recv_from(&mut buffer) {
            for message in call.heard(&buffer[..length]) {
                self.caller.send_to(&message, from)?;
            }
        }
        Ok(())
    }
}
