//! registry-admission: images may only come from the platform's registries.

use toolforge_model::platform::ALLOWED_REGISTRIES;

use super::review::{Answer, Review};

/// Reviews a pod or a Deployment. Like the platform's webhook, it checks only `containers`.
pub(super) fn review(review: &Review<'_>) -> Answer {
    let images = review.pod_spec()["containers"].as_array().into_iter().flatten();
    let is_allowed = |image: &str| {
        ALLOWED_REGISTRIES
            .iter()
            .any(|registry| image.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/')))
    };
    let allowed =
        images.map(|container| container["image"].as_str()).all(|image| image.is_some_and(is_allowed));
    if allowed {
        Answer::Allowed
    } else {
        Answer::Denied("Only WMCS-approved docker registry allowed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn allows_only_the_platforms_registries() {
        let answer = |image: &str| {
            let object = json!({"spec": {"containers": [{"image": image}]}});
            review(&Review { namespace: "tool-x", name: "x", kind: "Pod", object: &object })
        };
        assert_eq!(answer("docker-registry.svc.toolforge.org/x:latest"), Answer::Allowed);
        assert_eq!(answer("tools-harbor.wmcloud.org/tool-x/x"), Answer::Allowed);
        for image in ["docker.io/library/php", "docker-registry.svc.toolforge.org.evil/x", "php"] {
            assert!(matches!(answer(image), Answer::Denied(_)), "{image}");
        }
    }
}
