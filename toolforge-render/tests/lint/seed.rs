//! The two examples of the platform's page of 2020.

use toolforge_render::lint::fix;

use crate::support::{context, difference, fixture, shown};

#[test]
fn cron_job_of_the_page_is_checked() {
    insta::assert_snapshot!(shown(&fixture("seed/cronjobs.yaml"), &context("wikiloveslove")), @r#"
    1:13 error api-version: batch/v1beta1 lost CronJob in Kubernetes 1.25; write batch/v1 [batch/v1beta1]
        server: no matches for kind "CronJob" in version "batch/v1beta1"
        fix: write batch/v1
    2:7 note no-history-limits: three successful runs and one failed run are kept; set the history limits to keep others [CronJob]
    2:7 note no-starting-deadline: after 100 missed starts the job is no longer started; set startingDeadlineSeconds [CronJob]
    10:3 warning no-concurrency-policy: nothing keeps runs from overlapping; write concurrencyPolicy: Forbid [schedule]
    19:19 note no-resources: the container gets the default resources of the namespace [bot]
    21:20 warning image-gone: the image of python3.7 is gone from the platform, as far as is known without the cluster, so pods wait in ImagePullBackOff; python3.13 replaces it: docker-registry.svc.toolforge.org/toolforge-python313-sssd-web [docker-registry.tools.wmflabs.org/toollabs-python37-base:latest]
        server: ImagePullBackOff: Back-off pulling image "docker-registry.tools.wmflabs.org/toollabs-python37-base:latest"
    "#);
}

#[test]
fn deployment_of_the_page_is_checked() {
    insta::assert_snapshot!(shown(&fixture("seed/deployment.yaml"), &context("stashbot")), @r#"
    3:13 error api-version: extensions/v1beta1 lost Deployment in Kubernetes 1.16; write apps/v1 [extensions/v1beta1]
        server: no matches for kind "Deployment" in version "extensions/v1beta1"
        fix: write apps/v1
    13:3 error selector: a Deployment needs a selector, which matches the labels of its pods [template]
        server: The Deployment.apps "stashbot" is invalid: spec.selector: Required value
    20:17 note no-resources: the container gets the default resources of the namespace [bot]
    21:18 warning image-gone: the image of python3.7 is gone from the platform, as far as is known without the cluster, so pods wait in ImagePullBackOff; python3.13 replaces it: docker-registry.svc.toolforge.org/toolforge-python313-sssd-web [docker-registry.tools.wmflabs.org/toollabs-python37-base:latest]
        server: ImagePullBackOff: Back-off pulling image "docker-registry.tools.wmflabs.org/toollabs-python37-base:latest"
    "#);
}

#[test]
fn examples_of_the_page_are_fixed() {
    let mut out = String::new();
    for (name, tool) in [("seed/cronjobs.yaml", "wikiloveslove"), ("seed/deployment.yaml", "stashbot")] {
        let before = fixture(name);
        let fixed = fix(&before, &context(tool));
        out.push_str(&format!("{name}\n{}", difference(&before, &fixed.text)));
        assert_eq!(fix(&fixed.text, &context(tool)).text, fixed.text);
    }
    insta::assert_snapshot!(out, @"
    seed/cronjobs.yaml
    -apiVersion: batch/v1beta1
    +apiVersion: batch/v1
    seed/deployment.yaml
    -apiVersion: extensions/v1beta1
    +apiVersion: apps/v1
    +  selector:
    +    matchLabels:
    +      name: stashbot
    +      toolforge: tool
    ");
}
