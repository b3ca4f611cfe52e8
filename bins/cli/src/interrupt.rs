use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{ExitCode, Failure};

/// Returns how a command ends when somebody ends it from outside, once that happens: by Ctrl-C, a hang-up of the
/// terminal, or a plain `kill`. As a shell tells it, 128 and the signal's number.
///
/// From the first call on these signals no longer end the process by themselves.
///
/// # Errors
/// When the system does not let signals be waited for.
pub async fn interrupted() -> Result<ExitCode, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::from_error(ExitCode::Failed, &error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut terminate = listen(SignalKind::terminate())?;
    // The numbers are those of every Unix.
    let number = tokio::select! {
        _ = hang_up.recv() => 1,
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    };
    Ok(ExitCode::Propagated(128 + number))
}
