//! Progress on the screen: the steps, and how long each took.
//!
//! Everything goes to stderr. On a terminal, one live line shows the running steps. Elsewhere, a step that takes
//! longer than two seconds prints a line when it starts, from time to time while it runs, and when it is done.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How often the live line is redrawn.
const TICK: Duration = Duration::from_millis(120);
/// How long a step runs before it is announced, without a live line.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a long step prints its progress, without a live line.
const PROGRESS: Duration = Duration::from_secs(30);

/// The steps of one run of the program. Steps may run concurrently, in threads or as futures.
#[derive(Debug)]
pub(crate) struct Report {
    screen: Arc<Mutex<Screen>>,
}

/// A running step. Dropping it without [`Step::done`] reports that it failed.
#[derive(Debug)]
pub(crate) struct Step {
    screen: Arc<Mutex<Screen>>,
    number: u64,
}

#[derive(Debug)]
struct Screen {
    terminal: bool,
    steps: Vec<Active>,
    next: u64,
    ticking: bool,
}

#[derive(Debug)]
struct Active {
    number: u64,
    what: String,
    detail: String,
    started: Instant,
    printed: Option<Instant>,
}

impl Report {
    /// Returns a report that prints to stderr.
    pub(crate) fn new() -> Self {
        let terminal =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let screen = Screen { terminal, steps: Vec::new(), next: 0, ticking: false };
        Self { screen: Arc::new(Mutex::new(screen)) }
    }

    /// Begins a step. `what` describes it, as in `Build Kubernetes v1.33.13`.
    pub(crate) fn begin(&self, what: impl Into<String>) -> Step {
        let mut screen = lock(&self.screen);
        let number = screen.next;
        screen.next += 1;
        let (what, started) = (what.into(), Instant::now());
        screen.steps.push(Active { number, what, detail: String::new(), started, printed: None });
        if !screen.ticking {
            screen.ticking = true;
            tick(Arc::downgrade(&self.screen));
        }
        Step { screen: Arc::clone(&self.screen), number }
    }

    /// Runs a step and prints how long it took.
    pub(crate) fn step<T>(
        &self,
        what: impl Into<String>,
        work: impl FnOnce(&Step) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let step = self.begin(what);
        let result = work(&step)?;
        step.done();
        Ok(result)
    }

    /// Awaits a step and prints how long it took.
    pub(crate) async fn wait<T>(
        &self,
        what: impl Into<String>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let step = self.begin(what);
        let result = work.await?;
        step.done();
        Ok(result)
    }

    /// Prints a line that is not a step.
    pub(crate) fn note(&self, text: impl Display) {
        lock(&self.screen).line(&text.to_string());
    }
}

impl Step {
    /// Sets the progress of the step, as in `312 packages`.
    pub(crate) fn progress(&self, detail: impl Display) {
        let detail = detail.to_string().chars().filter(|c| !c.is_control()).collect();
        let mut screen = lock(&self.screen);
        if let Some(active) = screen.steps.iter_mut().find(|active| active.number == self.number) {
            active.detail = detail;
        }
    }

    /// Ends the step and prints how long it took.
    pub(crate) fn done(self) {
        let mut screen = lock(&self.screen);
        if let Some(active) = screen.take(self.number) {
            let took = duration(active.started.elapsed());
            screen.line(&format!("  {}: {took}", active.what));
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let mut screen = lock(&self.screen);
        if let Some(active) = screen.take(self.number) {
            let took = duration(active.started.elapsed());
            screen.line(&format!("  {}: failed after {took}", active.what));
        }
    }
}

impl Screen {
    fn take(&mut self, number: u64) -> Option<Active> {
        let at = self.steps.iter().position(|active| active.number == number)?;
        Some(self.steps.remove(at))
    }

    fn line(&mut self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        // If stderr is closed, there is no place left to report the error.
        let _ = writeln!(stderr, "{clear}{text}");
    }

    fn draw(&mut self) {
        if self.terminal { self.draw_live() } else { self.draw_lines() }
    }

    fn draw_live(&self) {
        let steps: Vec<_> = self.steps.iter().map(|active| active.text(true)).collect();
        let width =
            rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        // A terminal that does not know its width reports 0.
        let width = if width == 0 { 80 } else { width };
        let text: String = steps.join(" | ").chars().take(width.saturating_sub(3)).collect();
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "\r\x1b[2K  {text}");
        let _ = stderr.flush();
    }

    fn draw_lines(&mut self) {
        let now = Instant::now();
        let mut lines = Vec::new();
        for active in &mut self.steps {
            let due = active.printed.map_or(active.started + PATIENCE, |printed| printed + PROGRESS);
            if now >= due {
                lines.push(format!("  {} …", active.text(active.printed.is_some())));
                active.printed = Some(now);
            }
        }
        for line in lines {
            self.line(&line);
        }
    }
}

impl Active {
    fn text(&self, with_time: bool) -> String {
        let mut text = self.what.clone();
        if !self.detail.is_empty() {
            text = format!("{text}: {}", self.detail);
        }
        if with_time {
            text = format!("{text} ({})", duration(self.started.elapsed()));
        }
        text
    }
}

/// Redraws until no step is running.
fn tick(screen: Weak<Mutex<Screen>>) {
    thread::spawn(move || {
        loop {
            thread::sleep(TICK);
            let Some(screen) = screen.upgrade() else { return };
            let mut screen = lock(&screen);
            if screen.steps.is_empty() {
                screen.ticking = false;
                return;
            }
            screen.draw();
        }
    });
}

fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Formats a duration for people: `0.4 s`, `5 min 40 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_durations() {
        let cases = [
            (40, "0.0 s"),
            (440, "0.4 s"),
            (59_999, "59.9 s"),
            (340_000, "5 min 40 s"),
            (7_260_000, "2 h 1 min"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
