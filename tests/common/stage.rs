//! A service of one white route and one international one, asked over HTTP.
#![allow(dead_code, reason = "not everyone who shares this file needs all of it")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::{Value, json};

use crate::daemon::Daemon;

/// A home fixed number from abroad, which rule SP-200 blocks.
pub const SPOOFED: &str = "+48221234567";

/// A configuration, and where its service is asked.
pub struct Stage<'a> {
    folder: &'a Path,
    pub admin: SocketAddr,
    pub http: SocketAddr,
}

impl<'a> Stage<'a> {
    pub fn new(folder: &'a Path, network: &str, service: &str) -> Self {
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [admin, http] = held.map(|listener| listener.local_addr().unwrap());
        fs::create_dir(folder.join("records")).unwrap();
        let routes = "[[route]]\nname = \"acme\"\nclass = \"white\"\npeers = [\"192.0.2.1\"]\nsender = \"acme\"\n\
                      [[route]]\nname = \"carrier\"\nclass = \"international\"\npeers = [\"192.0.2.2\"]\n";
        fs::write(
            folder.join("network.toml"),
            format!("home = \"PL\"\n{network}[billing]\nrate-card = \"rates.csv\"\n{routes}"),
        )
        .unwrap();
        let rates = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
                     acme,+48,2020-01-01,,0,EUR,0.0045,attempt\n";
        fs::write(folder.join("rates.csv"), rates).unwrap();
        let text = format!(
            "[admin]\nlisten = \"{admin}\"\n[records]\ndirectory = \"records\"\nsync = \"50ms\"\n\
             [http]\nlisten = \"{http}\"\ndeadline = \"5s\"\n{service}"
        );
        fs::write(folder.join("tollgate.toml"), text).unwrap();
        Self { folder, admin, http }
    }

    /// Writes another word in place of one of its configuration.
    pub fn change(&self, from: &str, to: &str) {
        let path = self.folder.join("tollgate.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    pub fn start(&self) -> Daemon {
        Daemon::start(self.folder, None, &self.admin.to_string())
    }

    pub fn decide(&self, call_id: &str, calling: &str, route: &str) -> Value {
        let question =
            json!({"call_id": call_id, "calling": calling, "called": "+48609876543", "route": route});
        let url = format!("http://{}/v1/decisions", self.http);
        let text = post(&url, "application/json", &question.to_string());
        serde_json::from_str(&text).unwrap()
    }

    /// Tells that a call of the white route is over.
    pub fn tell(&self, call_id: &str) {
        let now = tollgate::clock::now();
        let ended = json!({"call_id": call_id, "calling": "+33123456789", "called": "+48609876543", "route": "acme",
            "setup_at": now.to_string(), "end_at": now.to_string(), "released_by": "calling"});
        post(&format!("http://{}/v1/feed", self.http), "application/x-ndjson", &format!("{ended}\n"));
    }

    pub fn bypass(&self, is_on: bool) {
        post(&format!("http://{}/bypass?on={is_on}", self.admin), "text/plain", "");
    }
}

fn post(url: &str, kind: &str, body: &str) -> String {
    ureq::post(url).content_type(kind).send(body).unwrap().body_mut().read_to_string().unwrap()
}
