use std::sync::Arc;

use crate::connect::{ConnectError, Kubeconfig};
use crate::exchange::Exchange;
use crate::request_limits::{RequestLimits, SharedTime};
use crate::retry::RetryPolicy;
use crate::transport::{ConnectOptions, Transport};

/// A client of one cluster's API server.
///
/// A clone shares its connection.
#[derive(Clone)]
pub struct Client {
    exchange: Exchange,
    /// kube's client above the exchange.
    kube: kube::Client,
}

impl Client {
    /// Returns a client for a kubeconfig's cluster. Nothing is sent before the first request; then one connection
    /// serves all of them.
    ///
    /// # Errors
    /// When the kubeconfig disables the verification of the server's certificate and the options do not allow that,
    /// when a text of the options is not a valid header, and outside a tokio runtime.
    pub fn connect(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<Self, ConnectError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(ConnectError::NoRuntime);
        }
        let transport = Transport::new(kubeconfig, options)?;
        let namespace = kubeconfig.namespace().unwrap_or("default");
        Ok(Self::new(Exchange {
            inner: kube::Client::new(transport, namespace),
            certificate: kubeconfig.certificate().cloned(),
            retry: RetryPolicy::default(),
            limits: RequestLimits::default(),
            shared_time: None,
        }))
    }

    /// Returns a client that sends its requests through your own kube client: its connection, credentials and namespace.
    ///
    /// # Panics
    /// Outside a tokio runtime, like [`kube::Client::new`].
    #[must_use]
    pub fn from_kube(client: kube::Client) -> Self {
        Self::new(Exchange {
            inner: client,
            certificate: None,
            retry: RetryPolicy::default(),
            limits: RequestLimits::default(),
            shared_time: None,
        })
    }

    /// Returns the client with another policy for repeating requests.
    ///
    /// # Panics
    /// Outside a tokio runtime, like [`kube::Client::new`].
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self::new(Exchange { retry, ..self.exchange })
    }

    /// Returns the client with other limits of requests.
    ///
    /// # Panics
    /// Outside a tokio runtime, like [`kube::Client::new`].
    #[must_use]
    pub fn with_limits(self, limits: RequestLimits) -> Self {
        Self::new(Exchange { limits, ..self.exchange })
    }

    /// Returns a client whose read requests share one time limit, [`RequestLimits::read`] from now on: so many requests, pages
    /// and repetitions do not take many times as long. Each 256 KiB that any of them receives add one second. If this client's
    /// requests already share one, it is kept. Watches and followed logs have their own.
    ///
    /// # Panics
    /// Outside a tokio runtime, like [`kube::Client::new`].
    #[must_use]
    pub fn sharing_read_time(&self) -> Self {
        match self.exchange.shared_time {
            Some(_) => self.clone(),
            None => {
                let shared_time = Some(Arc::new(SharedTime::new()));
                Self::new(Exchange { shared_time, ..self.exchange.clone() })
            }
        }
    }

    fn new(exchange: Exchange) -> Self {
        let namespace = exchange.inner.default_namespace().to_owned();
        Self { kube: kube::Client::new(exchange.clone(), namespace), exchange }
    }

    /// Returns a kube client over the same connection, for `kube::Api` and everything else that this crate does not offer.
    ///
    /// Its requests are repeated and limited like this crate's own. A refusal becomes [`kube::Error::Api`], any other error of
    /// this crate a [`kube::Error::Service`]; [`Error`](crate::Error) can be created from both. `kube::Api` puts names into
    /// paths as they are: check a name that somebody else chose.
    ///
    /// ```
    /// # async fn example(client: toolforge_client::Client) -> Result<(), toolforge_client::Error> {
    /// use k8s_openapi::api::core::v1::Secret;
    /// use kube::Api;
    ///
    /// let secrets: Api<Secret> = Api::namespaced(client.kube().clone(), "tool-stashbot");
    /// let secret = secrets.get_opt("database").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn kube(&self) -> &kube::Client {
        &self.kube
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) fn retry(&self) -> &RetryPolicy {
        &self.exchange.retry
    }
}
