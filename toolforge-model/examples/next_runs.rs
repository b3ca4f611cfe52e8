//! Prints the next runs of a schedule in UTC, as the API server reads it: `next_runs '*/30 9-17 * * 1-5'`.

use std::error::Error;

use toolforge_model::jiff::{Timestamp, tz::TimeZone};
use toolforge_model::{JobName, Schedule, ToolName};

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<(), Box<dyn Error>> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "@daily".to_owned());
    let (tool, job): (ToolName, JobName) = ("stashbot".parse()?, "daily".parse()?);
    // `@daily` and similar get a time of their own for each tool and job, as on the platform.
    let schedule = Schedule::parse(&text, &tool, &job)?;
    println!("{}", schedule.expression());
    if let Some(warning) = schedule.warning() {
        println!("{warning}");
    }
    let mut time = Timestamp::now();
    for _ in 0..5 {
        let Some(next) = schedule.expression().next_after(time, &TimeZone::UTC) else { break };
        println!("{next}");
        time = next;
    }
    Ok(())
}
