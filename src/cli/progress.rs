//! Progress on a terminal, plain lines elsewhere, and Ctrl-C.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use collavoce::bounce::Stage;
use indicatif::{ProgressBar, ProgressStyle};

/// Work shorter than this shows nothing.
const QUIET_FOR: Duration = Duration::from_secs(2);

/// Shows how far a bounce has come.
pub struct Reporter {
    stage: Option<Stage>,
    started: Instant,
    bar: Option<ProgressBar>,
    quiet: bool,
    stop: Arc<AtomicBool>,
}

impl Reporter {
    /// A reporter; from now on Ctrl-C breaks off the work instead of the program.
    pub fn new(quiet: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        // Where no handler can be set Ctrl-C ends the program as it always does.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst));
        Self { stage: None, started: Instant::now(), bar: None, quiet, stop }
    }

    /// Takes one step.
    pub fn tell(&mut self, stage: Stage, done: f64) -> ControlFlow<()> {
        if self.stop.load(Ordering::SeqCst) {
            self.clear();
            return ControlFlow::Break(());
        }
        let changed = self.stage != Some(stage);
        self.stage = Some(stage);
        if self.quiet || self.started.elapsed() < QUIET_FOR {
            return ControlFlow::Continue(());
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(new_bar);
            if changed || bar.message().is_empty() {
                bar.reset_eta();
            }
            bar.set_message(stage.label());
            bar.set_position((done * 1000.0) as u64);
        } else if changed {
            eprintln!("{} ...", stage.label());
        }
        ControlFlow::Continue(())
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::new(1000);
    if let Ok(style) = ProgressStyle::with_template("{msg:24} [{bar:30}] {percent:>3} % {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
