//! A simulation of Kubernetes' Deployment, ReplicaSet and Job controllers and of the quota's admission, in every order of their
//! steps.

use std::collections::BTreeSet;

/// How a Deployment replaces its pods.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Replacement {
    Rolling { surge: u64, unavailable: u64 },
    Recreate,
}

/// A change of a Deployment under one quota of several resources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<const N: usize> {
    /// The quota's limits, and what others use of them.
    pub(crate) hard: [u64; N],
    pub(crate) others: [u64; N],
    /// How many pods, and what each requests.
    pub(crate) old: (u64, [u64; N]),
    pub(crate) new: (u64, [u64; N]),
    pub(crate) strategy: Replacement,
}

/// A Job under the quota of the same namespace. Its pods end by themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<const N: usize> {
    /// How many pods are still to be created, and how many may run at once.
    pub(crate) left: u64,
    pub(crate) parallelism: u64,
    /// How many run, and what each requests.
    pub(crate) running: u64,
    pub(crate) each: [u64; N],
}

impl<const N: usize> Job<N> {
    fn used(&self, (_, running): (u64, u64)) -> [u64; N] {
        self.each.map(|amount| amount * running)
    }

    /// The next states, of pods to be created and that run, while all else uses some of the quota.
    fn next(&self, (left, running): (u64, u64), hard: [u64; N], others: [u64; N]) -> Vec<(u64, u64)> {
        let mut next = Vec::new();
        let fits = |index: usize| {
            self.each[index] == 0 || others[index] + self.each[index] * (running + 1) <= hard[index]
        };
        if left > 0 && running < self.parallelism && (0..N).all(fits) {
            next.push((left - 1, running + 1));
        }
        if running > 0 {
            next.push((left, running - 1));
        }
        next
    }
}

/// What there is while the controllers work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    is_scaled: bool,
    old_wanted: u64,
    olds: u64,
    new_wanted: u64,
    news: u64,
    ready_news: u64,
    /// Terminating pods, which the quota still counts.
    terminating: (u64, u64),
}

impl State {
    /// What is there before the controllers start.
    fn before<const N: usize>(case: &Case<N>) -> Self {
        Self {
            is_scaled: case.old.0 == case.new.0,
            old_wanted: case.old.0,
            olds: case.old.0,
            new_wanted: 0,
            news: 0,
            ready_news: 0,
            terminating: (0, 0),
        }
    }

    fn used<const N: usize>(&self, case: &Case<N>) -> [u64; N] {
        let (olds, news) = (self.olds + self.terminating.0, self.news + self.terminating.1);
        std::array::from_fn(|index| olds * case.old.1[index] + news * case.new.1[index])
    }

    /// What pods request that do not terminate.
    fn running<const N: usize>(&self, case: &Case<N>) -> [u64; N] {
        Self { terminating: (0, 0), ..*self }.used(case)
    }

    /// The admission rule: each new pod must fit in addition to the usage.
    fn admits<const N: usize>(&self, case: &Case<N>, others: [u64; N], each: [u64; N]) -> bool {
        let used = self.used(case);
        (0..N).all(|index| each[index] == 0 || others[index] + used[index] + each[index] <= case.hard[index])
    }

    fn is_done<const N: usize>(&self, case: &Case<N>) -> bool {
        self.olds == 0 && self.old_wanted == 0 && self.ready_news == case.new.0
    }

    /// The next states, one for each controller that has something to do while others use some of the quota.
    fn next<const N: usize>(&self, case: &Case<N>, others: [u64; N]) -> Vec<Self> {
        let mut next = Vec::new();
        if self.terminating != (0, 0) {
            next.push(Self { terminating: (0, 0), ..*self });
        }
        if self.olds < self.old_wanted && self.admits(case, others, case.old.1) {
            next.push(Self { olds: self.olds + 1, ..*self });
        }
        if self.olds > self.old_wanted {
            let terminating = (self.terminating.0 + 1, self.terminating.1);
            next.push(Self { olds: self.olds - 1, terminating, ..*self });
        }
        if self.news < self.new_wanted && self.admits(case, others, case.new.1) {
            next.push(Self { news: self.news + 1, ..*self });
        }
        if self.ready_news < self.news {
            next.push(Self { ready_news: self.ready_news + 1, ..*self });
        }
        let reconciled = self.reconciled(case);
        if reconciled != *self {
            next.push(reconciled);
        }
        next
    }

    /// One round of the Deployment controller (`sync`, `rolloutRecreate`, `rolloutRolling`).
    fn reconciled<const N: usize>(&self, case: &Case<N>) -> Self {
        let mut state = *self;
        let wanted = case.new.0;
        if !state.is_scaled {
            state.is_scaled = true;
            if state.old_wanted > 0 {
                state.old_wanted = wanted;
            }
            return state;
        }
        let Replacement::Rolling { surge, unavailable } = case.strategy else {
            if state.old_wanted > 0 {
                state.old_wanted = 0;
            } else if state.olds == 0 && state.terminating.0 == 0 {
                state.new_wanted = wanted;
            }
            return state;
        };
        let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };
        let headroom = (wanted + surge).saturating_sub(state.old_wanted + state.new_wanted);
        let more = headroom.min(wanted - state.new_wanted);
        if more > 0 {
            state.new_wanted += more;
            return state;
        }
        let min_available = wanted.saturating_sub(unavailable);
        let unready = state.new_wanted - state.ready_news;
        let mut surplus = (state.old_wanted + state.new_wanted).saturating_sub(min_available + unready);
        if surplus == 0 {
            return state;
        }
        // Pods that could not be created are dropped first.
        let given_up = state.old_wanted.saturating_sub(state.olds).min(surplus);
        state.old_wanted -= given_up;
        surplus -= given_up;
        let available = state.olds.min(state.old_wanted) + state.ready_news;
        state.old_wanted -= available.saturating_sub(min_available).min(surplus).min(state.old_wanted);
        state
    }
}

/// Returns whether some order of the steps of several Deployments and Jobs under one quota ends before all of their new pods are ready,
/// or have ended. Each case has the same limit and the same others, which are not among the cases.
pub(crate) fn can_get_stuck<const N: usize>(cases: &[Case<N>], jobs: &[Job<N>]) -> bool {
    let start: Vec<State> = cases.iter().map(State::before).collect();
    let jobs_start: Vec<(u64, u64)> = jobs.iter().map(|job| (job.left, job.running)).collect();
    let (mut reached, mut open) = (BTreeSet::new(), vec![(start, jobs_start)]);
    while let Some((states, jobs_states)) = open.pop() {
        if !reached.insert((states.clone(), jobs_states.clone())) {
            continue;
        }
        let used = states.iter().zip(cases).map(|(state, case)| state.used(case));
        let used = used.chain(jobs.iter().zip(&jobs_states).map(|(job, state)| job.used(*state)));
        let used: Vec<[u64; N]> = used.collect();
        let others = |of: usize| {
            let all = used.iter().enumerate().filter(|(index, _)| *index != of);
            all.fold(cases[0].others, |sum, (_, used)| std::array::from_fn(|index| sum[index] + used[index]))
        };
        let mut is_over = true;
        for (index, (state, case)) in states.iter().zip(cases).enumerate() {
            for next in state.next(case, others(index)) {
                is_over = false;
                let mut states = states.clone();
                states[index] = next;
                open.push((states, jobs_states.clone()));
            }
        }
        for (index, (job, state)) in jobs.iter().zip(&jobs_states).enumerate() {
            for next in job.next(*state, cases[0].hard, others(cases.len() + index)) {
                is_over = false;
                let mut jobs_states = jobs_states.clone();
                jobs_states[index] = next;
                open.push((states.clone(), jobs_states));
            }
        }
        let are_done = states.iter().zip(cases).all(|(state, case)| state.is_done(case))
            && jobs_states.iter().all(|(left, _)| *left == 0);
        if is_over && !are_done {
            return true;
        }
    }
    false
}

/// How the rollout of a Deployment can end.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// Whether some order of the steps ends with all new pods ready.
    pub(crate) can_complete: bool,
    /// The most of each resource that pods can request together right after one was created, without those that terminate, for
    /// each order that ends so.
    pub(crate) peaks: BTreeSet<Vec<u64>>,
}

/// Returns how the rollout of a Deployment can end.
pub(crate) fn ends<const N: usize>(case: &Case<N>) -> Ends {
    let mut ends = Ends::default();
    let (mut reached, mut open) = (BTreeSet::new(), vec![(State::before(case), [0; N])]);
    while let Some((state, peak)) = open.pop() {
        if !reached.insert((state, peak)) {
            continue;
        }
        if state.is_done(case) {
            ends.can_complete = true;
            ends.peaks.insert(peak.to_vec());
        }
        open.extend(state.next(case, case.others).into_iter().map(|next| {
            let is_created = next.olds > state.olds || next.news > state.news;
            let now = if is_created { next.running(case) } else { [0; N] };
            (next, std::array::from_fn(|index| peak[index].max(now[index])))
        }));
    }
    ends
}
