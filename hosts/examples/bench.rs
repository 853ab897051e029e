//! What a block costs the host's audio thread: `cargo xtask bench plugin [SECONDS]`.
//!
//! One and eight instances of the CLAP run in real time at 48 kHz in blocks of 64 samples, with the composer kept busy
//! by a new take of every part ten times a second. For each way of playing it prints the percentiles of the CPU time
//! of the thread over a block of all instances, its share of one core, the health of the live bands as the notes tell
//! it, and a hash of everything that came out.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use collavoce_hosts::{Activation, ClapPlugin, Heard, Hosted, Transport, demo_voice};
use cpu_time::ThreadTime;

const RATE: u32 = 48_000;
const BLOCK: usize = 64;
/// Blocks between two takes.
const BLOCKS_PER_TAKE: usize = RATE as usize / BLOCK / 10;
/// Seconds of playing unless something else is asked for.
const USUAL_S: f64 = 20.0;

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(USUAL_S), |text| text.parse())?;
    let block_us = BLOCK as f64 / f64::from(RATE) * 1e6;
    println!(
        "48 kHz, blocks of {BLOCK} samples: {block_us:.0} us; CPU time of the audio thread, all instances\n"
    );
    println!("instances  plays  median us   99 %  99.9 %  most  share of a core  output");
    for instances in [1, 8] {
        for mode in ["Live", "Studio"] {
            let (mut times, hash) = measure(instances, mode, seconds)?;
            times.sort_unstable_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1e6;
            let share = times.iter().sum::<f64>() * 1e6 / (times.len() as f64 * block_us) * 100.0;
            let [median, most, nearly_all, all] = [0.5, 0.99, 0.999, 1.0].map(at);
            println!(
                "{instances:9}  {mode:6} {median:9.0} {most:6.0} {nearly_all:7.0} {all:5.0} {share:15.1} %  {hash:016x}"
            );
        }
    }
    Ok(())
}

/// CPU times of the blocks in seconds, and the hash of the output.
fn measure(instances: usize, mode: &str, seconds: f64) -> anyhow::Result<(Vec<f64>, u64)> {
    let voice = demo_voice(RATE);
    let mut plugins = Vec::new();
    for _ in 0..instances {
        let mut plugin = ClapPlugin::open()?;
        if mode == "Studio" {
            plugin.activate(Activation { rate: RATE, max_block: 1024, is_offline: true })?;
            plugin.capture(&voice, 0, 1024)?;
        }
        plugin.activate(Activation { rate: RATE, max_block: BLOCK, is_offline: false })?;
        plugin.stand(BLOCK, &mut Heard::default())?;
        plugin.meter().read = Some(|| ThreadTime::now().as_duration().as_secs_f64());
        plugins.push(plugin);
    }
    let blocks = (seconds * f64::from(RATE)) as usize / BLOCK;
    let mut times = Vec::with_capacity(blocks);
    let mut hasher = DefaultHasher::new();
    let begun = Instant::now();
    for block in 0..blocks {
        let at = block * BLOCK % (voice.len() - BLOCK);
        let chunk = &voice[at..at + BLOCK];
        if mode == "Live" && block % BLOCKS_PER_TAKE == 0 {
            let take = (block / BLOCKS_PER_TAKE % 9 + 1).to_string();
            for plugin in &mut plugins {
                for part in collavoce_hosts::STEMS {
                    plugin.set(&format!("{part} take"), &take)?;
                }
            }
        }
        let mut heard = vec![Heard::default(); instances];
        let due = Duration::from_secs_f64((block * BLOCK) as f64 / f64::from(RATE));
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let mut spent_s = 0.0;
        for (plugin, heard) in plugins.iter_mut().zip(&mut heard) {
            plugin.meter().sum = 0.0;
            plugin.process([chunk, chunk], Transport::playing((block * BLOCK) as i64, 120.0), heard)?;
            spent_s += plugin.meter().sum;
        }
        times.push(spent_s);
        for side in heard.iter().flat_map(|heard| heard.stems.iter().flatten()) {
            side.iter().for_each(|sample| sample.to_bits().hash(&mut hasher));
        }
    }
    Ok((times, hasher.finish()))
}
