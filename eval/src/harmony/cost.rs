//! What the harmony network costs: time and memory.

use std::hint::black_box;
use std::time::Instant;

use collavoce::compose::model::slots::{SungBars, slots};
use collavoce::compose::model::{Wish, harmonise_with};
use collavoce::time::Ticks;
use collavoce_models::harmony::HarmonyNet;

use super::forms::Song;

/// Bars that the network remembers, and one to be written.
const BARS: usize = 65;
/// Times that bars are written.
const TIMES: usize = 40;

/// What loading took: seconds, and memory in KiB where the system tells.
#[derive(Debug)]
pub struct Loaded {
    seconds: f64,
    kib: Option<[u64; 2]>,
}

/// Loads the weights of the program, for the first time in the process.
pub fn load() -> anyhow::Result<(&'static HarmonyNet, Loaded)> {
    let before = resident_kib();
    let begun = Instant::now();
    let net = HarmonyNet::embedded()?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok((net, Loaded { seconds, kib: before.zip(resident_kib()).map(|(before, after)| [before, after]) }))
}

/// Steps through songs and prints what it took.
pub fn print(net: &HarmonyNet, loaded: &Loaded, songs: &[Song], idiom: usize) {
    let kib = |[before, after]: [u64; 2]| format!("{:.1} MB", after.saturating_sub(before) as f64 / 1024.0);
    let unknown = || "memory is not told here".to_owned();
    println!(
        "loading              {:8.1} ms, {}",
        1e3 * loaded.seconds,
        loaded.kib.map_or_else(unknown, kib)
    );
    let before = resident_kib();
    let (mut onward_s, mut whole_s) = (Vec::new(), Vec::new());
    for song in songs {
        let (mut onward, mut backward) = (net.onward(), net.backward());
        for timed in slots(&song.sung(song.tune.key, idiom)) {
            let begun = Instant::now();
            let answer = onward.read(&timed.slot);
            black_box(net.foretell(&answer, &timed.slot.place));
            onward_s.push(begun.elapsed().as_secs_f64());
            let begun = Instant::now();
            black_box(net.judge(&onward.read(&timed.slot), &backward.read(&timed.slot)));
            whole_s.push(begun.elapsed().as_secs_f64());
        }
    }
    times("a slot, live", &mut onward_s);
    times("a slot, both streams", &mut whole_s);
    // The longest song; what is remembered beyond it is silence, which costs as much.
    if let Some(song) = songs.iter().max_by_key(|song| song.tune.bars) {
        let at = |heard_until: Ticks, is_ending: bool| {
            let all = song.sung(song.tune.key, idiom);
            let sung = SungBars { bars: BARS, heard_until, is_ending, ..all };
            // Live the odds are asked for: they say which thirds are doubtful.
            let wish = Wish { sung, played: &[], is_coloured: true, take: None, with_odds: !is_ending };
            let time = |_| {
                let begun = Instant::now();
                black_box(harmonise_with(net, &wish));
                begun.elapsed().as_secs_f64()
            };
            (0..TIMES).map(time).collect::<Vec<f64>>()
        };
        let last = Ticks(0) + song.tune.meter.bar() * (BARS as i64 - 1);
        times("a bar after 64, live", &mut at(last, false));
        times("65 bars at once", &mut at(Ticks(i64::MAX), true));
    }
    println!(
        "running              {}",
        before.zip(resident_kib()).map_or_else(unknown, |(b, a)| kib([b, a]))
    );
}

fn times(name: &str, seconds: &mut [f64]) {
    seconds.sort_by(f64::total_cmp);
    let at =
        |share: f64| 1e3 * seconds.get(((seconds.len() - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
    println!(
        "{name:20} {:8.3} ms in the median, {:.3} ms in 99 of 100; {} times",
        at(0.5),
        at(0.99),
        seconds.len()
    );
}

/// Memory that the process holds, where the system is Linux.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
