//! Attempts of every kind, for what plays and reads them.

use std::sync::Arc;
use std::time::Duration;

use tollgate::simulate::Traffic;
use tollgate::simulate::attempt::{Attempt, Calling, End, Oddity, Side, TrunkId, Truth};
use tollgate::simulate::source::Source;
use tollgate::simulate::world::World;

/// Every end with every oddity, calling number and way, on every trunk, from several kinds of equipment.
pub fn every(world: &World) -> Vec<Attempt> {
    let (ring, talk) = (Duration::from_millis(5_400), Duration::from_secs(9));
    let ends = [
        End::Answered { ring, talk, by: Side::Calling },
        End::Answered { ring, talk, by: Side::Called },
        End::EarlyMedia { after: ring, by: Side::Called, cause: 1 },
        End::EarlyMedia { after: ring, by: Side::Calling, cause: 16 },
        End::GivenUp { after: ring, cause: 31 },
        End::Refused { after: ring, cause: 21 },
        End::Refused { after: ring, cause: 28 },
        End::Reset { after: ring },
        End::Silent { after: ring },
        End::Never,
    ];
    let oddities = [Oddity::None, Oddity::Forked, Oddity::Reinvited, Oddity::Retransmitted { times: 2 }];
    let number = || "447400123456".to_owned();
    let callings = [
        Calling::Shown(number()),
        Calling::Withheld(number()),
        Calling::Unavailable,
        Calling::Malformed("+44<7>é x\r\n\"0".into()),
        Calling::Malformed("12".into()),
        Calling::Malformed("9".repeat(80)),
    ];
    let mut attempts = Vec::new();
    for (index, end) in ends.into_iter().enumerate() {
        for oddity in oddities {
            for calling in &callings {
                for trunk in 0..world.trunks().len() as u16 {
                    let count = attempts.len();
                    let at = world.start() + Duration::from_micros(40_123 * count as u64);
                    let parties = (number(), world.subscriber(count as u64));
                    let attempt = Attempt::new(at, TrunkId(trunk), parties, Truth::normal("script"));
                    attempts.push(Attempt {
                        is_outbound: count % 3 == 0,
                        calling: calling.clone(),
                        presented: (count % 5 == 0).then(|| "48221234567".to_owned()),
                        diverting: (count % 7 == 0).then(|| "48601000009".to_owned()),
                        alert_after: (index % 3 != 2 || count % 2 == 0)
                            .then_some(Duration::from_millis(1_700)),
                        end,
                        oddity,
                        equipment: (count % 40) as u16,
                        ..attempt
                    });
                }
            }
        }
    }
    attempts
}

/// Traffic of these attempts.
pub fn play(world: &Arc<World>, attempts: Vec<Attempt>) -> Traffic {
    Traffic::of(Arc::clone(world), vec![Box::new(Listed(attempts.into_iter()))]).unwrap()
}

struct Listed(std::vec::IntoIter<Attempt>);

impl Source for Listed {
    fn next(&mut self) -> Option<Attempt> {
        self.0.next()
    }
}
