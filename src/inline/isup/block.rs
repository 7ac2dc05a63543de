//! One blocked call on its circuit: what becomes of the next message. Drawn and argued in `docs/inline-isup.md`.
//!
//! *Near* is the exchange that sent the IAM, *far* the other. Near sees a call that is refused; the call states of far
//! never see it at all. What near needs and far has no reason to send is made of far's answers to probes.

use super::message::{Change, Kind};

/// Where a message stands among those of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Verification tag of its association's direction.
    pub tag: u32,
    /// Sequence number of its chunk.
    pub tsn: u32,
}

impl Mark {
    /// Not before `other`. Of another direction nothing can be said: it is taken for later.
    pub fn is_from(self, other: Self) -> bool {
        self.tag != other.tag || self.tsn.wrapping_sub(other.tsn).cast_signed() >= 0
    }
}

/// The messages of one sender that belong to one call, though packets may come late and out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: Mark,
    /// The first that no longer does.
    end: Option<Mark>,
}

impl Span {
    const fn since(start: Mark) -> Self {
        Self { start, end: None }
    }

    fn contains(self, mark: Mark) -> bool {
        mark.is_from(self.start) && !self.end.is_some_and(|end| mark.is_from(end))
    }

    /// Goes on, and begins no later than `mark`.
    fn reopened(self, mark: Mark) -> Self {
        Self { start: if mark.is_from(self.start) { self.start } else { mark }, end: None }
    }

    fn ended(self, mark: Mark) -> Self {
        Self { end: self.end.or(Some(mark)), ..self }
    }
}

/// What far's next UBA is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It becomes the RLC that near waits for.
    Complete,
    /// It is far's own.
    None,
    /// It becomes the REL that refuses the call.
    Release,
}

/// What far itself is doing with the circuit, unseen by near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Far {
    /// It sent an IAM that was kept from near.
    Calling,
    /// Nothing.
    Idle,
    /// It sent a REL that was kept from near, and waits for an RLC.
    Releasing,
}

/// What an RLC of far is for that answers an RSC which near never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Near waits for one.
    Wanted,
    /// Near does not.
    Unwanted,
}

/// A blocked call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Cause of Q.850 that near is given.
    cause: u8,
    /// Near has not ended the call yet, as far as was seen.
    is_up: bool,
    /// Near's messages of the call.
    call: Span,
    /// What far's next UBA is for.
    pub reply: Reply,
    /// RLCs that near owes for RELs that far never sent.
    owed: u8,
    far: Far,
    /// Far's messages that are kept from near.
    hidden: Option<Span>,
    /// An RLC of far is due for an RSC.
    reset: Option<Answer>,
    /// One of them reset the circuit meanwhile: what is owed may never come.
    was_reset: bool,
}

/// What becomes of a message, and of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How the message is changed.
    pub change: Option<Change>,
    /// What there is to remember after it.
    pub next: Option<Block>,
}

impl Block {
    /// Its IAM has become a [`Change::Probe`].
    pub const fn new(cause: u8, mark: Mark) -> Self {
        let call = Span::since(mark);
        let (reply, far) = (Reply::Release, Far::Idle);
        Self { cause, is_up: true, call, reply, owed: 0, far, hidden: None, reset: None, was_reset: false }
    }

    /// Another IAM of near has become a [`Change::Probe`], too.
    pub fn renewed(self, cause: u8, mark: Mark) -> Self {
        let call = self.call.reopened(mark);
        Self { cause, is_up: true, call, reply: Reply::Release, ..self.forgiven() }
    }

    /// Near sent an IAM that passes: the former call is over. An IAM that far has hidden meets this one at far, which
    /// gives way or waits for T7; whatever it says then is for near.
    pub fn left_by_near(self, mark: Mark) -> Self {
        match self.far {
            Far::Calling => Self { far: Far::Idle, hidden: None, ..self.ended_by_near(mark) },
            Far::Idle | Far::Releasing => self.ended_by_near(mark),
        }
    }

    fn ended_by_near(self, mark: Mark) -> Self {
        Self { is_up: false, call: self.call.ended(mark), ..self.forgiven() }
    }

    /// Near goes on with something else: what it may have owed when the circuit was reset does not come any more.
    const fn forgiven(self) -> Self {
        let owed = if self.was_reset { 0 } else { self.owed };
        Self { owed, was_reset: false, ..self }
    }

    /// Far sent an IAM that passes: what it hid is over.
    pub fn left_by_far(self, mark: Mark) -> Self {
        Self { hidden: self.hidden.map(|hidden| hidden.ended(mark)), ..self }
    }

    /// Near would not expect an IAM now.
    pub const fn is_near_busy(&self) -> bool {
        self.is_up || self.owed > 0 && !self.was_reset || !matches!(self.reply, Reply::None)
    }

    /// Nothing more is to come of it but what is late.
    pub const fn is_over(&self) -> bool {
        !self.is_near_busy() && self.owed == 0 && matches!(self.far, Far::Idle) && self.reset.is_none()
    }

    /// A message from near, but an IAM.
    pub fn near_says(self, kind: Kind, mark: Mark) -> Step {
        // A reset by far leaves no end behind which near's messages are of another call.
        let is_of_call = self.is_up || self.call.end.is_some() && self.call.contains(mark);
        match kind {
            // Far is idle, and would answer with an RSC (Q.764 §2.9.5.1).
            Kind::Backward | Kind::Call | Kind::Forward if is_of_call => self.becomes(Change::Filler),
            Kind::Backward => self.forgiven().passes(),
            Kind::Release if is_of_call => self.near_gives_up(mark),
            Kind::ReleaseComplete if self.owed > 0 => self.near_completes(mark),
            // It answers a REL that is on its way to it all the same.
            Kind::Reset => Self { call: self.call.ended(mark), ..self.is_reset() }.passes(),
            Kind::Vacant => Step { change: None, next: None },
            _ => self.passes(),
        }
    }

    fn near_gives_up(self, mark: Mark) -> Step {
        let after = Mark { tsn: mark.tsn.wrapping_add(1), ..mark };
        match (self.reply, self.far) {
            // A second REL: T1 ran out, so far answers no probes.
            (Reply::Complete, _) => Step { change: None, next: None },
            // Far answers the RSC with an RLC, and its UBA comes to nothing.
            (_, Far::Calling) => Self {
                is_up: false,
                call: self.call.ended(after),
                reply: Reply::None,
                far: Far::Idle,
                reset: Some(Answer::Wanted),
                ..self
            }
            .becomes(Change::Reset),
            (Reply::Release, _) => Self { reply: Reply::Complete, ..self }.becomes(Change::Filler),
            (Reply::None, Far::Idle) => Self { reply: Reply::Complete, ..self }.becomes(Change::Probe),
            (Reply::None, Far::Releasing) => self.passes(),
        }
    }

    fn near_completes(self, mark: Mark) -> Step {
        let rest = Self { owed: self.owed.saturating_sub(1), ..self };
        let next = if self.reply == Reply::Release { rest } else { rest.ended_by_near(mark) };
        match self.far {
            // Far may have sent an IAM that is on its way here: an RLC would cut it off (Q.764 §2.9.5.1 c).
            Far::Idle => next.becomes(Change::Filler),
            Far::Calling => {
                Self { far: Far::Idle, reset: Some(Answer::Unwanted), ..next }.becomes(Change::Reset)
            }
            Far::Releasing => Self { far: Far::Idle, ..next }.passes(),
        }
    }

    /// A message from far, but an IAM that passes.
    pub fn far_says(self, kind: Kind, mark: Mark) -> Step {
        // A reset by near leaves no end behind which far's messages are of another call.
        let is_calling = self.far != Far::Idle || self.reset.is_some();
        let is_hidden =
            self.hidden.is_some_and(|hidden| hidden.contains(mark) && (is_calling || hidden.end.is_some()));
        match kind {
            // What follows an IAM may come before it.
            Kind::Iam | Kind::Forward if self.is_near_busy() => {
                let hidden = self.hidden.map_or(Span::since(mark), |hidden| hidden.reopened(mark));
                Self { far: Far::Calling, hidden: Some(hidden), ..self }.becomes(Change::Filler)
            }
            Kind::Call | Kind::Forward if is_hidden => self.becomes(Change::Filler),
            Kind::Release if is_hidden => self.far_gives_up(),
            // Far has the call after all: its IAM had passed unseen.
            Kind::Backward | Kind::Call | Kind::Forward | Kind::Release if self.reply == Reply::Release => {
                Step { change: None, next: None }
            }
            Kind::ReleaseComplete => match self.reset {
                Some(answer) => {
                    let hidden = self.hidden.filter(|_| self.far != Far::Idle);
                    let hidden = hidden.or(self.hidden.map(|hidden| hidden.ended(mark)));
                    let next = Self { reset: None, hidden, ..self };
                    match answer {
                        Answer::Wanted => next.passes(),
                        Answer::Unwanted => next.becomes(Change::Filler),
                    }
                }
                None => self.passes(),
            },
            // Near answers it by itself; what it owes for our REL comes all the same.
            Kind::Reset => {
                let hidden = self.hidden.map(|hidden| hidden.ended(mark));
                Self { hidden, ..self.is_reset() }.passes()
            }
            Kind::Vacant => Step { change: None, next: None },
            Kind::UnblockingAck => match self.reply {
                Reply::Release => self.releases(self.far),
                Reply::Complete => {
                    Self { is_up: false, reply: Reply::None, ..self }.becomes(Change::Complete)
                }
                Reply::None => self.passes(),
            },
            _ => self.passes(),
        }
    }

    const fn is_reset(self) -> Self {
        Self { is_up: false, reply: Reply::None, far: Far::Idle, was_reset: true, ..self }
    }

    fn far_gives_up(self) -> Step {
        match (self.far, self.reply) {
            // As good as the UBA; and near's RLC is for both.
            (Far::Calling, Reply::Release) => self.releases(Far::Releasing),
            (Far::Calling, _) if self.owed > 0 => {
                Self { far: Far::Releasing, ..self }.becomes(Change::Filler)
            }
            // Near waits for an RLC itself, and answers this REL (Q.764 §2.3.1 e); or it is idle, and answers, too.
            (Far::Calling, _) => Self { far: Far::Idle, ..self }.passes(),
            _ if self.is_near_busy() => self.becomes(Change::Filler),
            _ => self.passes(),
        }
    }

    fn releases(self, far: Far) -> Step {
        let owed = self.owed.saturating_add(1);
        Self { reply: Reply::None, owed, far, ..self }.becomes(Change::Release(self.cause))
    }

    const fn becomes(self, change: Change) -> Step {
        Step { change: Some(change), next: Some(self) }
    }

    const fn passes(self) -> Step {
        Step { change: None, next: Some(self) }
    }
}
