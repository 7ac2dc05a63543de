//! Calls that taps see in several places: each leg with its own messages, and the folder of a case made of them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use tollgate::simulate::attempt::{Attempt, End};
use tollgate::simulate::render::association::{self, Link};
use tollgate::simulate::render::isup::Circuits;
use tollgate::simulate::render::sip::{self, Sent};
use tollgate::simulate::render::sip_text::Identity;
use tollgate::simulate::render::style::SipStyle;

use crate::call::{Call, Micros, Side};
use crate::case::{self, CIRCUIT_COUNT, COMPRESSION};
use crate::network::{self, Bearer, Route};
use crate::random::Random;
use crate::recording::Recording;

/// What a leg runs on.
#[derive(Clone, Copy)]
pub enum Way {
    /// A circuit of its route.
    Isup,
    /// Set up from one element to the other; by a proxy when it has the dialog of the leg before it.
    Sip { between: (Ipv4Addr, Ipv4Addr), is_proxied: bool },
}

/// One place where a call is seen.
#[derive(Clone, Copy)]
pub struct Leg {
    /// Name of its route.
    pub route: &'static str,
    pub way: Way,
    /// The operator's side sets it up: for a circuit.
    pub outbound: bool,
    /// How long a message takes from where the call comes in.
    pub later: Micros,
    /// What tells that it is of this call; nothing where the call comes in.
    pub by: &'static str,
}

/// A call, and where it is seen: first where it comes in.
pub struct Seen {
    pub call: Call,
    pub legs: Vec<Leg>,
    /// Lines of every leg's INVITE that name the call.
    pub names: String,
}

/// A test case of such calls.
pub struct LegsCase {
    /// Folder under `captures/`.
    pub name: &'static str,
    pub routes: Vec<Route>,
    /// Numbers tell too, within this span.
    pub numbers: Option<&'static str>,
    pub calls: Vec<Seen>,
    /// What is between these two addresses passes a second tap point.
    pub twice: (Ipv4Addr, Ipv4Addr),
}

impl LegsCase {
    /// Writes the folder.
    pub fn write(mut self, captures: &Path, seed: u64) -> io::Result<()> {
        let folder = captures.join(self.name);
        fs::create_dir_all(&folder)?;
        self.calls.sort_by_key(|seen| seen.call.setup_at);
        let mut recording = Recording::default();
        fs::write(folder.join("truth.csv"), self.play(&mut Random::new(seed), &mut recording))?;
        recording.pass_second_tap(self.twice);
        let mut out = zstd::Encoder::new(File::create(folder.join("input.pcap.zst"))?, COMPRESSION)?;
        recording.write(&mut out)?;
        out.finish()?;
        let mut network = network::toml(&self.routes, false);
        if let Some(numbers) = self.numbers {
            let _ = write!(network, "\n[legs]\nnumbers = \"{numbers}\"\n");
        }
        fs::write(folder.join("network.toml"), network)
    }

    /// Plays every leg, and says in CSV what each call is and which legs it has.
    fn play(&self, random: &mut Random, recording: &mut Recording) -> String {
        let mut trunks: Vec<Trunk> = self.routes.iter().filter_map(Trunk::of).collect();
        let mut truth = String::from("call_key,kind,label,route,setup_at,legs\n");
        for Seen { call, legs, names } in &self.calls {
            let mut keys = Vec::new();
            let mut dialog = Dialog { names, ..Dialog::default() };
            for leg in legs {
                let attempt = onward(&call.attempt(), leg);
                keys.push(match leg.way {
                    Way::Sip { between, is_proxied } => dialog.go_on(&attempt, between, is_proxied, random),
                    Way::Isup => {
                        let trunk = trunks.iter_mut().find(|trunk| trunk.route == leg.route);
                        trunk.expect("an ISUP route").seize(&attempt, random)
                    }
                });
            }
            dialog.sent.iter().flatten().for_each(|message| recording.sip(message));
            let further = legs.iter().zip(&keys).skip(1);
            let further: Vec<String> =
                further.map(|(leg, key)| format!("{key}@{}:{}", leg.route, leg.by)).collect();
            let row = case::truth_row(call, &keys[0]);
            let _ = writeln!(truth, "{},{}", row.trim_end(), further.join(" "));
        }
        for trunk in trunks {
            case::carry(&trunk.link, trunk.sent, recording);
        }
        truth
    }
}

/// The circuits of a route, and what is sent about them.
struct Trunk {
    route: &'static str,
    link: Link,
    circuits: Circuits,
    sent: Vec<association::Sent>,
}

impl Trunk {
    fn of(route: &Route) -> Option<Self> {
        let Bearer::Isup(link) = route.bearer else { return None };
        Some(Self { route: route.name, link, circuits: Circuits::new(CIRCUIT_COUNT), sent: Vec::new() })
    }

    /// Plays an attempt on a free circuit; returns how records name it.
    fn seize(&mut self, attempt: &Attempt, random: &mut Random) -> String {
        let cic = case::play_isup(attempt, &self.link, &mut self.circuits, random, &mut self.sent);
        case::circuit_key(&self.link, attempt.is_outbound, cic)
    }
}

/// The SIP legs of one call, as far as they go.
#[derive(Default)]
struct Dialog<'a> {
    names: &'a str,
    identity: Identity,
    sent: Vec<Vec<Sent>>,
}

impl Dialog<'_> {
    /// Plays a leg; returns its Call-ID.
    fn go_on(
        &mut self,
        attempt: &Attempt,
        between: (Ipv4Addr, Ipv4Addr),
        is_proxied: bool,
        random: &mut Random,
    ) -> String {
        if !is_proxied {
            self.identity = Identity {
                call_id: format!("{:016x}@{}", random.next(), between.0),
                from_tag: format!("{:08x}", random.next() as u32),
                to_tag: format!("{:08x}", random.next() as u32),
                branch: String::new(),
            };
        }
        self.identity.branch = format!("z9hG4bK{:08x}", random.next() as u32);
        let style = SipStyle {
            has_charging_vector: false,
            max_forwards: 66 - self.sent.len() as u8,
            ..SipStyle::plain()
        };
        let course = sip::Course { between, second: between.1, transport: "UDP", style: &style };
        let mut sent = Vec::new();
        sip::play(attempt, &course, self.identity.clone(), &mut sent);
        for message in sent.iter_mut().filter(|message| message.text.starts_with("INVITE ")) {
            put_before_from(&mut message.text, self.names);
        }
        if let Some(before) = self.sent.last_mut().filter(|_| is_proxied) {
            for (nearer, further) in before.iter_mut().zip(&mut sent) {
                pass_proxy(nearer, further, between.1);
            }
        }
        self.sent.push(sent);
        self.identity.call_id.clone()
    }
}

/// A message that passed a proxy keeps the Via of the element before it, under the proxy's own (RFC 3261 §16.6).
fn pass_proxy(nearer: &mut Sent, further: &mut Sent, callee: Ipv4Addr) {
    let is_from_called = via(&further.text).contains(&format!(" {callee}:"));
    let (first, then) = if is_from_called { (further, nearer) } else { (nearer, further) };
    put_before_from(&mut then.text, via(&first.text));
}

/// The first Via line.
fn via(text: &str) -> &str {
    let rest = &text[text.find("Via: ").expect("a Via")..];
    &rest[..rest.find("\r\n").expect("an end of line") + 2]
}

/// From comes next after Via.
fn put_before_from(text: &mut String, lines: &str) {
    let at = text.find("From: ").expect("a From");
    text.insert_str(at, lines);
}

/// The same attempt where it is seen further on: what the calling side does is seen later there, what the called side does
/// sooner.
fn onward(attempt: &Attempt, leg: &Leg) -> Attempt {
    let later = Duration::from_micros(leg.later);
    let both = later * 2;
    // Spans count from alerting, which is the called side's; from setup when there was none.
    let has_alerted = attempt.alert_after.is_some();
    let by_called = |span: Duration| if has_alerted { span } else { span - both };
    let by_calling = |span: Duration| if has_alerted { span + both } else { span };
    let end = match attempt.end {
        End::Answered { ring, talk, by: Side::Calling } => {
            End::Answered { ring: by_called(ring), talk: talk + both, by: Side::Calling }
        }
        End::Answered { ring, talk, by } => End::Answered { ring: by_called(ring), talk, by },
        End::GivenUp { after, cause } => End::GivenUp { after: by_calling(after), cause },
        End::Refused { after, cause } => End::Refused { after: by_called(after), cause },
        other => other,
    };
    Attempt {
        setup_at: attempt.setup_at + later,
        is_outbound: leg.outbound,
        alert_after: attempt.alert_after.map(|span| span - both),
        end,
        ..attempt.clone()
    }
}
