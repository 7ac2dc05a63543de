//! How a caller stands with a mark: what the evidence is at the width that fits it.
//!
//! A wide mark is a statement about the whole block. A caller is judged at the narrowest block around it that has
//! evidence of its own: a hundred in which people live is spared under a marked ten thousand, and a hundred in which
//! nothing is known shares the fate of what surrounds it.

use crate::base::class::Class;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::feature::evidence::{CAP, Nats, Row};
use crate::feature::mark::Mark;
use crate::feature::people::{People, RENTED_WIDTH};
use crate::feature::suspicion::{Suspicion, WIDTHS};

/// Callers of a block that make it worth asking, rather than the block around it. Of a hundred one person is enough.
const CALLERS_MIN: f32 = 5.0;
/// How many unknown people among the strangers a known one stands for: most people of a block are known, and are spared
/// by that; but numbers are given out close together, so in a hundred one person is a sign of others.
const PEOPLE_WEIGHT: f32 = 0.1;
/// The same in a block of 100.
const PEOPLE_WEIGHT_CLOSE: f32 = 0.15;
/// People who have not called yet, in a wider block: that none was met shows little where so many may live.
const UNSEEN_WIDE: f32 = 1.0;
/// Calls of a part of a block that the purity of the whole weighs as much as.
const WHOLE_WEIGHT: f32 = 20.0;
/// Calls of a robot that a mark taken from test calls is worth.
const SEEDED_BAD: u32 = 20;

/// How a caller stands with a mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The marked block; of one number when the number itself is marked.
    pub range: Range,
    /// As what it is marked.
    pub class: Class,
    /// Evidence against the marked block.
    pub evidence: Nats,
    /// Share of robots among the strangers who call from the narrowest block with evidence.
    pub purity: f32,
    /// Callers that were refused, called again and were robots in spite of it.
    pub insisted: u16,
}

/// Share of robots among the strangers who call from a block of 10^width numbers in which `people` are known.
#[must_use]
pub fn purity(row: &Row, width: u8, people: f32) -> f32 {
    let weight = if width == 2 { PEOPLE_WEIGHT_CLOSE } else { PEOPLE_WEIGHT };
    let unseen = if width > RENTED_WIDTH { UNSEEN_WIDE } else { 0.0 };
    share(row.bad as f32, row.good as f32 + people * weight + unseen)
}

/// How a caller on a route stands with the marks on blocks around it, narrowest first, at this second. `None` without a
/// mark.
#[must_use]
pub fn standing(
    (suspicion, people): (&Suspicion, &People),
    (caller, route): (Number, RouteId),
    marks: &[(Range, &Mark)],
    second: u32,
) -> Option<Standing> {
    let (widest, _) = marks.last()?;
    let known_in = |width| people.in_block(Range::of(caller, width), second);
    let row_of = |width, mark: &Mark| row_of(suspicion, (caller, route), mark, width);
    // The narrowest block with evidence of its own.
    let fits = |width: u8| marks.iter().find(|(range, _)| range.width() >= width);
    let evidence_at = |width: u8| {
        let (_, mark) = fits(width)?;
        let row = row_of(width, mark);
        let people = known_in(width);
        let is_worth =
            row.bad as f32 + row.good as f32 + people >= CALLERS_MIN || width == 2 && people >= 0.5;
        is_worth.then_some((width, row, people))
    };
    let narrowest = WIDTHS.filter(|width| *width < widest.width()).find_map(evidence_at);
    let (range, mark) = fits(narrowest.map_or(0, |(width, ..)| width))?;
    let row = row_of(range.width(), mark);
    let whole = purity(&row, range.width(), known_in(range.width()));
    let part = |(width, row, people): (u8, Row, f32)| shrunk(purity(&row, width, people), &row, whole);
    Some(Standing {
        range: *range,
        class: mark.class,
        evidence: if mark.seeded { CAP } else { row.highest(second) },
        purity: narrowest.map_or(whole, part),
        insisted: row.insisted,
    })
}

/// Purity of a part of a block, drawn to the whole's while few calls of the part are known: where people live in the
/// block, they live in its parts, met or not.
fn shrunk(part: f32, row: &Row, whole: f32) -> f32 {
    let calls = row.bad as f32 + row.good as f32;
    let drawn = (part * calls + whole * WHOLE_WEIGHT) / (calls + WHOLE_WEIGHT);
    drawn.min(part)
}

/// What is known of the block around a caller on the route that taught the mark on it, and of people on the caller's own:
/// a sender on one route says nothing against people of the block on another. A mark taken from test calls counts like
/// calls of a robot on any route.
fn row_of(suspicion: &Suspicion, (caller, route): (Number, RouteId), mark: &Mark, width: u8) -> Row {
    let mut here = suspicion.block(width, caller, route);
    if mark.seeded {
        here.bad = here.bad.saturating_add(SEEDED_BAD);
        return here;
    }
    let mut row = suspicion.block(width, caller, mark.route);
    if route != mark.route {
        row.good = row.good.saturating_add(here.good);
    }
    row
}

/// 0 when there is neither.
fn share(robots: f32, people: f32) -> f32 {
    if robots + people > 0.0 { robots / (robots + people) } else { 0.0 }
}
