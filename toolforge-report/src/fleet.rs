use crate::describe::{codes, structs};
use crate::quota::ResourceUsage;

structs! {
    /// The quotas of many namespaces: `quota-check --all`. With `--output ndjson`, each line is a document of kind
    /// `FleetQuota` instead.
    pub struct Fleet {
        /// The quotas that the options select, in the order of the list or of `--sort`.
        pub quotas: Vec<FleetQuota>,
        /// How many there are.
        pub summary: FleetSummary,
    }

    /// One ResourceQuota of a fleet, or a namespace whose quotas cannot be read.
    pub struct FleetQuota {
        /// The namespace.
        pub namespace: String,
        /// The tool; `null` if the namespace is not that of a tool.
        pub tool: Option<String>,
        /// Name of the ResourceQuota; `null` if the namespace cannot be read.
        pub quota: Option<String>,
        /// Whether the quota is near its limit, blocked or unused.
        pub state: FleetState,
        /// Share of the limit that is used of the resource that pods use most, in percent, rounded down.
        pub share: Option<u64>,
        /// The resource that pods use most.
        pub resource: Option<String>,
        /// The limited resources.
        pub resources: Vec<ResourceUsage>,
        /// What has changed since the baseline; `null` without one.
        pub change: Option<FleetChange>,
    }

    /// What has changed of a quota since the baseline.
    pub struct FleetChange {
        /// The kind of the change.
        pub code: FleetChangeCode,
        /// The state in the baseline.
        pub state: Option<FleetState>,
        /// The share in the baseline, in percent.
        pub share: Option<u64>,
        /// The resources whose limit has changed, with the limit in the baseline.
        pub limits: Vec<FormerLimit>,
    }

    /// A limit as it was in the baseline.
    pub struct FormerLimit {
        /// Name of the resource.
        pub resource: String,
        /// The limit, as a Kubernetes quantity; `null` if there was none.
        pub hard: Option<String>,
    }

    /// How many quotas of a fleet are in which state.
    pub struct FleetSummary {
        /// Number of quotas that were read, whether they are selected or not.
        pub quotas: u64,
        /// Number of quotas that the options select.
        pub selected: u64,
        /// Number of quotas that are `near`.
        pub near: u64,
        /// Number of quotas that are `blocked`.
        pub blocked: u64,
        /// Number of quotas that are `unused`.
        pub unused: u64,
        /// Namespaces and quotas that cannot be read.
        pub unreadable: u64,
    }
}

codes! {
    /// The state of a quota of a fleet, in the words of `QuotaState`. Only the resources of pods count: pods, CPU
    /// and memory.
    pub enum FleetState {
        /// Something is used, and each resource is `ok`.
        Ok = "ok",
        /// A resource is `near`: at least the threshold is used, by default 80 percent.
        Near = "near",
        /// A resource is `blocked` or `over`: no further pod can be created.
        Blocked = "blocked",
        /// Nothing is used of any resource, except Secrets and ConfigMaps.
        Unused = "unused",
        /// The API server forbids reading it.
        Forbidden = "forbidden",
        /// Its amounts cannot be read.
        Unreadable = "unreadable",
    }

    /// The kind of a change since the baseline.
    pub enum FleetChangeCode {
        /// Neither the limits, nor the state, nor the share have changed.
        Same = "same",
        /// Another share is used.
        Usage = "usage",
        /// The limits have changed.
        Limits = "limits",
        /// It is not in the baseline.
        Added = "added",
        /// It is only in the baseline.
        Removed = "removed",
    }
}
