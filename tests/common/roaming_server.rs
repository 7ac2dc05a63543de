//! A small server of the device roaming status API, as its OpenAPI text (CAMARA, 1.1) describes it: `POST /retrieve`,
//! bearer token, `x-correlator` given back, errors with `status`, `code` and `message`.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub token: Option<String>,
    pub correlator: Option<String>,
    pub number: String,
}

/// Whatever is to be sent after the request: a whole response.
pub type Reply = Vec<u8>;

/// A running server; its threads end with the process.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// Answers every request with what `reply` says, each connection on its own thread.
    pub fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (reply, asked) = (Arc::new(reply), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (reply, count) = (Arc::clone(&reply), Arc::clone(&count));
                thread::spawn(move || serve(&stream, &*reply, &count));
            }
        });
        Self { address, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}/device-roaming-status/v1", self.address)
    }

    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A whole response; the client's correlator is added as the API asks.
pub fn response(status: &str, body: &str, request: &Request) -> Reply {
    let correlator = request.correlator.as_deref().unwrap_or_default();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-correlator: {correlator}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The answer about a device.
pub fn roaming(is_roaming: bool, request: &Request) -> Reply {
    let country = if is_roaming { ",\"countryCode\":262,\"countryName\":[\"DE\"]" } else { "" };
    let body = format!(
        "{{\"device\":{{\"phoneNumber\":\"{}\"}},\"lastStatusTime\":\"2024-02-20T10:41:38.657Z\",\
         \"roaming\":{is_roaming}{country}}}",
        request.number
    );
    response("200 OK", &body, request)
}

/// An error of the API.
pub fn error(status: u16, code: &str, request: &Request) -> Reply {
    let body = format!("{{\"status\":{status},\"code\":\"{code}\",\"message\":\"for people\"}}");
    response(&format!("{status} {code}"), &body, request)
}

fn serve(stream: &TcpStream, reply: &dyn Fn(&Request) -> Reply, count: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        count.fetch_add(1, Ordering::SeqCst);
        let mut out = stream;
        if out.write_all(&reply(&request)).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("POST"));
    let path = words.next()?.to_owned();
    let (mut length, mut token, mut correlator) = (0, None, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
            "x-correlator" => correlator = Some(value.to_owned()),
            "content-type" => assert_eq!(value, "application/json"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let number = body["device"]["phoneNumber"].as_str().unwrap().to_owned();
    Some(Request { path, token, correlator, number })
}
