//! How many chords are others with weights in half precision than with the same weights in single precision.

use std::path::Path;

use anyhow::Context as _;
use collavoce::compose::model::HarmonisedSlot;
use collavoce_models::harmony::HarmonyNet;

use super::forms::{Live, Song, live, studio};
use super::read_net;

/// Both precisions of the weights of a training.
pub struct Precisions {
    half: HarmonyNet,
    single: HarmonyNet,
}

impl Precisions {
    /// Reads `harmony.bpk`, its hash, and the checkpoint `graph.bpk` that it was rounded from.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let checkpoint = folder.join("graph.bpk");
        let single =
            std::fs::read(&checkpoint).with_context(|| format!("{} cannot be read", checkpoint.display()))?;
        Ok(Self { half: read_net(folder)?, single: HarmonyNet::load_single(&single)? })
    }

    /// Prints the share of slots whose chord is another one.
    pub fn print(&self, songs: &[Song], idiom: usize) {
        type Form = fn(&HarmonyNet, &Song, usize) -> Vec<HarmonisedSlot>;
        let forms: [(&str, Form); 2] = [
            ("whole take", |net, song, idiom| studio(net, song, song.tune.key, idiom)),
            ("live", |net, song, idiom| live(net, song, idiom, Live::Bars).slots),
        ];
        for (name, form) in forms {
            let (mut slots, mut others, mut apart) = (0, 0, 0.0f64);
            for song in songs {
                let (half, single) = (form(&self.half, song, idiom), form(&self.single, song, idiom));
                for (half, single) in half.iter().zip(&single) {
                    slots += 1;
                    others += usize::from(half.chord != single.chord);
                    let odds = half.odds.iter().zip(&single.odds);
                    apart = odds.map(|(half, single)| (half - single).abs()).fold(apart, f64::max);
                }
            }
            let share = 100.0 * others as f64 / slots.max(1) as f64;
            println!(
                "  {name:12} {others} of {slots} chords are others ({share:.2} %); odds differ by {apart:.4} at most"
            );
        }
    }
}
