//! The networks and the rhythm tracker in the same takes.

use collavoce::follow::studio::beat_onsets;
use collavoce::song::Seed;
use collavoce_data::measure::{Sums, cmlt, f_measure};
use collavoce_data::rubato::{Performance, sing};
use collavoce_data::songs::{Set, Split};
use collavoce_data::stated::{Found, KNOWN_S, Run, beats_of, follow, run as ask};

use super::decode::{Bars, CAUSAL, OFFLINE};
use super::net::{ANSWERS, FRAME_S, Graph, LEAD};
use super::{Mode, answers};

/// How many songs of each set are sung.
const MOST: usize = 120;
/// How far after its last beat a take may have beats, in seconds.
const END_S: f64 = 0.2;

/// A way to find beats, as the tracker and as the network do it.
struct Row {
    name: &'static str,
    tracker: Sums,
    network: Sums,
    /// By take, how much better the network's F and CMLt are.
    gains: Vec<[f64; 2]>,
}

impl Row {
    fn new(name: &'static str) -> Self {
        Self { name, tracker: Sums::default(), network: Sums::default(), gains: Vec::new() }
    }

    fn add(&mut self, truth: &Performance, tracker: &Found, network: &Found) {
        self.tracker.add(truth, &tracker.beats_s, &tracker.downbeats_s);
        self.network.add(truth, &network.beats_s, &network.downbeats_s);
        let gain = |measure: fn(&[f64], &[f64]) -> f64| {
            measure(&truth.beats_s, &network.beats_s) - measure(&truth.beats_s, &tracker.beats_s)
        };
        self.gains.push([gain(f_measure), gain(cmlt)]);
    }

    /// Mean gain of a figure, and its standard error.
    fn gain(&self, figure: usize) -> String {
        let count = self.gains.len() as f64;
        let mean = self.gains.iter().map(|gain| gain[figure]).sum::<f64>() / count;
        let variance =
            self.gains.iter().map(|gain| (gain[figure] - mean).powi(2)).sum::<f64>() / (count - 1.0);
        format!("{mean:+.3} ± {:.3}", (variance / count).sqrt())
    }
}

/// Prints figures by set and method.
pub fn run(sets: &[Set], trained: &[(Mode, Graph)], split: Split) -> anyhow::Result<()> {
    println!("{}", Sums::titles());
    for set in sets {
        let [mut offline, mut causal, mut ahead] = ["offline", "causal", "ahead"].map(Row::new);
        let tunes = set.tunes.iter().filter(|(of, _)| *of == split).take(MOST);
        for (index, (_, tune)) in tunes.enumerate() {
            let Some(truth) = sing(tune, &mut Seed(1).named(set.name, index as u64)) else { continue };
            let end_s = truth.beats_s.last().copied().unwrap_or(0.0);
            let (tracked, path) = follow(&beat_onsets(&truth.notes), end_s);
            for (mode, graph) in trained {
                let heard = answers(graph, *mode, &truth)?;
                match mode {
                    Mode::Offline => {
                        let tracked = path.as_ref().map(|path| beats_of(path, end_s)).unwrap_or_default();
                        offline.add(&truth, &tracked, &decode(&heard, end_s + END_S));
                    }
                    Mode::Causal => {
                        let found = listen(&heard, end_s);
                        causal.add(&truth, &tracked.causal, &found.causal);
                        ahead.add(&truth, &tracked.ahead, &found.ahead);
                    }
                }
            }
        }
        for row in [offline, causal, ahead].iter().filter(|row| !row.gains.is_empty()) {
            println!("{}", row.tracker.line(set.name, &format!("tracker {}", row.name)));
            println!("{}", row.network.line(set.name, &format!("network {}", row.name)));
            println!("{:12} gain {:13} F70 {}, CMLt {}", set.name, row.name, row.gain(0), row.gain(1));
        }
    }
    Ok(())
}

/// The best path through the answers, until a time.
fn decode(heard: &[[f64; 2]], until_s: f64) -> Found {
    let mut bars = Bars::new(OFFLINE, true);
    for [beat, bar] in heard {
        bars.hear(*beat, *bar);
    }
    let (mut beats_s, mut downbeats_s) = bars.path();
    beats_s.retain(|beat| *beat < until_s);
    downbeats_s.retain(|beat| *beat < until_s);
    Found { beats_s, downbeats_s }
}

/// What is stated from the answers while the take is heard.
fn listen(heard: &[[f64; 2]], end_s: f64) -> Run {
    let mut bars = Bars::new(CAUSAL, false);
    // The first answers tell of what was before the take.
    let mut step = LEAD.unsigned_abs() as usize * ANSWERS;
    let mut last = None;
    ask(end_s + 1.0, |now_s| {
        let known = ((now_s - KNOWN_S) / FRAME_S + 1e-6).floor().max(0.0) as usize * ANSWERS;
        while step < known.min(heard.len()) {
            let [beat, bar] = heard[step];
            bars.hear(beat, bar);
            last = bars.pulse();
            step += 1;
        }
        last
    })
}
