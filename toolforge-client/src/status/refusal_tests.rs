use http::HeaderMap;
use serde_json::json;

use toolforge_render::pod::Exceeded;

use super::*;
use crate::ApiStatus;

fn refusal(code: u16, reason: &str, message: &str) -> ApiStatus {
    let body = json!({"kind": "Status", "message": message, "reason": reason, "code": code}).to_string();
    ApiStatus::of_answer(code, &HeaderMap::new(), body.as_bytes())
}

fn kind(code: u16, reason: &str, message: &str) -> StatusKind {
    refusal(code, reason, message).kind().clone()
}

fn admission(code: u16, reason: &str, message: &str) -> AdmissionRefusal {
    match kind(code, reason, message) {
        StatusKind::Admission(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn webhook_denial_is_recognized() {
    let message = r#"admission webhook "registry-admission.tools.wmcloud.org" denied the request: Only WMCS-approved docker registry allowed"#;
    let expected = AdmissionRefusal::Webhook {
        name: "registry-admission.tools.wmcloud.org".into(),
        message: "Only WMCS-approved docker registry allowed".into(),
    };
    assert_eq!(admission(400, "", message), expected);
    let silent = admission(400, "", r#"admission webhook "x.y" denied the request without explanation"#);
    assert_eq!(silent, AdmissionRefusal::Webhook { name: "x.y".into(), message: "".into() });
}

#[test]
fn unreachable_webhook_is_not_a_denial() {
    let message = r#"Internal error occurred: failed calling webhook "v.w": failed to call webhook: Post "https://v.svc:443/?timeout=10s": dial tcp: connection refused"#;
    let cause =
        r#"failed to call webhook: Post "https://v.svc:443/?timeout=10s": dial tcp: connection refused"#;
    let expected = AdmissionRefusal::WebhookUnreachable { name: "v.w".into(), cause: cause.into() };
    assert_eq!(admission(500, "InternalError", message), expected);
}

#[test]
fn exceeded_quota_is_parsed() {
    let message = r#"pods "x-1" is forbidden: exceeded quota: tool-x, requested: limits.memory=1Gi,pods=1, used: limits.memory=8Gi,pods=16, limited: limits.memory=8Gi,pods=16"#;
    let one = |resource: &str, requested: &str, used: &str, limited: &str| Exceeded {
        resource: resource.into(),
        requested: requested.into(),
        used: used.into(),
        limited: limited.into(),
    };
    let exceeded = vec![one("limits.memory", "1Gi", "8Gi", "8Gi"), one("pods", "1", "16", "16")];
    assert_eq!(
        admission(403, "Forbidden", message),
        AdmissionRefusal::Quota { quota: "tool-x".into(), exceeded }
    );
}

#[test]
fn quota_denials_have_their_kind() {
    let message = r#"pods "x" is forbidden: failed quota: tool-x: must specify limits.cpu for: web"#;
    let expected =
        AdmissionRefusal::QuotaIncomplete { quota: "tool-x".into(), missing: "limits.cpu for: web".into() };
    assert_eq!(admission(403, "Forbidden", message), expected);
    let message = r#"pods "x" is forbidden: status unknown for quota: tool-x, resources: limits.cpu,pods"#;
    assert_eq!(
        admission(403, "Forbidden", message),
        AdmissionRefusal::QuotaUnknown { quota: "tool-x".into() }
    );
}

#[test]
fn limit_violations_are_split() {
    let message = r#"pods "x" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 4Gi.  No limit is specified]"#;
    let violations = vec![
        "maximum cpu usage per Container is 1, but limit is 2".into(),
        "maximum memory usage per Container is 4Gi.  No limit is specified".into(),
    ];
    assert_eq!(admission(403, "Forbidden", message), AdmissionRefusal::LimitRange { violations });
    let single = r#"pods "x" is forbidden: minimum cpu usage per Container is 50m, but request is 10m"#;
    let violations = vec!["minimum cpu usage per Container is 50m, but request is 10m".into()];
    assert_eq!(admission(403, "Forbidden", single), AdmissionRefusal::LimitRange { violations });
}

#[test]
fn denied_user_verb_and_resource_are_parsed() {
    let message = r#"pods "x" is forbidden: User "taavi" cannot delete resource "pods/exec" in API group "" in the namespace "tool-x""#;
    let denied = Denied { user: "taavi".into(), verb: "delete".into(), resource: "pods/exec".into() };
    assert_eq!(kind(403, "Forbidden", message), StatusKind::Forbidden { denied: Some(denied) });
    assert_eq!(kind(403, "Forbidden", "in new words"), StatusKind::Forbidden { denied: None });
}

#[test]
fn policy_denial_is_recognized() {
    let message = "deployments.apps \"x\" is forbidden: ValidatingAdmissionPolicy 'hosts' with binding 'b' denied request: the host is not yours";
    let expected = AdmissionRefusal::Policy { name: "hosts".into(), message: "the host is not yours".into() };
    assert_eq!(admission(403, "Forbidden", message), expected);
}

#[test]
fn other_kinds_come_from_code_and_reason() {
    for (code, reason, expected) in [
        (401, "Unauthorized", StatusKind::Unauthorized),
        (404, "NotFound", StatusKind::NotFound),
        (409, "AlreadyExists", StatusKind::AlreadyExists),
        (409, "Conflict", StatusKind::Conflict),
        (410, "Expired", StatusKind::Gone),
        (422, "Invalid", StatusKind::Invalid),
        (429, "TooManyRequests", StatusKind::TooManyRequests),
        (500, "InternalError", StatusKind::Internal),
        (503, "ServiceUnavailable", StatusKind::Unavailable),
        (504, "Timeout", StatusKind::Timeout),
        (418, "", StatusKind::Other),
    ] {
        assert_eq!(kind(code, reason, "words"), expected, "{code}");
    }
}

#[test]
fn details_and_causes_are_read() {
    let status = |details| json!({"kind": "Status", "reason": "Conflict", "code": 409, "details": details});
    let read = |status: serde_json::Value, code| {
        ApiStatus::of_answer(code, &HeaderMap::new(), status.to_string().as_bytes())
    };
    let quota = read(status(json!({"kind": "resourcequotas", "name": "tool-x"})), 409);
    assert_eq!(*quota.kind(), StatusKind::QuotaConflict);
    let terminating = json!({"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]});
    assert_eq!(*read(status(terminating), 403).kind(), StatusKind::NamespaceTerminating);
    let busy = read(status(json!({"retryAfterSeconds": 7})), 429);
    assert_eq!(busy.retry_after().map(|wait| wait.as_secs()), Some(7));
}

#[test]
fn plain_text_refusal_is_escaped() {
    let answer = ApiStatus::of_answer(404, &HeaderMap::new(), b"404 page \x1b[2Jnot found\n");
    assert_eq!(*answer.kind(), StatusKind::NotFound);
    assert!(answer.object_kind().is_empty());
    assert_eq!(answer.to_string(), r"the cluster refuses (404): 404 page \u{1b}[2Jnot found");
    for hostile in [&b""[..], b"null", b"[1,2", b"{\"kind\":\"Status\",\"code\":\"x\"}", b"\xff\xfe"] {
        let answer = ApiStatus::of_answer(500, &HeaderMap::new(), hostile);
        assert_eq!(*answer.kind(), StatusKind::Internal);
    }
}
