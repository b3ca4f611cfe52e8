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
        /// The kinds that the cluster does not let this user read, `ResourceQuota` or `LimitRange`; else empty.
        pub unread: Vec<String>,
    }

    /// A ResourceQuota.
    pub struct Quota {
        /// Name of the ResourceQuota.
        pub name: String,
        /// Which pods it counts, in words, like `Terminating`; empty if it counts all pods and objects.
        pub scopes: Vec<String>,
        /// The limited resources.
        pub resources: Vec<ResourceUsage>,
    }

    /// A resource that a quota limits.
    pub struct ResourceUsage {
        /// Name of the resource, like `pods` or `limits.memory`.
        pub resource: String,
        /// The limit, as a Kubernetes quantity, exactly as the cluster states it.
        pub hard: String,
        /// The usage, as a Kubernetes quantity, exactly as the cluster states it.
        pub used: String,
        /// How much of the limit is used.
        pub state: QuotaState,
        /// What the numbers do not say; `null` if they are exact.
        pub note: Option<QuotaNote>,
        /// Another limit that the quota controller has not applied yet.
        pub pending: Option<String>,
    }

    /// The limits of a LimitRange.
    pub struct LimitRange {
        /// Name of the LimitRange.
        pub name: String,
        /// The limits for each container.
        pub container: Vec<ContainerLimits>,
        /// The limits for the sums of each pod's containers.
        pub pod: Vec<ContainerLimits>,
        /// The limits for each PersistentVolumeClaim.
        pub claim: Vec<ContainerLimits>,
        /// The fields that are not quantities, like `max.cpu`.
        pub unreadable: Vec<String>,
    }

    /// The limits of each container, pod or claim for one resource, as Kubernetes quantities.
    pub struct ContainerLimits {
        /// Name of the resource, like `cpu` or `memory`.
        pub resource: String,
        /// Limit of a container that has none.
        pub default: Option<String>,
        /// Request of a container that has none.
        pub default_request: Option<String>,
        /// The minimum.
        pub min: Option<String>,
        /// The maximum.
        pub max: Option<String>,
        /// How many times its request a limit may be, like `1.5`.
        pub max_limit_request_ratio: Option<String>,
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
        /// The limit is zero, and nothing is used.
        NotAllowed = "not-allowed",
        /// The usage is not known.
        Unknown = "unknown",
    }

    /// What the numbers of a resource of a quota do not say.
    pub enum QuotaNote {
        /// The limit is not a quantity, and nothing is checked against it.
        Unreadable = "unreadable",
        /// The quota is new, and its usage is not counted yet.
        NotCountedYet = "not-counted-yet",
        /// The quota controller has not applied a new limit yet.
        Pending = "pending",
        /// The cluster has nothing of that name to count.
        NotCounted = "not-counted",
        /// For the check, the limit is rounded down and the usage up.
        Rounded = "rounded",
    }
}
