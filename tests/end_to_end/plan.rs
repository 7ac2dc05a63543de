//! Who calls whom: carriers, each with its route, and their calls. Numbers are those that regulators keep for film and
//! fiction, and such that nobody has.

use std::fmt::Write as _;

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A one-time password in a calling number of a block.
    Flash,
    /// People talk.
    Person,
    /// A home fixed-line number from abroad.
    Spoofed,
    /// One ring from one number abroad.
    Wangiri,
    /// A flash call with a contract.
    White,
}

/// One call as it is meant.
pub struct Call {
    pub kind: Kind,
    pub calling: String,
    called: String,
    patience_ms: u32,
}

/// A carrier, its address, and its calls in order.
pub struct Carrier {
    pub name: &'static str,
    pub ip: &'static str,
    /// Calls a second.
    pub rate: u32,
    pub calls: Vec<Call>,
}

impl Carrier {
    /// What `caller.xml` reads.
    pub fn csv(&self) -> String {
        let mut csv = "SEQUENTIAL\n".to_owned();
        for Call { kind, calling, called, patience_ms } in &self.calls {
            let mode = if matches!(kind, Kind::Person | Kind::Spoofed) { "talk" } else { "cut" };
            writeln!(csv, "{calling};{called};{mode};{patience_ms}").unwrap();
        }
        csv
    }

    /// The Call-ID of each call.
    pub fn call_ids(&self) -> impl Iterator<Item = (String, &Call)> {
        self.calls.iter().zip(1..).map(|(call, number)| (format!("{}-{number}@{}", self.name, self.ip), call))
    }
}

/// All carriers.
pub fn carriers() -> Vec<Carrier> {
    let mut flash: Vec<Call> = (0..80)
        .map(|n| Call {
            kind: Kind::Flash,
            // One block of a thousand, in no order.
            calling: format!("+447700900{:03}", n * 37 % 1_000),
            called: format!("+48699000{n:03}"),
            patience_ms: 500 + n * 97 % 1_500,
        })
        .collect();
    // People call by the same carrier, from elsewhere and between the others.
    for n in 0..16 {
        flash.insert(n * 6, person(n as u32));
    }
    let wangiri = (0..70).map(|n| Call {
        kind: Kind::Wangiri,
        // No Somali number begins with 0 after the country code.
        calling: "+252000000042".to_owned(),
        called: format!("+48699000{:03}", 200 + n),
        patience_ms: 1_200 + n * 131 % 1_200,
    });
    let spoofed = (0..20).map(|n| Call {
        kind: Kind::Spoofed,
        calling: format!("+48220000{n:03}"),
        called: format!("+48699001{:03}", 200 + n),
        patience_ms: 500,
    });
    let white = (0..25).map(|n| Call {
        kind: Kind::White,
        calling: format!("+447700901{n:03}"),
        called: format!("+48699000{:03}", 400 + n),
        patience_ms: 500 + n * 53 % 1_000,
    });
    vec![
        Carrier { name: "flash", ip: "10.77.1.11", rate: 15, calls: flash },
        Carrier { name: "wangiri", ip: "10.77.1.12", rate: 9, calls: wangiri.collect() },
        Carrier { name: "spoofed", ip: "10.77.1.13", rate: 10, calls: spoofed.collect() },
        Carrier { name: "people", ip: "10.77.1.14", rate: 8, calls: (100..140).map(person).collect() },
        Carrier { name: "white", ip: "10.77.1.15", rate: 10, calls: white.collect() },
    ]
}

fn person(n: u32) -> Call {
    // Berlin, London, Paris.
    let begin = ["+4930231251", "+4420794601", "+3319900120"].into_iter().cycle().nth(n as usize).unwrap();
    Call {
        kind: Kind::Person,
        calling: format!("{begin}{:02}", n % 100),
        called: format!("+48699001{n:03}"),
        patience_ms: 800 + n * 397 % 3_000,
    }
}

/// The network file of the operator.
pub fn network() -> String {
    let mut text = "home = \"PL\"\n\n[billing]\nrate-card = \"rates.csv\"\n".to_owned();
    for Carrier { name, ip, .. } in carriers() {
        let class = if name == "white" { "white\"\nsender = \"acme" } else { "international" };
        writeln!(text, "\n[[route]]\nname = \"{name}\"\nclass = \"{class}\"\npeers = [\"{ip}\"]").unwrap();
    }
    text
}

/// What the contracted sender pays.
pub const RATES: &str = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
                         acme,+48,2020-01-01,,0,EUR,0.0045,attempt\n";
