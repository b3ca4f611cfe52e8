use k8s_openapi::api::apps::v1::Deployment;
use toolforge_images::Runner;

use crate::web_service::observe::request::{runner_and_arguments, web_container};

/// Returns the file in the tool's home that the web service writes its errors to, if it does not only write to the log
/// of its pods: `error.log`, `uwsgi.log`.
#[must_use]
pub fn web_service_log_file(deployment: &Deployment) -> Option<&'static str> {
    let command = web_container(deployment)?.command.as_deref()?;
    let (runner, _) = runner_and_arguments(command)?;
    runner.parse::<Runner>().ok()?.log_file()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn log_file_depends_on_the_runner() {
        let file = |command: &[&str]| {
            let containers = json!([{"name": "webservice", "command": command}]);
            let template = json!({"spec": {"containers": containers}});
            let deployment = json!({"metadata": {}, "spec": {"selector": {}, "template": template}});
            web_service_log_file(&serde_json::from_value(deployment).unwrap())
        };
        let runner = |runner| ["/usr/bin/webservice-runner", "--type", runner, "--port", "8000"];
        assert_eq!(file(&runner("lighttpd")), Some("error.log"));
        assert_eq!(file(&runner("uwsgi-python")), Some("uwsgi.log"));
        assert_eq!(file(&runner("nodejs")), None);
        assert_eq!(file(&["./serve"]), None);
        assert_eq!(file(&[]), None);
    }
}
