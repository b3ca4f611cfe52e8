use toolforge_model::Untrusted;

use crate::describe::{codes, structs};
use crate::lint::Level;

structs! {
    /// Quotas and LimitRanges that contradict each other: `quota-check audit`.
    pub struct QuotaAudit {
        /// The namespaces with findings.
        pub namespaces: Vec<NamespaceAudit>,
        /// How many namespaces were checked.
        pub checked: u64,
    }

    /// The findings in one namespace.
    pub struct NamespaceAudit {
        /// The namespace.
        pub namespace: String,
        /// The tool; `null` if the namespace is not that of a tool.
        pub tool: Option<String>,
        /// The findings.
        pub findings: Vec<AuditFinding>,
    }

    /// Something that an admin should change.
    pub struct AuditFinding {
        /// The kind of the finding.
        pub code: AuditCode,
        /// How bad it is.
        pub level: Level,
        /// Kind of the object that is refused, like `Deployment`; `null` if it is about none.
        pub object_kind: Option<Untrusted>,
        /// Name of the object.
        pub name: Option<Untrusted>,
        /// What was found, for people.
        pub message: String,
    }
}

codes! {
    /// The kind of a finding of an audit.
    pub enum AuditCode {
        /// There is a LimitRange, but no quota.
        NoQuota = "no-quota",
        /// A quota requires each container to state amounts, and no LimitRange has a default for them.
        NoDefault = "no-default",
        /// A pod that states nothing gets defaults that a LimitRange or a quota refuses.
        UnusableDefaults = "unusable-defaults",
        /// A LimitRange allows one container or pod more than the quota allows all of them.
        UnusableMaximum = "unusable-maximum",
        /// A LimitRange requires more than another one, or the quota, allows.
        UnusableMinimum = "unusable-minimum",
        /// A quota allows more pods than their smallest requests allow, or more of a resource than all pods have with the largest
        /// containers.
        UnusableQuota = "unusable-quota",
        /// More is used than the quota allows.
        QuotaExceeded = "quota-exceeded",
        /// Several quotas limit a resource: only the smallest limit has an effect.
        SeveralLimits = "several-limits",
        /// The pods of an existing object are refused when they are created again.
        Stranded = "stranded",
    }
}
