//! Waiting for quota that is about to be freed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

/// The maximum wait for terminating pods in seconds: Kubernetes gives a pod 30, unless the pod says otherwise.
const LONGEST: i64 = 60;

/// How many seconds after its grace period a pod may still count: it is stopped, and then its object is deleted.
const SLACK: i64 = 5;

/// How many seconds a quota may take to notice a deletion.
const USAGE_SECONDS: u32 = 15;

/// The time between two checks of the namespace.
const PAUSE: Duration = Duration::from_secs(1);

/// The missing quota, by when it is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingQuota {
    /// Everything fits, or the missing quota is not about to be freed.
    Nothing,
    /// Terminating pods use it, at most until this Unix time.
    Terminating {
        /// The Unix time at which the last of them is stopped.
        until: i64,
    },
    /// The quota still counts objects that were deleted.
    Deleted,
    /// It is for objects other than pods; some of them may have been created after they were listed, or deleted just before.
    Objects,
}

impl MissingQuota {
    /// Returns the quota of pods that terminate at these Unix times; [`Nothing`](Self::Nothing) without pods.
    #[must_use]
    pub fn of_pods_until(seconds: impl IntoIterator<Item = i64>) -> Self {
        seconds.into_iter().max().map_or(Self::Nothing, |until| Self::Terminating { until })
    }
}

/// Calls `look` until no missing quota is about to be freed, and returns its last result.
///
/// It is called again every second while terminating pods use the missing quota (until a few seconds after their grace period,
/// at most a minute) and while a quota counts deleted objects (at most 15 seconds), and once if there may be more or fewer
/// objects. `waiting` is called before each pause.
///
/// # Errors
/// Those of `look`.
pub async fn wait_for_quota<T, E>(
    mut look: impl AsyncFnMut() -> Result<T, E>,
    missing: impl Fn(&T) -> MissingQuota,
    mut waiting: impl FnMut(&T),
) -> Result<T, E> {
    let begin = Timestamp::now().as_second();
    let (mut usage_looks, mut is_second_look) = (0, false);
    loop {
        let found = look().await?;
        match missing(&found) {
            MissingQuota::Terminating { until }
                if Timestamp::now().as_second() <= until + SLACK && until + SLACK - begin <= LONGEST =>
            {
                waiting(&found);
                sleep(PAUSE).await;
            }
            MissingQuota::Deleted if usage_looks < USAGE_SECONDS => {
                usage_looks += 1;
                waiting(&found);
                sleep(PAUSE).await;
            }
            MissingQuota::Objects if !is_second_look => {
                is_second_look = true;
                sleep(PAUSE).await;
            }
            _ => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn looks(missing: MissingQuota, most: u32) -> u32 {
        let mut looks = 0;
        let look = async || {
            looks += 1;
            Ok::<_, ()>(looks)
        };
        let missing = |look: &u32| if *look < most { missing } else { MissingQuota::Nothing };
        wait_for_quota(look, missing, |_| ()).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_pods_that_terminate_soon() {
        let now = Timestamp::now().as_second();
        for (until, expected) in [(now + 5, 3), (now - 60, 1), (now + 3600, 1)] {
            assert_eq!(looks(MissingQuota::Terminating { until }, 3).await, expected, "{until}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_deleted_objects() {
        assert_eq!(looks(MissingQuota::Deleted, 4).await, 4);
        assert_eq!(looks(MissingQuota::Deleted, 100).await, USAGE_SECONDS + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn missing_objects_get_a_second_look() {
        assert_eq!(looks(MissingQuota::Objects, 100).await, 2);
        assert_eq!(looks(MissingQuota::Nothing, 100).await, 1);
    }
}
