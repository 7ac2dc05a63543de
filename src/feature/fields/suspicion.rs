//! Fields of how likely a caller is a robot: evidence, marks on blocks and equipment, and who is known for a person.

use crate::base::field::{Type, Value};
use crate::base::route::Direction;
use crate::feature::baseline::decibels;
use crate::feature::clock::seconds;
use crate::feature::ending::Ending;
use crate::feature::evidence::{About, Model};
use crate::feature::fields::learned::MARKS;
use crate::feature::fields::{CALLS, DECIBELS, Moment, NUMBERS, Row, end_row, int, row, word};

pub(super) const SUSPICION: &[Row] = &[
    row(
        "caller.known",
        Type::Bool,
        "Within 30 days the caller talked for 20 s, let it ring for 20 s, or was called from our network and answered",
        |m| m.of_caller(|store, caller| Value::Bool(store.people.is_known(caller, seconds(m.at)))),
    ),
    row("caller.talked", Type::Bool, "Within 30 days the caller talked for 20 s", |m| {
        m.of_caller(|store, caller| Value::Bool(store.people.has_talked(caller, seconds(m.at))))
    }),
    row("pair.known", Type::Bool, "The two numbers talked within 30 days, whoever called", |m| {
        m.of_pair(|store, caller, called| store.people.is_pair(caller, called, seconds(m.at)))
    }),
    row(
        "caller.insists",
        Type::Bool,
        "The same call was refused within 10 minutes, and neither the caller nor its block abused that",
        |m| {
            let abused = m.standing().is_some_and(|standing| standing.insisted >= INSISTED_MAX);
            m.of_pair(|store, caller, called| {
                let abused = abused || m.own(caller).insisted >= INSISTED_MAX;
                !abused && store.people.insists(caller, called, seconds(m.at))
            })
        },
    ),
    row("caller.cut_evidence", DECIBELS, "Evidence that the caller sends flash calls", |m| {
        m.own_evidence(Model::Cut)
    }),
    row("caller.ring_evidence", DECIBELS, "Evidence that the caller rings once or twice and hangs up", |m| {
        m.own_evidence(Model::Ring)
    }),
    row(
        "called.ring_evidence",
        DECIBELS,
        "Evidence that the called number, as a caller, rings once or twice and hangs up",
        |m| {
            m.call.called.number.map_or(Value::Unknown, |called| {
                let row = m.store.suspicion.caller(called);
                int(decibels(row.evidence(Model::Ring, seconds(m.at))))
            })
        },
    ),
    row("caller.in_flight", CALLS, "Calls of the caller that are neither answered nor over", |m| {
        m.of_caller(|_, caller| int(u32::from(m.own(caller).in_flight)))
    }),
    row("caller.probe", Type::Bool, "The call is drawn to test the mark on the caller or its block", |m| {
        Value::Bool(m.is_probe())
    }),
    row(
        "caller_range.mark",
        Type::Enum(MARKS),
        "Mark on the widest marked block around the caller, on routes of this class",
        |m| word(m.standing().map_or(0, |standing| standing.class as u8 + 1)),
    ),
    row("caller_range.numbers", NUMBERS, "Numbers in that block", |m| {
        m.standing()
            .map_or(Value::Unknown, |standing| Value::Int(10_i64.pow(u32::from(standing.range.width()))))
    }),
    row("caller_range.evidence", DECIBELS, "Evidence against that block", |m| {
        m.standing().map_or(Value::Unknown, |standing| int(decibels(standing.evidence)))
    }),
    row(
        "caller_range.purity",
        Type::Ratio,
        "Robots among the strangers who call from the narrowest block around the caller with evidence of its own",
        |m| m.standing().map_or(Value::Unknown, |standing| Value::Ratio(f64::from(standing.purity))),
    ),
    row(
        "caller_range.cut_evidence",
        DECIBELS,
        "Most evidence for flash calls against a block of 100 to 1,000,000 around the caller on this route",
        |m| m.block_evidence(Model::Cut),
    ),
    row("caller_range.ring_evidence", DECIBELS, "The same for one or two rings", |m| {
        m.block_evidence(Model::Ring)
    }),
    row(
        "caller_range.ring_spread",
        Type::Duration,
        "Mean distance of ring times from their mean, in the block with most evidence for one or two rings",
        |m| {
            m.of_caller(|store, caller| {
                let place = (m.call.route, seconds(m.at));
                Value::Duration(store.suspicion.strongest(Model::Ring, caller, place).ring_spread())
            })
        },
    ),
    row("caller_range.spoken_evidence", DECIBELS, "The same for spoken codes", |m| {
        m.block_evidence(Model::Spoken)
    }),
    row("equipment.mark", Type::Enum(MARKS), "Mark on the sending equipment, on routes of this class", |m| {
        word(m.equipment_mark().map_or(0, |mark| mark.class as u8 + 1))
    }),
    row("equipment.evidence", DECIBELS, "Most evidence against the sending equipment on this route", |m| {
        m.of_caller(|store, caller| {
            let row = store.suspicion.row(About::Equipment, caller, m.call.route, m.call.equipment);
            int(decibels(row.highest(seconds(m.at))))
        })
    }),
    row(
        "equipment.purity",
        Type::Ratio,
        "Robots among those who call from the equipment; unknown until 200 calls of people by other equipment of the route",
        |m| m.equipment_purity(),
    ),
    row(
        "route.evidence_bound",
        DECIBELS,
        "Evidence that is enough on this route: 90, or what blocks of its people stay below 999 times in 1,000 and 20",
        |m| int(m.store.suspicion.baselines().bound_db(m.call.route)),
    ),
];

pub(super) const SUSPICION_END: &[Row] = &[
    end_row("ends_like_flash", Type::Bool, "Cut or rejected soon, within 12 s of ringing", |m| {
        ends_like(
            m,
            &[
                Ending::CutBeforeRinging,
                Ending::CutAtRinging,
                Ending::CutFirstRing,
                Ending::RejectedSoon,
                Ending::CutSecondRing,
            ],
        )
    }),
    end_row("ends_like_spoken", Type::Bool, "Answered, and over after 3 to 15 s or within 2", |m| {
        ends_like(m, &[Ending::AnsweredBriefly, Ending::AnsweredDropped])
    }),
];

/// Calls of a block that were refused, came again and were robots' in spite of it, from which on that helps nobody.
const INSISTED_MAX: u16 = 3;

fn ends_like(moment: &Moment<'_>, endings: &[Ending]) -> Value {
    Value::Bool(endings.contains(&Ending::of(moment.call)))
}

impl Moment<'_> {
    fn own_evidence(&self, model: Model) -> Value {
        self.of_caller(|_, caller| int(decibels(self.own(caller).evidence(model, seconds(self.at)))))
    }

    fn block_evidence(&self, model: Model) -> Value {
        self.of_caller(|store, caller| {
            let against = || store.suspicion.against_blocks(caller, self.call.route, seconds(self.at));
            int(decibels(self.blocks.get_or_init(against)[model as usize]))
        })
    }

    /// Inbound calls only: of our own subscribers nothing is learned here.
    fn of_pair(
        &self,
        read: impl Fn(&crate::feature::Store, crate::base::number::Number, crate::base::number::Number) -> bool,
    ) -> Value {
        match (self.call.calling.number, self.call.called.number) {
            (Some(caller), Some(called)) => Value::Bool(read(self.store, caller, called)),
            _ if self.call.direction == Direction::Outbound => Value::Bool(false),
            _ => Value::Unknown,
        }
    }
}
