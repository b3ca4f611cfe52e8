//! Snapshots of rendered manifests: one request file, and one snapshot of the same name for each manifest.
//!
//! A new case is a new file in `fixtures/plans/`; it contains the arguments of a command line.

use toolforge_images::Catalog;
use toolforge_model::{ToolName, WebServiceOptions};
use toolforge_render::namespace::Namespace;
use toolforge_render::web_service::{PlanOptions, Routing, WebServiceFacts, WebServicePlan};

#[test]
fn web_services_render_as_their_snapshots() {
    for path in toolforge_fixtures::files("plans", ".plan") {
        let text = std::fs::read_to_string(&path).unwrap();
        let tool: ToolName = "stashbot".parse().unwrap();
        let mut options = WebServiceOptions::default();
        let mut routing = None;
        for line in text.lines() {
            let (key, value) = line.split_once(": ").unwrap();
            match key {
                "type" => options.type_name = Some(value.parse().unwrap()),
                "mount" => options.mount = Some(value.parse().unwrap()),
                "health check" => options.health_check = Some(value.parse().unwrap()),
                "cpu" => options.cpu = Some(value.parse().unwrap()),
                "memory" => options.memory = Some(value.parse().unwrap()),
                "replicas" => options.replicas = Some(value.parse().unwrap()),
                "argument" => options.arguments.push(value.to_owned()),
                "routing" => {
                    routing = Some(if value == "ingress" { Routing::Ingress } else { Routing::HttpRoute });
                }
                other => panic!("{}: {other}", path.display()),
            }
        }
        let mut facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
        facts.http_routes = true;
        let request = options.merge_into(&tool, None, "php8.2".parse().unwrap()).unwrap();
        let options = PlanOptions::default().with_routing(routing);
        let plan = WebServicePlan::new(request, &facts, options).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for object in plan.objects() {
            let name = format!("{name}.{}", object.kind().to_string().to_lowercase());
            insta::with_settings!({ description => &text, omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(name, object.to_yaml());
            });
        }
    }
}
