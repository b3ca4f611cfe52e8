//! Reads `webservice status --output json` from standard input, and prints the state and the causes.

use std::error::Error;
use std::io;

use toolforge_report::{Document, WebServiceStatus};

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<(), Box<dyn Error>> {
    let document: Document<WebServiceStatus> = serde_json::from_reader(io::stdin().lock())?;
    let status = document.body;
    println!("{}: {:?}", status.tool, status.state);
    for cause in status.causes {
        println!("  {:?}: {}", cause.code, cause.message);
    }
    Ok(())
}
