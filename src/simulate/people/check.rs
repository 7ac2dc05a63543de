//! Figures of a population, checked with a word on what they may be.

use std::sync::Arc;

use crate::base::route::RouteClass;
use crate::simulate::attempt::TrunkId;
use crate::simulate::countries::{NATIONS, Nation};
use crate::simulate::world::World;

/// Refuses what is no share.
pub(super) fn share(name: &str, share: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&share) { Ok(()) } else { Err(format!("{name}: 0 to 1")) }
}

/// Refuses what is not above 0 or above `most`.
pub(super) fn positive(name: &str, figure: f64, most: f64) -> Result<(), String> {
    if figure > 0.0 && figure <= most { Ok(()) } else { Err(format!("{name}: above 0, at most {most}")) }
}

/// Refuses what is not 1 to `most`.
pub(super) fn count(name: &str, count: u64, most: u64) -> Result<(), String> {
    if (1..=most).contains(&count) { Ok(()) } else { Err(format!("{name}: 1 to {most}")) }
}

/// A year, in seconds: no time of a scenario is later, and no span longer.
const YEAR_S: f64 = 366.0 * 86_400.0;

/// Refuses what is no time after the start, in seconds.
pub(super) fn after(name: &str, after_s: f64) -> Result<(), String> {
    if (0.0..=YEAR_S).contains(&after_s) { Ok(()) } else { Err(format!("{name}: 0 to {YEAR_S}")) }
}

/// Refuses what is no span, in seconds.
pub(super) fn span(name: &str, for_s: f64) -> Result<(), String> {
    positive(name, for_s, YEAR_S)
}

/// The country with these letters; the home country for none.
pub(super) fn country(world: &World, iso: Option<&str>) -> Result<&'static Nation, String> {
    let Some(iso) = iso else { return Ok(world.home()) };
    let found = NATIONS.iter().find(|nation| nation.iso == iso);
    found.ok_or_else(|| format!("country: none known as `{iso}`"))
}

/// The country of a number, by its country code.
pub(super) fn country_of(number: &str) -> Option<&'static Nation> {
    NATIONS.iter().filter(|nation| number.starts_with(nation.code)).max_by_key(|nation| nation.code.len())
}

/// The trunk of this name, or without one those of these classes that take calls this way; never none.
pub(super) fn trunks(
    world: &Arc<World>,
    name: Option<&str>,
    classes: &[RouteClass],
    is_outbound: bool,
) -> Result<Vec<TrunkId>, String> {
    if let Some(name) = name {
        return Ok(vec![world.trunk_towards(("trunk", name), is_outbound)?]);
    }
    let found = world.trunks_for(classes, is_outbound);
    if found.is_empty() {
        let way = if is_outbound { "out" } else { "in" };
        let names: Vec<&str> = classes.iter().map(|class| RouteClass::NAMES[*class as usize]).collect();
        return Err(format!("no trunk of class {} takes calls {way}", names.join(" or ")));
    }
    Ok(found)
}

/// The trunk of this name.
pub(super) fn trunk(world: &World, name: &str) -> Result<TrunkId, String> {
    world.trunk_named(name).ok_or_else(|| format!("trunk: there is no `{name}`"))
}
