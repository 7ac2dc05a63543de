//! When the prices of a route's sender end: from then on its calls pass without a price.

use prometheus::{IntGaugeVec, Opts, Registry};

use crate::base::network::Network;
use crate::billing::RateCard;
use crate::metrics::prom::NAMED_MAX;

/// A gauge for each route with a sender whose prices have an end.
#[derive(Clone, Debug)]
pub struct Contracts(IntGaugeVec);

impl Contracts {
    /// Registers them.
    ///
    /// # Errors
    /// When the library refuses a name.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let name = "tollgate_route_contract_expiry_timestamp_seconds";
        let ends =
            IntGaugeVec::new(Opts::new(name, "When the last price of the route's sender ends"), &["route"])?;
        registry.register(Box::new(ends.clone()))?;
        Ok(Self(ends))
    }

    /// From now on this card is in force.
    pub fn load(&self, network: &Network, card: &RateCard) {
        self.0.reset();
        for route in network.routes.all().iter().take(NAMED_MAX) {
            if let Some(end) = route.sender.as_deref().and_then(|sender| card.end(sender)) {
                let seconds = i64::try_from(end.nanos() / 1_000_000_000).unwrap_or(i64::MAX);
                self.0.with_label_values(&[&route.name]).set(seconds);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::route::{Route, RouteClass, Routes};

    #[test]
    fn a_contract_ends_with_the_last_price() {
        let card = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
                    acme,+48,2026-01-01,2026-07-01,0,EUR,0.01,attempt\n\
                    acme,+48,2026-07-01,2027-01-01,0,EUR,0.02,attempt\n\
                    acme,+49,2026-01-01,2026-03-01,0,EUR,0.02,attempt\n\
                    endless,+48,2026-01-01,,0,EUR,0.02,attempt\n";
        let card = RateCard::parse("rates.csv", card).unwrap();
        let routes = ["acme", "endless", "priceless"].map(|sender| Route {
            sender: Some(sender.to_owned()),
            ..Route::new(&format!("route-{sender}"), RouteClass::White)
        });
        let network = Network { routes: Routes::new(routes.into()), ..Network::unknown() };
        let contracts = Contracts::new(&Registry::new()).unwrap();
        contracts.load(&network, &card);
        // 2027-01-01T00:00:00Z.
        assert_eq!(contracts.0.with_label_values(&["route-acme"]).get(), 1_798_761_600);
        let shown = prometheus::core::Collector::collect(&contracts.0);
        assert_eq!(shown[0].get_metric().len(), 1);
        contracts.load(&network, &RateCard::default());
        assert!(prometheus::core::Collector::collect(&contracts.0)[0].get_metric().is_empty());
    }
}
