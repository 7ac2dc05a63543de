//! Kamailio's hash table over JSON-RPC: modules `htable`, `jsonrpcs` and `xhttp` of Kamailio 5.6 and later.
//!
//! A key is the class of the route and the block, as `international:4860123xxxx`; a value is the class and the Unix time
//! of its end, as `wangiri:1795292103`. The end is the entry's own expiry in the table too. `deploy/kamailio/` has the table and
//! the look-up. One request is one change: `jsonrpcs` takes no batches.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::adapter::push::client::{Client, ClientOptions, said};
use crate::adapter::push::list::{Change, Key, Value};
use crate::adapter::push::{Health, Switch, Trouble};
use crate::base::class::Class;
use crate::base::range::Range;
use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::clock;

/// The mark that is gone when Kamailio was started anew; no route class has this name.
const SEAL: &str = "tollgate:epoch";
/// How long the mark stays, seconds: longer than any time between two comparisons.
const SEAL_TTL_S: u64 = 7 * 86_400;
/// Largest table that is read back. Kamailio builds the answer in the private memory of one process, 8 MB unless it is
/// told otherwise: 10,000 entries take 1.5 MB and fit, 30,000 do not, and the process then answers nobody.
const READ_BACK_MAX: u64 = 10_000;

/// A table in one Kamailio.
#[derive(Debug)]
pub struct Kamailio {
    client: Client,
    table: String,
    epoch: String,
}

/// What Kamailio answers (JSON-RPC 2.0 §5).
#[derive(Debug, Deserialize)]
struct Answer {
    result: Option<Json>,
    error: Option<Json>,
}

/// `htable.dump`: one slot of the table.
#[derive(Debug, Deserialize)]
struct Slot {
    slot: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    value: Json,
}

/// `htable.stats`: one table.
#[derive(Debug, Deserialize)]
struct Stats {
    name: String,
    all: u64,
}

impl Kamailio {
    /// The table of this name behind this JSON-RPC URL.
    ///
    /// # Errors
    /// When the token cannot be read.
    pub fn new(options: &ClientOptions, table: &str) -> std::io::Result<Self> {
        let epoch = format!("e{}", clock::now().nanos());
        Ok(Self { client: Client::new(options)?, table: table.to_owned(), epoch })
    }

    /// The result of a call, or the error that Kamailio answered with.
    fn call(&self, method: &str, parameters: &Json) -> Result<Result<Json, Json>, Trouble> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
        let (status, body) = self.client.send("POST", request.to_string().as_bytes())?;
        // Kamailio gives the error's code as the status too, so the body decides.
        match serde_json::from_slice::<Answer>(&body) {
            Ok(Answer { result: Some(result), error: None }) => Ok(Ok(result)),
            Ok(Answer { error: Some(error), .. }) => Ok(Err(error)),
            _ => Err(Trouble::Refused(format!("no JSON-RPC: {}", said(status, &body)))),
        }
    }

    fn done(&self, method: &str, parameters: &Json) -> Result<Json, Trouble> {
        self.call(method, parameters)?.map_err(|error| Trouble::Refused(format!("{method}: {error}")))
    }

    fn set(&self, name: &str, value: &str, ttl_s: u64) -> Result<(), Trouble> {
        self.done("htable.setxs", &json!([self.table, name, value, ttl_s])).map(drop)
    }

    fn tell_one(&self, change: &Change) -> Result<(), Trouble> {
        let name = name(change.key);
        match change.value {
            // Rounded up, so that it never holds fewer than are counted here.
            Some(value) => {
                let left = value.expires.since(clock::now());
                let ttl_s = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                self.set(&name, &text(value), ttl_s.max(1))
            }
            // What is not there need not be removed.
            None => {
                self.call("htable.delete", &json!([self.table, name]))?.map(drop).or_else(|error| match error
                    .get("code")
                    .and_then(Json::as_u64)
                {
                    Some(404) => Ok(()),
                    _ => Err(Trouble::Refused(format!("htable.delete: {error}"))),
                })
            }
        }
    }

    fn stats(&self) -> Result<u64, Trouble> {
        let result = self.done("htable.stats", &json!([]))?;
        let tables: Vec<Stats> = serde_json::from_value(result).unwrap_or_default();
        let own = tables.iter().find(|table| table.name == self.table);
        own.map(|table| table.all)
            .ok_or_else(|| Trouble::Refused(format!("there is no table `{}`", self.table)))
    }
}

impl Switch for Kamailio {
    fn tell(&mut self, changes: &[Change], taken: &mut dyn FnMut(Change)) -> Result<(), Trouble> {
        for change in changes {
            self.tell_one(change)?;
            taken(*change);
        }
        Ok(())
    }

    fn held(&mut self) -> Result<Option<BTreeMap<Key, Value>>, Trouble> {
        if self.stats()? > READ_BACK_MAX {
            return Ok(None);
        }
        let dump = self.done("htable.dump", &json!([self.table]))?;
        let slots: Vec<Slot> = serde_json::from_value(dump).unwrap_or_default();
        let items = slots.into_iter().flat_map(|slot| slot.slot);
        Ok(Some(
            items
                .filter_map(|item| Some((read_name(&item.name)?, read_text(item.value.as_str()?)?)))
                .collect(),
        ))
    }

    fn replace(&mut self, _list: &[Change]) -> Result<bool, Trouble> {
        Ok(false)
    }

    fn seal(&mut self) -> Result<(), Trouble> {
        self.set(SEAL, &self.epoch, SEAL_TTL_S)
    }

    fn check(&mut self, entries: usize) -> Result<Health, Trouble> {
        match self.call("htable.get", &json!([self.table, SEAL]))? {
            Err(_) => return Ok(Health::Anew),
            Ok(found) => {
                if found.pointer("/item/value").and_then(Json::as_str) != Some(self.epoch.as_str()) {
                    return Ok(Health::Others);
                }
            }
        }
        // The mark is one of them.
        Ok(if self.stats()? <= entries as u64 { Health::Short } else { Health::Whole })
    }
}

fn name(key: Key) -> String {
    format!("{}:{}", key.place.name(), key.range.to_string().trim_start_matches('+'))
}

fn read_name(name: &str) -> Option<Key> {
    let (place, range) = name.split_once(':')?;
    let place = RouteClass::ALL.into_iter().find(|class| class.name() == place)?;
    Some(Key { place, range: Range::parse(&format!("+{range}"))? })
}

fn text(value: Value) -> String {
    format!("{}:{}", value.class.name(), value.expires.nanos() / 1_000_000_000)
}

fn read_text(text: &str) -> Option<Value> {
    let (class, end) = text.split_once(':')?;
    let seconds: u64 = end.parse().ok()?;
    Some(Value {
        class: Class::from_name(class)?,
        expires: At::from_nanos(seconds.checked_mul(1_000_000_000)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_and_values_it_writes() {
        for (place, range) in
            [(RouteClass::OnNet, "+4860123xxxx"), (RouteClass::International, "+48601234567")]
        {
            let key = Key { place, range: Range::parse(range).unwrap() };
            assert_eq!(read_name(&name(key)), Some(key));
        }
        let value =
            Value { class: Class::WangiriCallback, expires: At::from_nanos(1_795_292_103_000_000_000) };
        assert_eq!(text(value), "wangiri_callback:1795292103");
        assert_eq!(read_text(&text(value)), Some(value));
        for text in ["", ":", "wangiri", "wangiri:x", "odd:1", "wangiri:99999999999999999999"] {
            assert_eq!(read_text(text), None, "{text}");
        }
        for name in [SEAL, "48601234567", "odd:48601234567", "on-net:", "on-net:x"] {
            assert_eq!(read_name(name), None, "{name}");
        }
    }
}
