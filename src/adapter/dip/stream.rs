//! The dip over TCP and TLS: all connections on one thread. RFC 3261 §18; RFC 5626 §3.5.1.
//!
//! A connection costs a bounded amount: one message being read, the calls that wait, their answers. One that is silent, slow
//! with a message, or does not read its answers is closed, and counted.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::select;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::adapter::dip::DipLimits;
use crate::adapter::dip::connection::Connection;
use crate::adapter::dip::counts::Kind;
use crate::adapter::dip::desk::Desk;
use crate::tls::Certificates;

/// How long nothing is accepted after the system refused a connection: it is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Shared {
    pub desk: Arc<Desk>,
    pub limits: DipLimits,
    pub room: Arc<Semaphore>,
    /// Becomes `true` when the dip shall end.
    pub stop: watch::Receiver<bool>,
}

/// Binds a listening socket.
pub(super) fn open(address: SocketAddr) -> io::Result<StdListener> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves all listeners, those with certificates over TLS, until told to stop, and then at most as long as calls wait.
pub(super) fn run(listeners: Vec<(StdListener, Option<Certificates>)>, shared: &Arc<Shared>) {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        for (listener, certificates) in listeners {
            if let Ok(listener) = TcpListener::from_std(listener) {
                tokio::spawn(accept(listener, certificates, Arc::clone(shared)));
            }
        }
        let mut stop = shared.stop.clone();
        stopped(&mut stop).await;
        let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX);
        let longest = shared.desk.deadline.saturating_add(shared.limits.write_timeout);
        let _ = timeout(longest, shared.room.acquire_many(all)).await;
    });
}

/// Until the dip shall end.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that the dip is gone.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn accept(listener: TcpListener, certificates: Option<Certificates>, shared: Arc<Shared>) {
    let mut stop = shared.stop.clone();
    loop {
        select! {
            () = stopped(&mut stop) => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admit(stream, peer, certificates.as_ref(), &shared),
                Err(_) => sleep(PAUSE).await,
            },
        }
    }
}

fn admit(stream: TcpStream, peer: SocketAddr, certificates: Option<&Certificates>, shared: &Arc<Shared>) {
    let (Ok(room), Ok(local)) = (Arc::clone(&shared.room).try_acquire_owned(), stream.local_addr()) else {
        return shared.desk.counts.count(Kind::ConnectionRefused);
    };
    // Answers are small and waited for; without it they only come later.
    let _ = stream.set_nodelay(true);
    let acceptor = certificates.map(|certificates| TlsAcceptor::from(certificates.current()));
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let connection = Connection::new(&shared, local, peer);
        match acceptor {
            None => connection.serve(stream).await,
            Some(acceptor) => match timeout(shared.limits.handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => connection.serve(stream).await,
                Ok(Err(_)) => shared.desk.counts.count(Kind::TlsFailed),
                Err(_) => shared.desk.counts.count(Kind::ConnectionTimedOut),
            },
        }
        drop(room);
    });
}
