//! A walk on two threads: one reads, assembles, decodes and follows calls, the other says messages in words and shows them.
//!
//! Messages go from one to the other many at a time, each with a copy of its call as it was at that moment. What is shown, and
//! in which order, is the same as on one thread.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use super::walk::{self, Aside, Route, Visitor, Walked};
use crate::base::frame::Pdu;
use crate::call::{Call, CallId};
use crate::cli::Failure;
use crate::inspect::{Entry, Passed};

/// Messages and asides of a parcel, at most.
const ITEMS_MAX: usize = 256;
/// Octets of its messages, at most, but for the last.
const OCTETS_MAX: usize = 128 << 10;
/// Parcels on their way.
const DEPTH: usize = 4;

/// As [`walk::walk`], for a visitor that looks at no frames.
pub fn walk(route: &Route<'_>, visitor: &mut dyn Visitor) -> Result<Walked, Failure> {
    let wants_asides = visitor.wants_asides();
    thread::scope(|scope| {
        let (full, parcels) = sync_channel(DEPTH);
        let (give_back, used) = channel();
        let reading = scope.spawn(move || {
            let mut packer = Packer { parcel: Parcel::default(), full, used, wants_asides };
            let walked = walk::walk(route, &mut packer);
            // Whoever takes no more has said why.
            let _ = packer.send();
            walked
        });
        let shown = parcels.iter().try_for_each(|mut parcel: Parcel| {
            parcel.show(visitor)?;
            parcel.clear();
            // At the end nobody wants it back.
            let _ = give_back.send(parcel);
            Ok(())
        });
        // A reader who finds nobody to send to stops.
        drop(parcels);
        let mut walked = reading.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        if let Err(error) = shown {
            walked.stopped = Some(error);
        }
        Ok(walked)
    })
}

/// What passed, in order.
#[derive(Default)]
struct Parcel {
    bytes: Vec<u8>,
    calls: Vec<Call>,
    items: Vec<Item>,
}

enum Item {
    Aside(Aside),
    Message {
        /// Without its octets, which are these of the parcel's.
        pdu: Pdu<'static>,
        octets: (usize, usize),
        /// Number among the parcel's calls.
        call: Option<usize>,
        id: Option<CallId>,
    },
}

impl Parcel {
    fn push(&mut self, passed: &Passed<'_>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(passed.pdu.bytes);
        let call = passed.call.map(|call| {
            self.calls.push(call.clone());
            self.calls.len() - 1
        });
        let pdu = Pdu { bytes: &[], ..passed.pdu };
        self.items.push(Item::Message { pdu, octets: (start, self.bytes.len()), call, id: passed.id });
    }

    fn is_full(&self) -> bool {
        self.items.len() >= ITEMS_MAX || self.bytes.len() >= OCTETS_MAX
    }

    fn show(&self, visitor: &mut dyn Visitor) -> io::Result<()> {
        self.items.iter().try_for_each(|item| match *item {
            Item::Aside(ref aside) => visitor.aside(aside),
            Item::Message { pdu, octets: (start, end), call, id } => {
                let pdu = Pdu { bytes: &self.bytes[start..end], ..pdu };
                visitor.passed(&Passed { pdu, call: call.and_then(|number| self.calls.get(number)), id })
            }
        })
    }

    /// Empties it, keeping its memory.
    fn clear(&mut self) {
        self.bytes.clear();
        self.calls.clear();
        self.items.clear();
    }
}

/// Puts what passes into parcels.
struct Packer {
    parcel: Parcel,
    full: SyncSender<Parcel>,
    used: Receiver<Parcel>,
    wants_asides: bool,
}

impl Packer {
    fn send(&mut self) -> io::Result<()> {
        let next = self.used.try_recv().unwrap_or_default();
        let parcel = std::mem::replace(&mut self.parcel, next);
        self.full.send(parcel).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn send_if_full(&mut self) -> io::Result<()> {
        if self.parcel.is_full() { self.send() } else { Ok(()) }
    }
}

impl Visitor for Packer {
    fn message(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let Entry { pdu, call, id, .. } = *entry;
        self.passed(&Passed { pdu, call, id })
    }

    fn passed(&mut self, passed: &Passed<'_>) -> io::Result<()> {
        self.parcel.push(passed);
        self.send_if_full()
    }

    fn wants_asides(&self) -> bool {
        self.wants_asides
    }

    fn aside(&mut self, aside: &Aside) -> io::Result<()> {
        self.parcel.items.push(Item::Aside(aside.clone()));
        self.send_if_full()
    }
}
