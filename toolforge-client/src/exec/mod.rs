//! Running a command in a container, over a WebSocket.

mod channel;
mod end;

pub use channel::{RemoteInput, RemoteOutput, RemoteProcess, Said};
pub use end::RemoteEnd;

use kube::api::AttachParams;

use crate::{Client, Error, ObjectPath};

impl Client {
    /// Runs a command in a container of a pod, like `kube::Api::exec`, but without losing output that arrives with the
    /// command's end.
    ///
    /// It uses a connection of its own, because the protocol is one of HTTP/1.1. A terminal needs
    /// `AttachParams::interactive_tty()`: its standard error is part of its standard output.
    ///
    /// # Errors
    /// Those of every request; also where the server does not speak the protocol.
    pub async fn exec(
        &self,
        pod: &ObjectPath,
        command: &[String],
        params: &AttachParams,
    ) -> Result<RemoteProcess, Error> {
        let (requests, name) = pod.requests()?;
        let request = requests.exec(&name, command, params)?;
        let connection = self.kube().connect(request).await?;
        let closes_input = connection.supports_stream_close();
        Ok(RemoteProcess::new(connection.into_stream(), closes_input))
    }
}
