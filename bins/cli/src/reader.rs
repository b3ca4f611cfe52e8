use std::os::fd::AsFd as _;

use tokio::io::{Interest, Ready};
use tokio::net::unix::pipe::Sender;

/// Waits until nobody reads standard output any more: the other end of the pipe is closed. Where it is no pipe, this
/// never comes.
///
/// A write would tell, too, but a log that is quiet has nothing to write.
pub async fn reader_is_gone() {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned();
    // Unchecked, because a check would make the pipe non-blocking for everybody who holds it. Nothing is written here,
    // and what cannot be waited for is a file, whose reader never goes.
    if let Ok(stdout) = stdout.and_then(Sender::from_owned_fd_unchecked)
        && stdout.ready(Interest::ERROR).await.is_ok_and(Ready::is_error)
    {
        return;
    }
    std::future::pending::<()>().await;
}
