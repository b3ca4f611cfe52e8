use toolforge_model::{Cpu, platform};

/// The project's settings, from `/etc/toolforge/*.yaml` or the platform's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Platform {
    /// The domain of the tools' host names: `NAME.DOMAIN`.
    pub public_domain: String,
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
            build_service_repository: platform::DEFAULT_BUILD_SERVICE_REPOSITORY.to_owned(),
            gateway_namespace: platform::GATEWAY_NAMESPACE.to_owned(),
            gateway_name: platform::GATEWAY_NAME.to_owned(),
            default_cpu_limit: platform::DEFAULT_JOB_CPU_LIMIT,
        }
    }
}
