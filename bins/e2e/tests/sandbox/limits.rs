//! The effect of a LimitRange on a pod is predicted as the API server applies it.

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::{Value, json};
use toolforge_e2e::Tool;
use toolforge_quota::{Admission, LimitRange, Limits};
use toolforge_render::namespace::limit_range;
use toolforge_render::pod::stated_pod;

/// Limits with some of the bounds. The API server sets defaults for the missing ones.
fn limit_ranges() -> Vec<Value> {
    vec![
        json!({"max": {"cpu": "1", "memory": "1Gi"}}),
        json!({"min": {"cpu": "100m", "memory": "100Mi"}}),
        json!({"min": {"memory": "100Mi"}, "max": {"memory": "1Gi"}}),
        json!({"default": {"memory": "512Mi"}}),
        json!({"defaultRequest": {"memory": "256Mi"}}),
        json!({"default": {"memory": "512Mi"}, "defaultRequest": {"memory": "256Mi"}, "max": {"memory": "1Gi"}}),
        json!({"maxLimitRequestRatio": {"memory": "2"}}),
        json!({"maxLimitRequestRatio": {"cpu": "1500m"}}),
        json!({"default": {"memory": "512Mi"}, "maxLimitRequestRatio": {"memory": "1500m"}}),
    ]
}

/// The resources of a container: none, limits, requests or both, with amounts within and outside the bounds above.
fn containers() -> Vec<Value> {
    let amounts = |limit: Option<(&str, &str)>, request: Option<(&str, &str)>| {
        let pair =
            |pair: Option<(&str, &str)>| pair.map(|(cpu, memory)| json!({"cpu": cpu, "memory": memory}));
        json!({"limits": pair(limit), "requests": pair(request)})
    };
    vec![
        amounts(None, None),
        amounts(Some(("500m", "512Mi")), None),
        amounts(None, Some(("500m", "512Mi"))),
        amounts(None, Some(("2", "2Gi"))),
        amounts(None, Some(("50m", "50Mi"))),
        amounts(Some(("2", "2Gi")), None),
        amounts(Some(("50m", "50Mi")), None),
        amounts(Some(("500m", "512Mi")), Some(("250m", "256Mi"))),
        amounts(Some(("500m", "512Mi")), Some(("100m", "100Mi"))),
        amounts(Some(("2", "2Gi")), Some(("500m", "512Mi"))),
        amounts(Some(("500m", "512Mi")), Some(("50m", "50Mi"))),
    ]
}

fn predicted(range: &LimitRange, pod: &Value) -> bool {
    let pod: PodSpec = serde_json::from_value(pod["spec"].clone()).unwrap();
    let limits = Limits { limit_ranges: vec![range.clone()], ..Limits::default() };
    limits.admissions(&stated_pod(&pod)) == [Admission::Admitted]
}

#[test]
fn predictions_match_the_api_server() {
    let tool = Tool::new("predicted");
    // Only the LimitRange under test must have an effect.
    let _ = tool.kubectl(&["delete", "resourcequota,limitrange", "--all"]);
    let mut wrong = Vec::new();
    let mut refused = 0;
    for (number, item) in limit_ranges().iter().enumerate() {
        let mut item = item.clone();
        item["type"] = json!("Container");
        let object = json!({
            "apiVersion": "v1", "kind": "LimitRange",
            "metadata": {"name": "tested", "namespace": tool.namespace()}, "spec": {"limits": [item]},
        });
        tool.sandbox().create(&object);
        let as_written = limit_range(&serde_json::from_value(object).unwrap());
        let stored = limit_range(&serde_json::from_value(tool.object("limitrange", "tested")).unwrap());
        for (case, resources) in containers().iter().enumerate() {
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("p-{number}-{case}"), "namespace": tool.namespace()},
                "spec": {"containers": [{
                    "name": "c", "image": "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest",
                    "resources": resources,
                }]},
            });
            tool.write("pod.json", &pod.to_string());
            let answer = tool.shell("kubectl create --dry-run=server -f ~/pod.json");
            let accepted = answer.code == 0;
            let about_resources = [" usage per ", "limit to request ratio", "must be less than or equal to"];
            let has_reason = about_resources.iter().any(|words| answer.stderr.contains(words));
            assert!(accepted || has_reason, "refused for another reason: {}", answer.stderr);
            refused += usize::from(!accepted);
            for (whose, range) in [("as written", &as_written), ("as stored", &stored)] {
                if predicted(range, &pod) != accepted {
                    wrong.push(format!(
                        "{item} {whose}, {resources}: the server {}",
                        if accepted {
                            "accepts it".to_owned()
                        } else {
                            format!("refuses it: {}", answer.stderr.trim())
                        }
                    ));
                }
            }
        }
        let _ = tool.kubectl(&["delete", "limitrange", "tested"]);
    }
    assert!(refused > 20, "only {refused} refusals: the table tests little");
    assert!(wrong.is_empty(), "{} wrong predictions:\n{}", wrong.len(), wrong.join("\n"));
}
