//! What every training keeps, and what comes of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use burn::store::{BurnpackStore, HalfPrecisionAdapter, ModuleSnapshot};
use burn::tensor::Tensor;
use sha2::{Digest, Sha256};

/// Share of the learning rate that is left at the end.
const RATE_LEFT: f64 = 0.01;

/// Files of a checkpoint.
pub struct Checkpoint {
    /// The layers.
    pub graph: PathBuf,
    /// The optimiser's state.
    pub optimizer: PathBuf,
    step: PathBuf,
}

impl Checkpoint {
    /// The files in a folder.
    pub fn new(out: &Path) -> Self {
        Self {
            graph: out.join("graph.bpk"),
            optimizer: out.join("optimizer.bpk"),
            step: out.join("step.txt"),
        }
    }

    /// The steps that were done, if there is one.
    pub fn step(&self) -> anyhow::Result<Option<u64>> {
        if !self.step.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&self.step).context("the checkpoint cannot be read")?;
        Ok(Some(text.trim().parse().context("the checkpoint's step is no number")?))
    }

    /// Writes all of it.
    pub fn write(
        &self,
        graph: &impl ModuleSnapshot,
        step: u64,
        save_optimizer: impl Fn(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut store = BurnpackStore::from_file(&self.graph).overwrite(true);
        graph.save_into(&mut store).map_err(|e| anyhow!("{e}"))?;
        save_optimizer(&self.optimizer)?;
        fs::write(&self.step, step.to_string()).context("the checkpoint cannot be written")
    }
}

/// Writes weights in half precision and their hash, as `collavoce_models` embeds them, and loads them as it does.
pub fn export(
    graph: &impl ModuleSnapshot,
    out: &Path,
    name: &str,
    load: impl Fn(&[u8], &str) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let path = out.join(format!("{name}.bpk"));
    let mut store =
        BurnpackStore::from_file(&path).overwrite(true).with_to_adapter(HalfPrecisionAdapter::new());
    graph.save_into(&mut store).map_err(|e| anyhow!("{e}"))?;
    let bytes = fs::read(&path).context("the weights cannot be read")?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(out.join(format!("{name}.sha256")), format!("{hash}\n"))
        .context("the hash cannot be written")?;
    load(&bytes, &hash)?;
    Ok(path)
}

/// The learning rate of a step: it rises, and then falls like a cosine.
pub fn learning_rate(step: u64, steps: u64, rise: u64, height: f64) -> f64 {
    let risen = ((step + 1) as f64 / rise as f64).min(1.0);
    let fall = 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
    height * risen * (RATE_LEFT + (1.0 - RATE_LEFT) * fall)
}

/// The value of a tensor that holds one.
pub fn scalar(tensor: Tensor<1>) -> anyhow::Result<f64> {
    let value: Vec<f32> = tensor.into_data().try_to_vec().map_err(|e| anyhow!("{e:?}"))?;
    Ok(f64::from(value.first().copied().unwrap_or(f32::NAN)))
}
