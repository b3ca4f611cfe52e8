//! The time from a request to YAML: `cargo bench --package toolforge-render`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a measurement prints a rate"
)]

use std::hint::black_box;
use std::time::Instant;

use toolforge_images::Catalog;
use toolforge_model::{ToolName, WebServiceOptions};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::to_yaml;
use toolforge_render::web_service::{PlanOptions, WebServiceFacts, WebServicePlan};

/// The number of rendered plans; the benchmark takes some tenths of a second.
const COUNT: u32 = 20_000;

fn main() {
    let tool: ToolName = "stashbot".parse().unwrap();
    let request = WebServiceOptions::default().merge_into(&tool, None, "php8.2".parse().unwrap()).unwrap();
    let mut facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
    facts.http_routes = true;
    let started = Instant::now();
    for _ in 0..COUNT {
        let plan = WebServicePlan::new(black_box(request.clone()), &facts, PlanOptions::default()).unwrap();
        black_box(to_yaml(&plan.objects()));
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("plan, render and YAML: {:.0} web services a second", f64::from(COUNT) / seconds);
}
