//! What a MIDI file says, in seconds.

use anyhow::Context as _;
use midly::{MetaMessage, MidiMessage, Smf, TrackEventKind};

/// What the MIDI file says, in seconds.
#[derive(Debug, Default)]
pub struct Played {
    /// Bar lines of its tempo map.
    pub bar_lines: Vec<f64>,
    /// Beats of its tempo map.
    pub beats: Vec<f64>,
    /// Names of chords where they begin.
    pub chords: Vec<(f64, String)>,
    /// Notes: when, on which channel counted from 0, and which.
    pub notes: Vec<(f64, u8, u8)>,
    /// What guitar, bass and strings let sound: from when to when, and which note.
    pub tones: Vec<(f64, f64, u8)>,
}

/// MIDI channels of guitar, bass and strings, counted from 0.
const PITCHED: [u8; 3] = [0, 1, 2];

impl Played {
    /// Notes of a channel.
    pub fn channel(&self, channel: u8) -> impl Iterator<Item = (f64, u8)> + '_ {
        self.notes.iter().filter(move |note| note.1 == channel).map(|note| (note.0, note.2))
    }

    /// Reads a file; its beats up to a time.
    pub fn read(bytes: &[u8], until_s: f64) -> anyhow::Result<Self> {
        let smf = Smf::parse(bytes)?;
        let midly::Timing::Metrical(division) = smf.header.timing else {
            anyhow::bail!("the MIDI file counts no ticks")
        };
        let division = f64::from(division.as_int());
        // (tick, seconds at it, seconds a tick) of every tempo.
        let mut tempos: Vec<(u64, f64, f64)> = vec![(0, 0.0, 0.5 / division)];
        let (mut count, mut unit) = (4u64, 4u64);
        let mut names = Vec::new();
        let mut tick = 0;
        for event in smf.tracks.first().context("the MIDI file holds no track")? {
            tick += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(MetaMessage::Tempo(us)) => {
                    let (from, at, per_tick) = tempos[tempos.len() - 1];
                    tempos.push((
                        tick,
                        at + (tick - from) as f64 * per_tick,
                        f64::from(us.as_int()) * 1e-6 / division,
                    ));
                }
                TrackEventKind::Meta(MetaMessage::TimeSignature(n, d, _, _)) => {
                    (count, unit) = (u64::from(n), 1 << d)
                }
                TrackEventKind::Meta(MetaMessage::Text(text)) => {
                    names.push((tick, String::from_utf8_lossy(text).into_owned()))
                }
                _ => {}
            }
        }
        let seconds = |tick: u64| {
            let after = tempos.partition_point(|(from, _, _)| *from <= tick).max(1);
            let (from, at, per_tick) = tempos[after - 1];
            at + (tick - from) as f64 * per_tick
        };
        let mut played =
            Self { chords: names.into_iter().map(|(t, n)| (seconds(t), n)).collect(), ..Self::default() };
        // The beat of a compound metre holds three of its units.
        let (per_beat, per_bar) = if unit == 8 && count % 3 == 0 { (3, count / 3) } else { (1, count) };
        let beat = division as u64 * 4 * per_beat / unit;
        for index in 0.. {
            let at = seconds(index * beat);
            if at > until_s {
                break;
            }
            played.beats.push(at);
            if index % per_bar == 0 {
                played.bar_lines.push(at);
            }
        }
        for track in &smf.tracks {
            let mut tick = 0;
            let mut open: Vec<(u8, u8, f64)> = Vec::new();
            for event in track {
                tick += u64::from(event.delta.as_int());
                let TrackEventKind::Midi { channel, message } = event.kind else { continue };
                let (channel, at) = (channel.as_int(), seconds(tick));
                let (key, begins) = match message {
                    MidiMessage::NoteOn { key, vel } => (key.as_int(), vel.as_int() > 0),
                    MidiMessage::NoteOff { key, .. } => (key.as_int(), false),
                    _ => continue,
                };
                if begins {
                    played.notes.push((at, channel, key));
                    open.push((channel, key, at));
                } else if let Some(index) = open.iter().position(|note| (note.0, note.1) == (channel, key)) {
                    let (_, _, from) = open.remove(index);
                    played.tones.extend(PITCHED.contains(&channel).then_some((from, at, key)));
                }
            }
        }
        played.notes.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(played)
    }
}

/// Harmonic mean of precision and recall, each time matched at most once.
pub fn f_measure(truth: &[f64], found: &[f64], tolerance_s: f64) -> f64 {
    let mut free: Vec<f64> = found.to_vec();
    let mut hits = 0.0;
    for time in truth {
        let nearest =
            (0..free.len()).min_by(|a, b| (free[*a] - time).abs().total_cmp(&(free[*b] - time).abs()));
        if let Some(index) = nearest.filter(|i| (free[*i] - time).abs() < tolerance_s) {
            free.remove(index);
            hits += 1.0;
        }
    }
    if hits == 0.0 { 0.0 } else { 2.0 * hits / (truth.len() + found.len()) as f64 }
}
