//! Trunks: read from the scenario, found by name, class and direction.

use crate::base::route::RouteClass;
use crate::simulate::attempt::TrunkId;
use crate::simulate::draw::{Rng, weighted};
use crate::simulate::placed::{Finding, Placed};
use crate::simulate::scenario::{Transport, TrunkSpec, Ways};
use crate::simulate::world::World;

/// An interconnect.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Name of the route.
    pub name: String,
    /// Class of the route.
    pub class: RouteClass,
    /// What it speaks.
    pub transport: Transport,
    /// Who is on the other side.
    pub carrier: String,
    /// Which way calls are set up.
    pub ways: Ways,
    /// Share of its class's ordinary traffic, before normalisation.
    pub weight: f64,
    /// Who pays for flash calls.
    pub sender: Option<String>,
    /// SIP elements of the other side.
    pub elements: u8,
    /// ISUP circuits.
    pub circuits: u16,
}

impl Trunk {
    /// Whether calls are set up this way.
    #[must_use]
    pub const fn takes(&self, is_outbound: bool) -> bool {
        match self.ways {
            Ways::Both => true,
            Ways::In => !is_outbound,
            Ways::Out => is_outbound,
        }
    }
}

impl World {
    /// Every trunk, in the order of the file.
    #[must_use]
    pub fn trunks(&self) -> &[Trunk] {
        &self.trunks
    }

    /// A trunk.
    ///
    /// # Panics
    /// When `id` is not of this world.
    #[must_use]
    pub fn trunk(&self, id: TrunkId) -> &Trunk {
        &self.trunks[usize::from(id.0)]
    }

    /// The trunk with this name.
    #[must_use]
    pub fn trunk_named(&self, name: &str) -> Option<TrunkId> {
        let index = self.trunks.iter().position(|trunk| trunk.name == name)?;
        u16::try_from(index).ok().map(TrunkId)
    }

    /// The trunk that this key of the scenario names, when it takes calls this way.
    ///
    /// # Errors
    /// There is none, or it does not.
    pub(in crate::simulate) fn trunk_towards(
        &self,
        (key, name): (&str, &str),
        is_outbound: bool,
    ) -> Result<TrunkId, String> {
        let id = self.trunk_named(name).ok_or_else(|| format!("{key}: there is no `{name}`"))?;
        let way = if is_outbound { "out" } else { "in" };
        match self.trunk(id).takes(is_outbound) {
            true => Ok(id),
            false => Err(format!("{key}: `{name}` takes no calls {way}")),
        }
    }

    /// Trunks of these classes that take calls this way.
    #[must_use]
    pub fn trunks_for(&self, classes: &[RouteClass], is_outbound: bool) -> Vec<TrunkId> {
        let fits = |trunk: &Trunk| classes.contains(&trunk.class) && trunk.takes(is_outbound);
        (0_u16..)
            .zip(&self.trunks)
            .filter(|(_, trunk)| fits(trunk))
            .map(|(index, _)| TrunkId(index))
            .collect()
    }

    /// One of these trunks, by weight; `None` of none.
    pub fn pick_trunk(&self, among: &[TrunkId], rng: &mut Rng) -> Option<TrunkId> {
        let index = weighted(rng, among.iter().map(|id| self.trunk(*id).weight));
        among.get(index).copied()
    }
}

/// The trunks of a scenario.
///
/// # Errors
/// What one of them asks for and cannot have.
pub(super) fn trunks(specs: &[Placed<TrunkSpec>]) -> Result<Vec<Trunk>, Finding> {
    const TRUNKS_MAX: usize = 500;
    let mut trunks: Vec<Trunk> = Vec::with_capacity(specs.len());
    for spec in specs {
        let trunk = trunk(spec.get_ref()).map_err(|message| spec.finding(message))?;
        if trunks.iter().any(|other| other.name == trunk.name) {
            return Err(spec.finding(format!("name: two trunks have the name `{}`", trunk.name)));
        }
        if trunks.len() == TRUNKS_MAX {
            return Err(spec.finding(format!("more than {TRUNKS_MAX} trunks")));
        }
        trunks.push(trunk);
    }
    Ok(trunks)
}

fn trunk(spec: &TrunkSpec) -> Result<Trunk, String> {
    let class = match spec.class.as_str() {
        "international" => RouteClass::International,
        "national" => RouteClass::National,
        "on-net" => RouteClass::OnNet,
        "enterprise" => RouteClass::Enterprise,
        "white" => RouteClass::White,
        _ => return Err("class: international, national, on-net, enterprise or white".into()),
    };
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name(&spec.name) || spec.name == "unknown" {
        return Err("name: letters, digits and `-`; `unknown` is taken".into());
    }
    if (class == RouteClass::White) != spec.sender.is_some() {
        return Err("sender: needed for class white, refused elsewhere".into());
    }
    if spec.sender.as_deref().is_some_and(|sender| !is_name(sender)) {
        return Err("sender: letters, digits and `-`".into());
    }
    if !(1..=8).contains(&spec.elements) {
        return Err("elements: 1 to 8".into());
    }
    if !(2..=16_382).contains(&spec.circuits) {
        return Err("circuits: 2 to 16382".into());
    }
    if !(spec.weight >= 0.0 && spec.weight.is_finite()) {
        return Err("weight: 0 or more".into());
    }
    Ok(Trunk {
        name: spec.name.clone(),
        class,
        transport: spec.transport,
        carrier: spec.carrier.clone().unwrap_or_else(|| spec.name.clone()),
        ways: spec.ways,
        weight: spec.weight,
        sender: spec.sender.clone(),
        elements: spec.elements,
        circuits: spec.circuits,
    })
}
