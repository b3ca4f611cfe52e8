//! Waiting for pods that terminate, and for quotas that count deleted objects, where their room is missing.

use std::time::Duration;

use toolforge_quota::TerminatingPod;
use toolforge_render::jiff::Timestamp;

use crate::failure::Failure;
use crate::process::pending_interrupt;
use crate::progress::ProgressLine;
use crate::report::terminating_line;

/// The most seconds that are waited: Kubernetes gives a pod 30 to terminate, unless the pod says otherwise.
const LONGEST: i64 = 60;

/// How many seconds after its time a pod may still count: it is stopped, and then its object is deleted.
const SLACK: i64 = 5;

/// Repeats an attempt while what it found does not fit only because pods terminate, at most a minute and until a few
/// seconds after their time.
///
/// `terminating` returns these pods; none where everything fits or never will.
///
/// # Errors
/// Those of `again`, and when a signal came meanwhile that is listened to.
pub fn wait_for_room<T>(
    first: T,
    terminating: impl Fn(&T) -> &[TerminatingPod],
    mut again: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut line = ProgressLine::new();
    let (mut found, begin) = (first, Timestamp::now().as_second());
    loop {
        let now = Timestamp::now().as_second();
        let until = terminating(&found).iter().map(|pod| pod.until).max();
        match until {
            Some(until) if now <= until + SLACK && until + SLACK - begin <= LONGEST => {
                line.show(&terminating(&found).iter().map(terminating_line).collect::<Vec<_>>().join(", "));
            }
            _ => return Ok(found),
        }
        std::thread::sleep(Duration::from_secs(1));
        found = again()?;
        if let Some(exit_code) = pending_interrupt() {
            return Err(Failure::new(exit_code, "interrupted while waiting for the quota"));
        }
    }
}

/// How many seconds a quota may take to notice a deletion.
const USAGE_SECONDS: u32 = 15;

/// Repeats an attempt while what it found does not fit and a quota still counts what was deleted, at most 15 seconds.
///
/// # Errors
/// Those of `again`.
pub fn wait_for_usage<T>(
    first: T,
    is_outdated: impl Fn(&T) -> bool,
    mut again: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut line = ProgressLine::new();
    let mut found = first;
    for _ in 0..USAGE_SECONDS {
        if !is_outdated(&found) {
            break;
        }
        line.show("waiting for the quota, which still counts deleted objects");
        std::thread::sleep(Duration::from_secs(1));
        found = again()?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(until: i64) -> TerminatingPod {
        TerminatingPod { name: "Pod a\u{1b}".to_owned(), until, ..TerminatingPod::default() }
    }

    #[test]
    fn terminating_pods_are_shown_with_their_time() {
        assert_eq!(terminating_line(&pod(86_400)), r"pod a\u{1b} is terminating until 00:00:00 UTC");
    }

    #[test]
    fn only_pods_that_terminate_soon_are_waited_for() {
        let now = Timestamp::now().as_second();
        for (until, attempts) in [(now + 5, 1), (now - 60, 0), (now + 3600, 0)] {
            let mut count = 0;
            let again = || {
                count += 1;
                Ok(Vec::new())
            };
            wait_for_room(vec![pod(until)], |pods| pods, again).unwrap();
            assert_eq!(count, attempts, "{until}");
        }
    }

    #[test]
    fn outdated_usage_is_waited_for() {
        let mut looks = 0;
        let again = || {
            looks += 1;
            Ok(looks)
        };
        assert_eq!(wait_for_usage(0, |look| *look < 1, again).unwrap(), 1);
    }
}
