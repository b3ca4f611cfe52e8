//! Which probe of a container fails, by the kubelet's events.

use k8s_openapi::api::core::v1::{Container, ContainerStateTerminated, ContainerStatus, Event, Pod, Probe};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;

use crate::pod::cause::Cause;
use crate::pod::containers::is_about;
use crate::pod::event::{event_time, first_time};
use crate::pod::last_termination::OUT_OF_MEMORY;
use crate::pod::probe::{HealthProbe, port_number};

/// How long a program may need until it listens before that is reported: most servers need less.
const QUIET: SignedDuration = SignedDuration::from_secs(5);

/// How long a restart by a probe is reported although the container runs: the kubelet resets its back-off after ten
/// minutes without a failure (Kubernetes 1.33, "Container restart policy").
pub(super) const RESTART_MATTERS: SignedDuration = SignedDuration::from_mins(10);

/// How late an event of the kubelet may arrive.
const LATE: SignedDuration = SignedDuration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProbeKind {
    Startup,
    Readiness,
    Liveness,
}

impl ProbeKind {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "Startup" | "startup" => Some(Self::Startup),
            "Readiness" | "readiness" => Some(Self::Readiness),
            "Liveness" | "liveness" => Some(Self::Liveness),
            _ => None,
        }
    }

    fn of(self, container: &Container) -> Option<&Probe> {
        match self {
            Self::Startup => container.startup_probe.as_ref(),
            Self::Readiness => container.readiness_probe.as_ref(),
            Self::Liveness => container.liveness_probe.as_ref(),
        }
    }
}

/// What the kubelet reports about a probe. It explains itself in sentences only, so this is parsed from the message
/// (Kubernetes 1.29 to 1.33: `Startup probe failed: …`, `Container job failed liveness probe, will be restarted`).
struct ProbeEvent<'a> {
    kind: ProbeKind,
    /// Whether the container was terminated because of it.
    kills: bool,
    /// Whether nothing accepted the connection.
    is_refused: bool,
    event: &'a Event,
}

impl<'a> ProbeEvent<'a> {
    fn parse(event: &'a Event) -> Option<Self> {
        let message = event.message.as_deref().unwrap_or_default();
        let (kind, kills) = match event.reason.as_deref()? {
            "Unhealthy" => (ProbeKind::parse(message.split(" probe ").next()?)?, false),
            "Killing" => {
                let (_, rest) = message.split_once(" failed ")?;
                (ProbeKind::parse(rest.split(" probe, ").next()?)?, true)
            }
            _ => return None,
        };
        let is_refused = message.trim_end().ends_with("connect: connection refused");
        Some(Self { kind, kills, is_refused, event })
    }

    fn message(&self) -> Untrusted {
        Untrusted::new(self.event.message.clone().unwrap_or_default())
    }
}

/// A probe that fails.
pub(super) struct FailedProbe {
    pub(super) cause: Cause,
    /// The answer of the check.
    pub(super) message: Untrusted,
    /// The time since which it fails.
    pub(super) since: Option<Timestamp>,
}

/// Returns the events about the probes of a container, newest first.
fn probe_events<'a>(pod: &Pod, container: &Container, events: &'a [Event]) -> Vec<ProbeEvent<'a>> {
    let own = events.iter().filter(|event| is_about(event, pod, &container.name));
    let mut found: Vec<_> = own.filter_map(ProbeEvent::parse).collect();
    found.sort_by_key(|found| std::cmp::Reverse(event_time(found.event)));
    found
}

/// Returns the probe that made the kubelet terminate a container, regardless of its exit code.
///
/// The kubelet drops events when there are many, so the event about an earlier termination counts, too, if the probe failed
/// in this run, and the run was as long as one that the probe ends. Without any, a signal and a failed probe are enough: nothing
/// else sends signals to a container that stays.
pub(super) fn killed_by_probe(
    pod: &Pod,
    container: &Container,
    end: &ContainerStateTerminated,
    events: &[Event],
) -> Option<FailedProbe> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let found = probe_events(pod, container, events);
    let is_restarted = |kind| matches!(kind, ProbeKind::Startup | ProbeKind::Liveness);
    let failure = found.iter().find(|event| !event.kills && is_restarted(event.kind));
    let is_signal = matches!(end.exit_code, 137 | 143);
    let has_failed = |kind| {
        found.iter().any(|event| !event.kills && event.kind == kind && is_within_run(event.event, end))
    };
    let may_kill = |event: &&ProbeEvent<'_>| {
        is_signal
            || is_of_run(event.event, end)
            || has_failed(event.kind) && has_length_of_kill(end, event.kind, pod, container)
    };
    let kill = found.iter().find(|event| event.kills).filter(may_kill);
    let kind = kill.or(failure.filter(|_| is_signal))?.kind;
    let probe = kind.of(container).or(container.liveness_probe.as_ref())?;
    let message = failure.or(kill).map(ProbeEvent::message).unwrap_or_default();
    let since = found.iter().filter_map(|found| first_time(found.event)).min();
    Some(FailedProbe {
        cause: Cause::HealthCheckFails { check: HealthProbe::of(probe, container)? },
        message,
        since,
    })
}

/// Returns whether an event came after the start of a finished run.
fn is_of_run(event: &Event, run: &ContainerStateTerminated) -> bool {
    let start = run.started_at.as_ref().and_then(|start| start.0.checked_sub(LATE).ok());
    event_time(event).zip(start).is_none_or(|(at, start)| at >= start)
}

/// Returns whether an event came during a finished run; for an event that came several times, whether one may have.
fn is_within_run(event: &Event, run: &ContainerStateTerminated) -> bool {
    let end = run.finished_at.as_ref().and_then(|end| end.0.checked_add(LATE).ok());
    is_of_run(event, run) && first_time(event).zip(end).is_none_or(|(first, end)| first <= end)
}

/// Returns whether a run was as long as one that the container's probe ends because each of its checks fails.
fn has_length_of_kill(
    run: &ContainerStateTerminated,
    kind: ProbeKind,
    pod: &Pod,
    container: &Container,
) -> bool {
    let times = run.started_at.as_ref().zip(run.finished_at.as_ref());
    let Some(length) = times.map(|(start, end)| end.0.duration_since(start.0).as_secs()) else { return true };
    // The defaults of Kubernetes 1.33.
    let or = |set: Option<i32>, default: i64| set.map_or(default, i64::from);
    let (delay, period) =
        (|probe: &Probe| or(probe.initial_delay_seconds, 0), |probe: &Probe| or(probe.period_seconds, 10));
    let checks = |probe: &Probe| or(probe.failure_threshold, 3);
    let shortest = |probe: &Probe| delay(probe) + (checks(probe) - 1) * period(probe);
    let longest =
        |probe: &Probe| delay(probe) + checks(probe) * (period(probe) + or(probe.timeout_seconds, 1));
    let Some(own) = kind.of(container).or(container.liveness_probe.as_ref()) else { return false };
    // A liveness probe starts after the startup probe has succeeded.
    let startup = container.startup_probe.as_ref().filter(|_| kind == ProbeKind::Liveness);
    let of_pod = || pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    let grace = own.termination_grace_period_seconds.or_else(of_pod).unwrap_or(30);
    (shortest(own)..=startup.map_or(0, longest) + longest(own) + grace).contains(&length)
}

/// Returns the probe of a running container that fails, or for which it was just restarted.
pub(super) fn of_running(
    pod: &Pod,
    container: &Container,
    status: &ContainerStatus,
    events: &[Event],
    now: Timestamp,
) -> Option<FailedProbe> {
    let state = status.state.as_ref()?;
    let start = state.running.as_ref()?.started_at.as_ref().map(|time| time.0);
    let is_started = container.startup_probe.is_none() || status.started == Some(true);
    let is_up = is_started && status.ready;
    let last = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    if let Some(end) = last.filter(|end| end.reason.as_deref() != Some(OUT_OF_MEMORY))
        && (!is_up || is_recent(end.finished_at.as_ref().map(|time| time.0), now, RESTART_MATTERS))
        && let Some(killed) = killed_by_probe(pod, container, end, events)
    {
        return Some(killed);
    }
    let found = probe_events(pod, container, events);
    let newest = |kind: ProbeKind| {
        let is_own = |event: &&ProbeEvent<'_>| {
            event.kind == kind && !event.kills && event_time(event.event).is_none_or(|at| Some(at) >= start)
        };
        found.iter().find(is_own)
    };
    let (kind, failure) = if !is_started {
        (ProbeKind::Startup, newest(ProbeKind::Startup))
    } else if !status.ready && container.readiness_probe.is_some() {
        (ProbeKind::Readiness, newest(ProbeKind::Readiness))
    } else {
        let period = container.liveness_probe.as_ref()?.period_seconds.unwrap_or(10);
        let span = LATE.checked_add(SignedDuration::from_secs(2 * i64::from(period)))?;
        let is_current = |event: &&ProbeEvent<'_>| is_recent(event_time(event.event), now, span);
        (ProbeKind::Liveness, Some(newest(ProbeKind::Liveness).filter(is_current)?))
    };
    let probe = kind.of(container)?;
    let check = HealthProbe::of(probe, container)?;
    let since = failure.and_then(|failure| first_time(failure.event)).max(start);
    let port = match (&check, &probe.http_get) {
        (HealthProbe::Port(port), _) => Some(*port),
        (HealthProbe::Path(_), Some(page)) if failure.is_some_and(|failure| failure.is_refused) => {
            port_number(&page.port, container)
        }
        _ => None,
    };
    let message = failure.map(ProbeEvent::message).unwrap_or_default();
    if let Some(port) = port {
        let is_new = is_recent(start, now, QUIET);
        return (!is_new).then_some(FailedProbe {
            cause: Cause::NotListening { port },
            message,
            since: start,
        });
    }
    failure.map(|_| FailedProbe { cause: Cause::NotHealthy { check }, message, since })
}

/// Returns whether a time is less than a span ago; a time in the future counts as now.
fn is_recent(moment: Option<Timestamp>, now: Timestamp, span: SignedDuration) -> bool {
    moment.is_some_and(|moment| now.duration_since(moment) < span)
}
