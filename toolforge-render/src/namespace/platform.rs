use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::{Cpu, ToolName, platform};

use crate::object::{HttpRoute, HttpRouteBackendRef, HttpRouteParentRef, HttpRouteRule, HttpRouteSpec};

/// The scheme of the tools' public URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PublicScheme {
    /// `http`, as in a sandbox.
    Http,
    /// `https`.
    #[default]
    Https,
}

impl PublicScheme {
    /// Returns the scheme as it is written: `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port of a URL that names none.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for PublicScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PublicScheme {
    type Err = PublicSchemeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(PublicSchemeError),
        }
    }
}

/// The scheme is neither `http` nor `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected http or https")]
pub struct PublicSchemeError;

/// The project's settings, from `/etc/toolforge/*.yaml` or the platform's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Platform {
    /// The domain of the tools' host names: `NAME.DOMAIN`.
    pub public_domain: String,
    /// The scheme of the tools' URLs.
    pub public_scheme: PublicScheme,
    /// The port of the tools' URLs; `None` for the scheme's own.
    pub public_port: Option<u16>,
    /// The host of the build service's images.
    pub build_service_repository: String,
    /// The namespace of the Gateway that serves HTTPRoutes.
    pub gateway_namespace: String,
    /// The name of the Gateway that serves HTTPRoutes.
    pub gateway_name: String,
    /// The CPU limit of a job that sets none.
    pub default_cpu_limit: Cpu,
}

impl Default for Platform {
    /// Returns the values of the project `tools`.
    fn default() -> Self {
        Self {
            public_domain: platform::DEFAULT_PUBLIC_DOMAIN.to_owned(),
            public_scheme: PublicScheme::default(),
            public_port: None,
            build_service_repository: platform::DEFAULT_BUILD_SERVICE_REPOSITORY.to_owned(),
            gateway_namespace: platform::GATEWAY_NAMESPACE.to_owned(),
            gateway_name: platform::GATEWAY_NAME.to_owned(),
            default_cpu_limit: platform::DEFAULT_JOB_CPU_LIMIT,
        }
    }
}

impl Platform {
    /// Returns the public host name of a tool.
    #[must_use]
    pub fn host(&self, tool: &ToolName) -> String {
        format!("{tool}.{}", self.public_domain)
    }

    /// Returns the URL at which people open a host.
    ///
    /// ```
    /// use toolforge_render::namespace::Platform;
    ///
    /// let platform = Platform::default();
    /// let host = platform.host(&"stashbot".parse().unwrap());
    /// assert_eq!(platform.url(&host), "https://stashbot.toolforge.org/");
    /// ```
    #[must_use]
    pub fn url(&self, host: impl fmt::Display) -> String {
        let scheme = self.public_scheme;
        let port = self.public_port.filter(|port| *port != scheme.default_port());
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}/", scheme.as_str())
    }

    /// Returns the route from a host name to a port of the Service with the route's name.
    pub(crate) fn http_route(&self, metadata: ObjectMeta, host: String, port: u16) -> HttpRoute {
        let gateway = HttpRouteParentRef {
            namespace: Some(self.gateway_namespace.clone()),
            name: self.gateway_name.clone(),
        };
        let name = metadata.name.clone().unwrap_or_default();
        let service = HttpRouteBackendRef { name, port: Some(i32::from(port)) };
        HttpRoute {
            api_version: HttpRoute::API_VERSION.to_owned(),
            kind: HttpRoute::KIND.to_owned(),
            metadata,
            spec: HttpRouteSpec {
                parent_refs: vec![gateway],
                hostnames: vec![host],
                rules: vec![HttpRouteRule { backend_refs: vec![service] }],
            },
            status: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_names_only_an_unusual_port() {
        let url = |scheme: &str, port| {
            let public_scheme = scheme.parse().unwrap();
            Platform { public_scheme, public_port: port, ..Platform::default() }.url("x.localhost")
        };
        assert_eq!(url("http", Some(8080)), "http://x.localhost:8080/");
        assert_eq!(url("http", Some(80)), "http://x.localhost/");
        assert_eq!(url("http", Some(443)), "http://x.localhost:443/");
        assert_eq!(url("https", None), "https://x.localhost/");
        assert!("ftp".parse::<PublicScheme>().is_err());
    }
}
