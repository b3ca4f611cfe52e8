use crate::describe::codes;

codes! {
    /// Whether a change fits the quotas and limits.
    pub enum Verdict {
        /// It fits at every moment.
        Fits = "fits",
        /// It fits, but some pods cannot be created before old ones have terminated.
        FitsAfterTermination = "fits-after-termination",
        /// It does not fit in addition to current usage.
        Exceeds = "exceeds",
        /// New pods would wait for old ones, which stop only when new ones are ready.
        Deadlock = "deadlock",
        /// It alone is more than a quota or a limit allows.
        Never = "never",
    }
}
