//! Prints how many pods of a size fit the platform's quota of 2023, and why one more does not.

use std::error::Error;

use toolforge_model::{Cpu, Memory};
use toolforge_quota::{Amounts, ContainerResources, Demand, Limits, PodDemand, profiles};

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<(), Box<dyn Error>> {
    let limits: Limits = profiles::by_name("toolforge-2023")?.into();
    let (cpu, memory): (Cpu, Memory) = ("500m".parse()?, "1.5Gi".parse()?);
    let container =
        ContainerResources { limits: Amounts::new(Some(cpu), Some(memory)), ..Default::default() };
    let pod = PodDemand { containers: vec![container], ..PodDemand::default() };
    // Requests that the container does not set come from the namespace's LimitRange.
    let pod = pod.with_defaults(&limits.limit_ranges);
    for count in 1.. {
        let check =
            limits.evaluate(&Demand::default(), &pod.demand().times(count), std::slice::from_ref(&pod));
        println!("{count}: {check}");
        if !check.fits() {
            break;
        }
    }
    Ok(())
}
