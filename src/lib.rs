//! Tollgate, a voice firewall for mobile operators.
//!
//! It reads SIP and ISUP signalling, follows every call, tells flash calls, Wangiri and spoofed calling numbers from
//! people's calls, and decides *block, monetise or allow* for each at setup. What flows through the modules below,
//! in this order:
//!
//! ```text
//! Frame ─▶ Pdu ─▶ Signal ─▶ CallEvent ─▶ Features ─▶ Verdict ─▶ CallRecord · BillingRecord
//! capture  assemble  signal    call        feature     judge       journal · billing
//!          (wire)                                      (rule)      metrics · report
//! ```
//!
//! **Pure modules** (no clock, thread, file, socket or log line), lowest first: [`base`], [`wire`] and [`rule`],
//! [`assemble`] and [`signal`], [`call`], [`feature`], [`judge`], [`engine`]; [`inspect`], which puts messages in words;
//! [`inline`], which changes packets; and [`simulate`], which makes traffic. **Edges**: [`clock`], [`capture`], [`source`], [`adapter`], [`service`], [`lookup`], [`stir`], [`tls`],
//! [`billing`], [`journal`], [`metrics`], [`pipeline`], [`evaluate`], [`config`], [`cli`]. `tests/layers.rs` holds the table of allowed imports.
//!
//! What must never be:
//!
//! 1. Decoders know nothing of calls, rules or sockets; rules know nothing of packets, protocols, threads or I/O.
//! 2. The judge does not know whether it runs inline, on a tap or on a file.
//! 3. Nobody below the edges reads a clock, draws a random number (but `simulate`, from a seed), or walks a map in
//!    hash order.
//! 4. Nothing a peer can send makes us panic, loop, or grow without a bound.
//! 5. No call to an emergency number is ever anything but allowed.
//! 6. A billing record is never dropped silently, nor written twice under two keys.
//! 7. Nothing is dropped without a counter that says why.

pub mod assemble;
pub mod base;
pub mod call;
pub mod engine;
pub mod feature;
pub mod inline;
pub mod inspect;
pub mod judge;
pub mod rule;
pub mod signal;
pub mod simulate;
pub mod wire;

pub mod adapter;
pub mod billing;
pub mod campaign;
pub mod capture;
pub mod cli;
pub mod clock;
pub mod config;
pub mod evaluate;
pub mod journal;
pub mod lookup;
pub mod metrics;
pub mod pipeline;
pub mod service;
pub mod source;
pub mod stir;
pub mod tls;
pub mod token;
