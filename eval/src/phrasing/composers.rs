//! What composers did: how busy the accompaniment of art songs is under the voice and in its rests.

use std::path::Path;

use anyhow::Context as _;
use collavoce::time::{TickCount, Ticks};
use collavoce_data::corpus::sets::SETS;
use collavoce_data::corpus::{Role, Song};

use super::measure::{BREATH_BEATS, JOINED_BEATS, spearman};

/// Rests from so many beats on are interludes.
const INTERLUDE_BEATS: f64 = 8.0;
/// Places that are told apart: voice, breath, first beat of a rest, later in it, interlude.
const PLACES: [&str; 5] = ["voice", "breath", "first beat of a rest", "rest later", "interlude"];

/// Prints how often the accompaniment strikes, in strokes a beat, as means over songs of their shares.
pub fn run(scores: &Path) -> anyhow::Result<()> {
    let set = SETS.iter().find(|set| set.name == "lieder").context("there is no set of art songs")?;
    let found = set.read(scores, &mut |_| {})?;
    let (mut sums, mut counts, mut with_pitch) = ([0.0; 5], [0.0; 5], Vec::new());
    for song in found.entries.iter().filter_map(|entry| Accompanied::of(&entry.song)) {
        let rates = song.rates();
        let Some(usual) = rates[0].filter(|rate| *rate > 0.0) else { continue };
        for (place, rate) in rates.iter().enumerate() {
            if let Some(rate) = rate {
                sums[place] += rate / usual;
                counts[place] += 1.0;
            }
        }
        with_pitch.extend(song.density_with_pitch());
    }
    println!(
        "art songs: strokes of the accompaniment against those under the voice, mean of songs (how many)"
    );
    for ((place, sum), count) in PLACES.iter().zip(sums).zip(counts) {
        println!("  {place:22} {:.2} ({count})", sum / f64::max(count, 1.0));
    }
    let mean = with_pitch.iter().sum::<f64>() / with_pitch.len().max(1) as f64;
    println!("  rank correlation, beat by beat, of strokes with the pitch of the voice {mean:.2}");
    Ok(())
}

/// A voice and what accompanies it.
struct Accompanied {
    beat: TickCount,
    /// Notes of the voice: from, to, pitch.
    sung: Vec<(Ticks, Ticks, u8)>,
    /// Strokes of the accompaniment, in order.
    strokes: Vec<Ticks>,
}

impl Accompanied {
    fn of(song: &Song) -> Option<Self> {
        let bar = song.bars.iter().max_by_key(|run| run.count)?;
        let unit = 3840 / i64::from(bar.unit);
        let is_compound = bar.unit == 8 && bar.beats > 3 && bar.beats % 3 == 0;
        let of =
            |role: Role| song.parts.iter().filter(move |part| part.role == role).flat_map(|part| &part.notes);
        let sung = of(Role::Melody).map(|note| (note.start, note.start + note.length, note.pitch)).collect();
        let mut strokes: Vec<Ticks> = of(Role::Pitched).map(|note| note.start).collect();
        strokes.sort_unstable();
        strokes.dedup();
        let beat = TickCount(if is_compound { 3 * unit } else { unit });
        let song = Self { beat, sung, strokes };
        (song.sung.len() > 16 && song.strokes.len() > 16).then_some(song)
    }

    fn beats(&self, ticks: TickCount) -> f64 {
        ticks.0 as f64 / self.beat.0 as f64
    }

    fn strokes_in(&self, from: Ticks, to: Ticks) -> f64 {
        let before = |at: Ticks| self.strokes.partition_point(|stroke| *stroke < at);
        before(to).saturating_sub(before(from)) as f64
    }

    /// Strokes a beat in every place; none where the song has no such place.
    fn rates(&self) -> [Option<f64>; 5] {
        let mut sums = [(0.0, 0.0); 5];
        let mut add = |place: usize, from: Ticks, to: Ticks| {
            sums[place].0 += self.strokes_in(from, to);
            sums[place].1 += self.beats(to - from);
        };
        for pair in self.sung.windows(2) {
            let (from, end, next) = (pair[0].0, pair[0].1, pair[1].0);
            let gap = self.beats(next - end);
            let voice_end = if gap < JOINED_BEATS { next } else { end };
            add(0, from, voice_end.max(from));
            if gap < JOINED_BEATS {
                continue;
            }
            if gap < BREATH_BEATS {
                add(1, end, next);
            } else if gap < INTERLUDE_BEATS {
                add(2, end, end + self.beat);
                add(3, end + self.beat, next);
            } else {
                add(4, end, next);
            }
        }
        sums.map(|(strokes, beats)| (beats >= 1.0).then(|| strokes / beats))
    }

    fn density_with_pitch(&self) -> Option<f64> {
        let (first, last) = (self.sung.first()?.0, self.sung.last()?.1);
        let (mut pitches, mut strokes) = (Vec::new(), Vec::new());
        let mut at = Ticks(0) + self.beat * ((first - Ticks(0)) / self.beat);
        while at < last {
            let to = at + self.beat;
            if let Some(note) = self.sung.iter().find(|note| note.0 <= at && note.1 >= to) {
                pitches.push(f64::from(note.2));
                strokes.push(self.strokes_in(at, to));
            }
            at = to;
        }
        spearman(&pitches, &strokes)
    }
}
