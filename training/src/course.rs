//! What the trainings of networks share: log, checkpoints, going on, stopping in time, curves and progress.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, anyhow, ensure};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::store::{BurnpackStore, ModuleSnapshot};
use burn::tensor::{Device, Tensor};
use indicatif::{ProgressBar, ProgressStyle};

use crate::checkpoint::{Checkpoint, learning_rate, scalar};
use crate::curves::Curves;

/// Steps between two lines of the log.
const LOG_EVERY: u64 = 100;

/// What a network learns.
pub trait Task {
    /// Its layers.
    type Graph: Module + ModuleSnapshot;
    /// Names of the two losses, whose sum is made small.
    const LOSSES: [&str; 2];
    /// What a figure is a share of, for the axis of the curves.
    const MEASURE: &str;

    /// The losses of a step, which depend on the step and the layers alone.
    fn losses(&mut self, graph: &Self::Graph, step: u64, device: &Device) -> [Tensor<1>; 2];

    /// How good the layers are on what they do not learn from.
    ///
    /// # Errors
    ///
    /// The network cannot be run.
    fn figures(&self, graph: &Self::Graph) -> anyhow::Result<Vec<Figure>>;
}

/// How good a network is on one set.
pub struct Figure {
    /// The set.
    pub set: &'static str,
    /// The share that is drawn, 0 to 1.
    pub share: f64,
    /// All that is told.
    pub text: String,
}

/// How a training goes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Steps until it is complete; the learning rate falls towards them.
    pub steps: u64,
    /// Minutes after which this run stops, to be continued by another.
    pub minutes: f64,
    /// Steps over which the learning rate rises, and its height.
    pub rise: u64,
    /// See `rise`.
    pub rate: f64,
    /// Weight decay.
    pub decay: f32,
    /// Steps between two checkpoints with a validation.
    pub check_every: u64,
}

/// A training in its folder.
pub struct Course {
    out: PathBuf,
    pace: Pace,
    log: fs::File,
    checkpoint: Checkpoint,
    optimizer: ModuleOptimizer,
    step: u64,
    bar: Option<ProgressBar>,
}

impl Course {
    /// Opens a folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// The folder or its log cannot be written.
    pub fn open(out: &Path, pace: Pace) -> anyhow::Result<Self> {
        ensure!(pace.steps > 0, "no steps are asked for");
        fs::create_dir_all(out).context("the folder cannot be made")?;
        let log_path = out.join("log.txt");
        let log = fs::OpenOptions::new().create(true).append(true).open(log_path).context("no log")?;
        let optimizer = AdamWConfig::new()
            .with_weight_decay(pace.decay)
            .with_grad_clipping(Some(GradientClippingConfig::Norm(1.0)))
            .init();
        let checkpoint = Checkpoint::new(out);
        Ok(Self { out: out.to_owned(), pace, log, checkpoint, optimizer, step: 0, bar: None })
    }

    /// Takes up layers and optimiser where an earlier run left them; whether there was one.
    ///
    /// # Errors
    ///
    /// The checkpoint is damaged.
    pub fn resume(&mut self, graph: &mut impl ModuleSnapshot) -> anyhow::Result<bool> {
        let Some(step) = self.checkpoint.step()? else { return Ok(false) };
        self.step = step;
        graph.load_from(&mut BurnpackStore::from_file(&self.checkpoint.graph)).map_err(|e| anyhow!("{e}"))?;
        let optimizer = std::mem::replace(&mut self.optimizer, AdamWConfig::new().init());
        self.optimizer = optimizer.load(&self.checkpoint.optimizer).map_err(|e| anyhow!("{e}"))?;
        self.say(&format!("goes on at step {step}"), "")?;
        Ok(true)
    }

    /// Steps that are done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Logs a line, and shows it with what only matters now.
    ///
    /// # Errors
    ///
    /// The log cannot be written.
    pub fn say(&mut self, text: &str, now: &str) -> anyhow::Result<()> {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{text}{now}")),
            None => println!("{text}{now}"),
        }
        writeln!(self.log, "{text}").context("the log cannot be written")
    }

    /// Trains layers until all steps are done or the minutes are over, with a checkpoint at the end.
    ///
    /// # Errors
    ///
    /// The loss is no number any more, or a file cannot be written.
    pub fn train<T: Task>(&mut self, graph: T::Graph, task: &mut T) -> anyhow::Result<T::Graph> {
        let Pace { steps, minutes, rise, rate, check_every, .. } = self.pace;
        let device = Device::flex().autodiff();
        let mut graph = graph.train();
        let mut curves = Curves::open(&self.out, self.step)?;
        self.bar = std::io::stderr().is_terminal().then(|| new_bar(self.step, steps)).transpose()?;
        let (first, started) = (self.step, Instant::now());
        let mut sums = [0.0_f64; 2];
        while self.step < steps && started.elapsed().as_secs_f64() < 60.0 * minutes {
            let [one, other] = task.losses(&graph, self.step, &device);
            let loss = one.clone() + other.clone();
            let gradients = GradientsParams::from_grads(loss.backward(), &graph);
            graph = self.optimizer.step(learning_rate(self.step, steps, rise, rate), graph, gradients);
            sums[0] += scalar(one)?;
            sums[1] += scalar(other)?;
            self.step += 1;
            if let Some(bar) = &self.bar {
                bar.set_position(self.step);
            }
            let step = self.step;
            if step.is_multiple_of(LOG_EVERY) {
                let losses = sums.map(|sum| sum / LOG_EVERY as f64);
                sums = [0.0; 2];
                ensure!(losses.iter().all(|loss| loss.is_finite()), "the loss is no number any more");
                let spent = started.elapsed().as_secs_f64() / 60.0;
                let [one, other] = T::LOSSES;
                let line = format!(
                    "step {step}: loss {one} {:.4}, {other} {:.4}; {spent:.1} min",
                    losses[0], losses[1]
                );
                let left = spent / (step - first) as f64 * (steps - step) as f64;
                self.say(&line, &format!(", {left:.0} min to step {steps}"))?;
                for (name, loss) in T::LOSSES.into_iter().zip(losses) {
                    curves.add(step, &format!("loss {name}"), loss)?;
                }
            }
            if step.is_multiple_of(check_every) || step == steps {
                let valid = graph.valid();
                self.save(&valid)?;
                for Figure { set, share, text } in task.figures(&valid)? {
                    self.say(&format!("step {step}: {set}: {text}"), "")?;
                    curves.add(step, set, share)?;
                }
                curves.draw(T::MEASURE)?;
            }
        }
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let valid = graph.valid();
        self.save(&valid)?;
        Ok(valid)
    }

    fn save(&self, graph: &impl ModuleSnapshot) -> anyhow::Result<()> {
        let optimizer = |path: &Path| self.optimizer.save(path).map_err(|e| anyhow!("{e}"));
        self.checkpoint.write(graph, self.step, optimizer)
    }
}

fn new_bar(step: u64, steps: u64) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("step {pos} of {len} [{bar:30}] {percent:>3} % {eta}")?;
    let bar = ProgressBar::new(steps).with_style(style.progress_chars("=> ")).with_position(step);
    bar.reset_eta();
    Ok(bar)
}
