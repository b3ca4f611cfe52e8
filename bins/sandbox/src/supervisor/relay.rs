//! Copies connections between the host's ports, the sockets in the sandbox's directory, and the ports inside.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Pause after a connection could not be accepted, for example because no file descriptors are left.
const PAUSE: Duration = Duration::from_millis(100);

/// Relays connections from a port of the host to a socket in the sandbox's directory. Never returns.
pub(crate) async fn port_to_socket(listener: TcpListener, socket: PathBuf) {
    loop {
        match listener.accept().await {
            Ok((outer, _)) => {
                // Nagle's algorithm would delay small responses.
                let _ = outer.set_nodelay(true);
                let socket = socket.clone();
                tokio::spawn(async move { join(outer, UnixStream::connect(&socket).await).await });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Relays connections from a socket in the sandbox's directory to an address inside. Never returns.
pub(crate) async fn socket_to_address(listener: UnixListener, address: &'static str) {
    loop {
        match listener.accept().await {
            Ok((outer, _)) => {
                tokio::spawn(async move {
                    let inner = TcpStream::connect(address).await;
                    if let Ok(inner) = &inner {
                        let _ = inner.set_nodelay(true);
                    }
                    join(outer, inner).await;
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Copies in both directions until both are closed. Errors of a connection are left to its two ends.
async fn join<A, B>(mut outer: A, inner: std::io::Result<B>)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    if let Ok(mut inner) = inner {
        let _ = copy_bidirectional(&mut outer, &mut inner).await;
    }
}
