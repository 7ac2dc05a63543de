//! Any receiver over HTTP: changes by `POST`, the whole list by `PUT`, both in JSON. `docs/list-push.md` has the form.
//!
//! A receiver acknowledges with any 2xx, and asks for the whole list with 409 when it does not hold what came before.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::adapter::push::client::{Client, ClientOptions, said};
use crate::adapter::push::list::{Change, Key, Value};
use crate::adapter::push::{Health, Switch, Trouble};
use crate::clock;

/// Version of the form.
const VERSION: u8 = 1;

/// A receiver.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    epoch: String,
    sequence: u64,
}

impl Webhook {
    /// The receiver at this URL.
    ///
    /// # Errors
    /// When the token cannot be read.
    pub fn new(options: &ClientOptions) -> std::io::Result<Self> {
        let epoch = format!("e{}", clock::now().nanos());
        Ok(Self { client: Client::new(options)?, epoch, sequence: 0 })
    }

    /// Sends; a message that was not acknowledged comes again under its number, perhaps with more in it.
    fn send(&mut self, method: &str, message: &Json) -> Result<(), Trouble> {
        let (status, body) = self.client.send(method, message.to_string().as_bytes())?;
        match status {
            200..300 => {
                self.sequence = self.sequence.saturating_add(1);
                Ok(())
            }
            409 => Err(Trouble::OutOfStep),
            408 | 429 | 500.. => Err(Trouble::Unreachable(said(status, &body))),
            _ => Err(Trouble::Refused(said(status, &body))),
        }
    }
}

impl Switch for Webhook {
    fn tell(&mut self, changes: &[Change], taken: &mut dyn FnMut(Change)) -> Result<(), Trouble> {
        let add: Vec<Json> =
            changes.iter().filter_map(|change| Some(entry(change.key, change.value?))).collect();
        let remove: Vec<Json> =
            changes.iter().filter(|change| change.value.is_none()).map(|change| about(change.key)).collect();
        let message = json!({
            "version": VERSION, "epoch": self.epoch, "sequence": self.sequence, "add": add, "remove": remove,
        });
        self.send("POST", &message)?;
        changes.iter().for_each(|change| taken(*change));
        Ok(())
    }

    fn held(&mut self) -> Result<Option<BTreeMap<Key, Value>>, Trouble> {
        Ok(None)
    }

    fn replace(&mut self, list: &[Change]) -> Result<bool, Trouble> {
        let entries: Vec<Json> =
            list.iter().filter_map(|change| Some(entry(change.key, change.value?))).collect();
        let message =
            json!({"version": VERSION, "epoch": self.epoch, "sequence": self.sequence, "entries": entries});
        self.send("PUT", &message)?;
        Ok(true)
    }

    fn seal(&mut self) -> Result<(), Trouble> {
        Ok(())
    }

    fn check(&mut self, _entries: usize) -> Result<Health, Trouble> {
        Ok(Health::Whole)
    }
}

/// What an entry is about: the digits that its numbers begin with, and how many they have.
fn about(key: Key) -> Json {
    let prefix = key.range.prefix();
    let digits = prefix.checked_ilog10().map_or(0, |digits| digits + 1) + u32::from(key.range.width());
    json!({"prefix": prefix.to_string(), "digits": digits, "routes": key.place.name()})
}

fn entry(key: Key, value: Value) -> Json {
    let mut entry = about(key);
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("class".to_owned(), value.class.name().into());
        fields.insert("expires".to_owned(), value.expires.rfc3339().as_str().into());
    }
    entry
}
