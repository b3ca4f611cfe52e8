use toolforge_model::ToolName;

use crate::describe::{codes, structs};

structs! {
    /// The quotas and limits of a tool's namespace, with their usage: `quota-check`, `jobs quota`.
    pub struct QuotaReport {
        /// The tool.
        pub tool: ToolName,
        /// The namespace's ResourceQuotas.
        pub quotas: Vec<Quota>,
        /// The namespace's LimitRanges.
        pub limits: Vec<LimitRange>,
    }

    /// A ResourceQuota.
    pub struct Quota {
        /// Name of the ResourceQuota.
        pub name: String,
        /// The limited resources.
        pub resources: Vec<ResourceUsage>,
    }

    /// A resource that a quota limits.
    pub struct ResourceUsage {
        /// Name of the resource, like `pods` or `limits.memory`.
        pub resource: String,
        /// The limit, as a Kubernetes quantity.
        pub hard: String,
        /// The usage, as a Kubernetes quantity.
        pub used: String,
        /// How much of the limit is used.
        pub state: QuotaState,
    }

    /// The limits of a LimitRange for containers.
    pub struct LimitRange {
        /// Name of the LimitRange.
        pub name: String,
        /// The limits for CPU and for memory.
        pub container: Vec<ContainerLimits>,
    }

    /// The limits of each container for CPU or memory, as Kubernetes quantities.
    pub struct ContainerLimits {
        /// `cpu` or `memory`.
        pub resource: String,
        /// Limit of a container that has none.
        pub default: Option<String>,
        /// Request of a container that has none.
        pub default_request: Option<String>,
        /// The minimum.
        pub min: Option<String>,
        /// The maximum.
        pub max: Option<String>,
    }
}

codes! {
    /// How much of a quota's limit is used.
    pub enum QuotaState {
        /// Less than 80 percent is used.
        Ok = "ok",
        /// At least 80 percent is used.
        NearlyFull = "nearly-full",
        /// All of it is used.
        Full = "full",
        /// More than the limit is used.
        Over = "over",
        /// The limit is zero.
        NotAllowed = "not-allowed",
    }
}
