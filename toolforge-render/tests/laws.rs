//! Laws that hold for every plan.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;
use toolforge_fixtures::generate;
use toolforge_images::Catalog;
use toolforge_model::{ServiceManifest, WebServiceRequest, platform};
use toolforge_render::namespace::{Documents, Platform};
use toolforge_render::web_service::{
    Change, Facts, LiveWebService, PlanOptions, Route, Routing, WebServiceManifests, WebServicePlan, changes,
    observe, observe_request, render, replaces_pods,
};

fn facts() -> Facts {
    Facts { http_routes: true, ..Facts::new(Catalog::bundled(), Platform::default()) }
}

fn options() -> impl Strategy<Value = PlanOptions> {
    let routing = prop_oneof![Just(None), Just(Some(Routing::Ingress)), Just(Some(Routing::HttpRoute))];
    let moment = prop::option::of(0_i64..4_000_000_000_000_000);
    (routing, moment).prop_map(|(routing, microseconds)| PlanOptions {
        routing,
        started_at: microseconds.map(|count| Timestamp::from_microsecond(count).unwrap()),
    })
}

fn request() -> impl Strategy<Value = WebServiceRequest> {
    generate::web_service_request(&Catalog::bundled())
}

fn live(manifests: WebServiceManifests) -> LiveWebService {
    let WebServiceManifests { deployment, service, route } = manifests;
    let (ingress, http_route) = match route {
        Route::Ingress(ingress) => (Some(ingress), None),
        Route::HttpRoute(http_route) => (None, Some(http_route)),
    };
    LiveWebService {
        deployment: Some(deployment),
        service: Some(service),
        ingress,
        http_route,
        ..LiveWebService::default()
    }
}

fn plan(request: &WebServiceRequest, facts: &Facts, options: PlanOptions) -> WebServicePlan {
    WebServicePlan::new(request.clone(), facts, options).unwrap()
}

fn without_our_annotations(mut deployment: Deployment) -> Deployment {
    if let Some(annotations) = &mut deployment.metadata.annotations {
        annotations.retain(|key, _| !key.starts_with(platform::ANNOTATION_PREFIX));
    }
    deployment.metadata.annotations =
        deployment.metadata.annotations.filter(|annotations| !annotations.is_empty());
    deployment
}

#[test]
fn a_restart_replaces_the_pods_of_a_deployment_that_the_platforms_tools_made() {
    let case: Value =
        serde_json::from_str(&toolforge_fixtures::read("parity/webservice/06-python3.9-default.json"))
            .unwrap();
    let catalog = Catalog::parse(&toolforge_fixtures::read("parity/webservice/_image-config.json")).unwrap();
    let mut facts = Facts { catalog, ..facts() };
    facts.live.deployment = serde_json::from_value(case["expected"]["deployment"].clone()).ok();
    let tool = "test".parse().unwrap();
    let request = observe_request(&tool, &facts).unwrap();
    let standing = plan(&request, &facts, PlanOptions::default()).started_with(&facts.live);
    assert!(!replaces_pods(&standing, &facts.live));
    assert!(replaces_pods(&standing.started_at(&Timestamp::UNIX_EPOCH), &facts.live));
}

proptest! {
    #[test]
    fn observing_what_was_rendered_gives_what_was_asked_for(request in request(), options in options()) {
        let mut facts = facts();
        facts.live = live(render(&plan(&request, &facts, options)));
        prop_assert_eq!(observe_request(&request.tool, &facts).unwrap(), request);
    }

    #[test]
    fn without_our_annotations_what_is_observed_renders_the_same_objects(request in request(), options in options()) {
        let mut facts = facts();
        let mut rendered = render(&plan(&request, &facts, options));
        rendered.deployment = without_our_annotations(rendered.deployment);
        facts.live = live(rendered.clone());
        let observed = observe_request(&request.tool, &facts).unwrap();
        let mut again = render(&plan(&observed, &facts, options));
        again.deployment = without_our_annotations(again.deployment);
        prop_assert_eq!(again, rendered);
    }

    #[test]
    fn a_plan_that_stands_changes_nothing(request in request(), options in options()) {
        let mut facts = facts();
        let plan = plan(&request, &facts, options);
        facts.live = live(render(&plan));
        prop_assert!(changes(&plan, &facts.live).iter().all(Change::is_keep));
    }

    #[test]
    fn what_was_changed_by_hand_is_observed_and_changed_back(
        request in request(),
        replicas in 0_i32..20,
        memory in generate::memory(),
    ) {
        let mut facts = facts();
        let plan = plan(&request, &facts, PlanOptions::default());
        let mut manifests = render(&plan);
        let spec = manifests.deployment.spec.as_mut().unwrap();
        spec.replicas = Some(replicas);
        let container = &mut spec.template.spec.as_mut().unwrap().containers[0];
        let limits = container.resources.as_mut().unwrap().limits.as_mut().unwrap();
        let before = limits.insert("memory".to_owned(), k8s_openapi::apimachinery::pkg::api::resource::Quantity(memory.to_string()));
        facts.live = live(manifests);
        let observed = observe_request(&request.tool, &facts).unwrap();
        prop_assert_eq!(observed.replicas.as_i32(), replicas);
        let changed = before.is_none_or(|before| before.0 != memory.to_string());
        prop_assert_eq!(observed.memory, if changed { Some(memory) } else { request.memory });
        let same = !changed && replicas == request.replicas.as_i32();
        prop_assert_eq!(changes(&plan, &facts.live).iter().all(Change::is_keep), same);
    }

    #[test]
    fn what_is_printed_as_yaml_is_read_back_equal_by_two_readers(request in request(), options in options()) {
        let manifests = render(&plan(&request, &facts(), options));
        for manifest in manifests.objects() {
            let yaml = manifest.to_yaml();
            let expected = manifest.to_json();
            prop_assert_eq!(&serde_saphyr::from_str::<Value>(&yaml).unwrap(), &expected, "{}", yaml);
            prop_assert_eq!(&serde_yaml::from_str::<Value>(&yaml).unwrap(), &expected, "{}", yaml);
        }
    }

    #[test]
    fn facts_from_printed_manifests_are_the_manifests(request in request(), options in options()) {
        let manifests = render(&plan(&request, &facts(), options));
        for text in [manifests.to_yaml(), manifests.to_json().to_string()] {
            let mut documents = Documents::default();
            documents.read("printed", &text).unwrap();
            let facts = documents.facts(&request.tool, Platform::default()).unwrap();
            prop_assert_eq!(facts.live.deployment.as_ref(), Some(&manifests.deployment));
            prop_assert_eq!(observe(&request.tool, &facts).request, Ok(request.clone()));
        }
    }

    #[test]
    fn no_text_makes_the_reader_of_documents_panic(text in any::<String>()) {
        let mut documents = Documents::default();
        if let Err(error) = documents.read("file", &text) {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn what_is_remembered_of_a_request_is_read_back_and_gives_the_request(request in request()) {
        let written = ServiceManifest::default().with_request(&request).to_yaml("Sun May 21 12:34:56 2023");
        let read = ServiceManifest::parse(&written).unwrap();
        prop_assert!(read.invalid_values.is_empty(), "{}", written);
        let other = "php8.2".parse().unwrap();
        prop_assert_eq!(read.options.merge_into(&request.tool, None, other).unwrap(), request.clone());
        // The second reader: the amounts stay texts, as the platform's tool wrote them.
        let second: serde_yaml::Value = serde_yaml::from_str(&written).unwrap();
        prop_assert_eq!(&second["version"], 4);
        prop_assert_eq!(second["web"].as_str(), Some(request.image.type_name()));
        let arguments: Vec<_> = second["web::extra_args"].as_sequence().into_iter().flatten().map(|one| one.as_str()).collect();
        prop_assert_eq!(arguments, request.arguments.iter().map(|one| Some(one.as_str())).collect::<Vec<_>>());
    }
}
