//! Properties of every plan.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;
use toolforge_fixtures::generate;
use toolforge_images::Catalog;
use toolforge_model::{ServiceManifest, ToolName, WebServiceRequest, platform};
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::namespace::{Documents, Namespace};
use toolforge_render::object::{Object, to_json_list, to_yaml};
use toolforge_render::web_service::{
    LiveWebService, PlanOptions, Routing, StartTime, WebServiceFacts, WebServicePlan, observe_web_service,
    observe_web_service_request, web_service_changes,
};

fn facts(tool: &ToolName) -> WebServiceFacts {
    let mut facts = WebServiceFacts::new(Namespace::new(tool, Catalog::bundled()));
    facts.http_routes = true;
    facts
}

fn options() -> impl Strategy<Value = (PlanOptions, StartTime)> {
    let routing = prop_oneof![Just(None), Just(Some(Routing::Ingress)), Just(Some(Routing::HttpRoute))];
    let moment = prop::option::of(0_i64..4_000_000_000_000_000);
    (routing, moment).prop_map(|(routing, microseconds)| {
        let moment = microseconds.map(|count| Timestamp::from_microsecond(count).unwrap());
        let options = PlanOptions::default().with_routing(routing);
        (options, moment.map_or(StartTime::Omit, StartTime::Always))
    })
}

fn request() -> impl Strategy<Value = WebServiceRequest> {
    generate::web_service_request(&Catalog::bundled())
}

/// Returns the objects that a plan has applied.
fn objects(plan: &WebServicePlan, facts: &WebServiceFacts, start: StartTime) -> Vec<Object> {
    web_service_changes(plan, facts, start).objects().cloned().collect()
}

fn changes_nothing(set: &ChangeSet) -> bool {
    set.changes.iter().all(Change::is_keep)
}

fn replaces_pods(set: &ChangeSet) -> bool {
    set.changes.iter().any(|change| change.rollout.is_some())
}

fn plan(request: &WebServiceRequest, facts: &WebServiceFacts, options: PlanOptions) -> WebServicePlan {
    WebServicePlan::new(request.clone(), facts, options).unwrap()
}

fn without_our_annotations(mut objects: Vec<Object>) -> Vec<Object> {
    for object in &mut objects {
        if let Object::Deployment(deployment) = object {
            let annotations = &mut deployment.metadata.annotations;
            if let Some(annotations) = annotations {
                annotations.retain(|key, _| !key.starts_with(platform::ANNOTATION_PREFIX));
            }
            *annotations = annotations.take().filter(|annotations| !annotations.is_empty());
        }
    }
    objects
}

#[test]
fn restart_replaces_pods_of_the_platforms_tools() {
    let case: Value =
        serde_json::from_str(&toolforge_fixtures::read("parity/webservice/06-python3.9-default.json"))
            .unwrap();
    let catalog = Catalog::parse(&toolforge_fixtures::read("parity/webservice/_image-config.json")).unwrap();
    let tool = "test".parse().unwrap();
    let mut facts = facts(&tool);
    facts.namespace.catalog = catalog;
    facts.live.deployment = serde_json::from_value(case["expected"]["deployment"].clone()).ok();
    let request = observe_web_service_request(&facts).unwrap();
    let plan = plan(&request, &facts, PlanOptions::default());
    assert!(!replaces_pods(&web_service_changes(&plan, &facts, StartTime::Keep)));
    let restart = StartTime::Always(Timestamp::UNIX_EPOCH);
    assert!(replaces_pods(&web_service_changes(&plan, &facts, restart)));
}

proptest! {
    #[test]
    fn rendered_objects_are_observed_as_the_request(request in request(), (options, start) in options()) {
        let mut facts = facts(&request.tool);
        facts.live = objects(&plan(&request, &facts, options), &facts, start).into_iter().collect();
        prop_assert_eq!(observe_web_service_request(&facts).unwrap(), request);
    }

    #[test]
    fn observation_needs_no_annotations(request in request(), (options, start) in options()) {
        let mut facts = facts(&request.tool);
        let rendered = without_our_annotations(objects(&plan(&request, &facts, options), &facts, start));
        facts.live = rendered.iter().cloned().collect();
        let observed = observe_web_service_request(&facts).unwrap();
        let again = objects(&plan(&observed, &facts, options), &facts, start);
        prop_assert_eq!(without_our_annotations(again), rendered);
    }

    #[test]
    fn applied_plan_changes_nothing(request in request(), (options, start) in options()) {
        let mut facts = facts(&request.tool);
        let plan = plan(&request, &facts, options);
        facts.live = objects(&plan, &facts, start).into_iter().collect();
        prop_assert!(changes_nothing(&web_service_changes(&plan, &facts, StartTime::Keep)));
    }

    #[test]
    fn manual_changes_are_observed_and_reverted(
        request in request(),
        replicas in 0_i32..20,
        memory in generate::memory(),
    ) {
        let mut facts = facts(&request.tool);
        let plan = plan(&request, &facts, PlanOptions::default());
        let mut live: LiveWebService = plan.objects().into_iter().collect();
        let spec: Option<&mut DeploymentSpec> = (&mut live.deployment.as_mut().unwrap().spec).into();
        let spec = spec.unwrap();
        spec.replicas = Some(replicas);
        let container = &mut spec.template.spec.as_mut().unwrap().containers[0];
        let limits = container.resources.as_mut().unwrap().limits.as_mut().unwrap();
        let before = limits.insert("memory".to_owned(), k8s_openapi::apimachinery::pkg::api::resource::Quantity(memory.to_string()));
        facts.live = live;
        let observed = observe_web_service_request(&facts).unwrap();
        prop_assert_eq!(observed.replicas.as_i32(), replicas);
        let changed = before.is_none_or(|before| before.0 != memory.to_string());
        prop_assert_eq!(observed.memory, if changed { Some(memory) } else { request.memory });
        let same = !changed && replicas == request.replicas.as_i32();
        prop_assert_eq!(changes_nothing(&web_service_changes(&plan, &facts, StartTime::Keep)), same);
    }

    #[test]
    fn yaml_survives_a_round_trip(request in request(), (options, start) in options()) {
        let facts = facts(&request.tool);
        for object in objects(&plan(&request, &facts, options), &facts, start) {
            let yaml = object.to_yaml();
            let expected = object.to_json();
            prop_assert_eq!(&serde_saphyr::from_str::<Value>(&yaml).unwrap(), &expected, "{}", yaml);
            prop_assert_eq!(&serde_yaml::from_str::<Value>(&yaml).unwrap(), &expected, "{}", yaml);
        }
    }

    #[test]
    fn printed_documents_can_be_concatenated(requests in prop::collection::vec(request(), 1..4)) {
        let facts = facts(&"x".parse().unwrap());
        let objects = requests.iter().map(|request| plan(request, &facts, PlanOptions::default()).objects());
        let (texts, objects): (Vec<_>, Vec<_>) = objects.map(|objects| (to_yaml(&objects), objects)).unzip();
        let read: Vec<Value> = serde_saphyr::from_multiple(&texts.concat()).unwrap();
        let expected: Vec<Value> = objects.iter().flatten().map(Object::to_json).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn documents_of_printed_yaml_are_the_objects(request in request(), (options, start) in options()) {
        let before = facts(&request.tool);
        let objects = objects(&plan(&request, &before, options), &before, start);
        let expected: LiveWebService = objects.iter().cloned().collect();
        for text in [to_yaml(&objects), to_json_list(&objects).to_string()] {
            let mut documents = Documents::default();
            documents.read("printed", &text).unwrap();
            let facts = documents.web_service_facts(documents.namespace(&request.tool).unwrap()).unwrap();
            prop_assert_eq!(&facts.live.deployment, &expected.deployment);
            prop_assert_eq!(observe_web_service(&facts, k8s_openapi::jiff::Timestamp::UNIX_EPOCH).request, Ok(request.clone()));
        }
    }

    #[test]
    fn documents_never_panic(text in any::<String>()) {
        let mut documents = Documents::default();
        if let Err(error) = documents.read("file", &text) {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn state_file_survives_a_round_trip(request in request()) {
        let written = ServiceManifest::default().with_request(&request).to_yaml("Sun May 21 12:34:56 2023");
        let read = ServiceManifest::parse(&written).unwrap();
        prop_assert!(read.invalid_values.is_empty(), "{}", written);
        let other = "php8.2".parse().unwrap();
        prop_assert_eq!(read.options.merge_into(&request.tool, None, other).unwrap(), request.clone());
        // The second parser: the amounts are kept as the text that the platform's tool wrote.
        let second: serde_yaml::Value = serde_yaml::from_str(&written).unwrap();
        prop_assert_eq!(&second["version"], 4);
        prop_assert_eq!(second["web"].as_str(), Some(request.image.type_name()));
        let arguments: Vec<_> = second["web::extra_args"].as_sequence().into_iter().flatten().map(|one| one.as_str()).collect();
        prop_assert_eq!(arguments, request.arguments.iter().map(|one| Some(one.as_str())).collect::<Vec<_>>());
    }
}
