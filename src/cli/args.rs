//! What can be said on the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use collavoce::audio::StemFormat;
use collavoce::bounce::sounds::SoundWish;
use collavoce::limits;
use collavoce::listen::PitchMethod;
use collavoce::score::{Key, Part};
use collavoce::separate::Way;
use collavoce::song::{
    Anchor, Arranger, Chart, Feel, FixedBar, Harmonist, Idiom, Isolate, KnownSong, Lead, LiveTiming, Mode,
    Repairs, Seed, Settings, Song, Style, TakeChoice, ToneName, Tune, WhenStopped,
};
use collavoce::time::{Bpm, Hz, Meter};

/// A band that follows the singer: a vocal goes in, guitar, bass, drums and strings come out.
#[derive(Debug, Parser)]
#[command(name = "collavoce", version, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sing a short verse and accompany it: hear at once what this program does. Needs no file.
    Demo(Demo),
    /// Write a band to a vocal: stems, mix, MIDI, lead sheet, song file and reports.
    Accompany(Accompany),
    /// Print what is heard in a vocal: pitch, notes, beats, key, phrases and chords; or in a mix: beats, key and chords.
    Analyze(Analyze),
    /// Take a mix apart: the voice, roughly, and all the rest, as files that add up to the mix.
    Separate(Separate),
}

/// Options that say how the song goes.
#[derive(Debug, Args, Clone)]
pub struct Musical {
    /// studio: the whole take is known. live: every note is decided from what was sung before it.
    #[arg(long, default_value = "studio", value_parser = parse::<Mode>)]
    pub mode: Mode,
    /// Beats a minute. With --lead voice the beat level and starting tempo, with --lead grid exact.
    #[arg(long, value_parser = bpm)]
    pub bpm: Option<f64>,
    /// The key, such as D, "F# minor" or Bbm.
    #[arg(long, value_parser = parse::<Key>)]
    pub key: Option<Key>,
    /// The metre: 4/4, 3/4, 2/4, 2/2, 6/8, 12/8 or 5/4.
    #[arg(long, value_parser = parse::<Meter>)]
    pub meter: Option<Meter>,
    /// straight, swing, half or double.
    #[arg(long, default_value = "straight", value_parser = parse::<Feel>)]
    pub feel: Feel,
    /// voice: the band follows the singer's time. grid: the tempo is constant, its beats are found. host: bars are
    /// counted from the beginning of the file, or from --bar-one, at --bpm, as where a click was recorded to.
    #[arg(long, default_value = "voice", value_parser = parse::<Lead>)]
    pub lead: Lead,
    /// Parts that play, with commas between [default: guitar,drums,strings,bass; beside a recording of more than a voice
    /// those that it lacks].
    #[arg(long, value_delimiter = ',', value_parser = parse::<Part>)]
    pub parts: Option<Vec<Part>>,
    /// Another seed, other notes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Another take: N for the whole band, PART=N for a part, PART:BAR=N for one bar of it. May be repeated.
    #[arg(long, value_parser = parse::<TakeChoice>)]
    pub take: Vec<TakeChoice>,
    /// How full the band plays, 0 to 1; without it the band follows the singer.
    #[arg(long, value_parser = within::<0, 1>)]
    pub energy: Option<f64>,
    /// folk, pop, ballad or jazz.
    #[arg(long, default_value = "pop", value_parser = parse::<Style>)]
    pub style: Style,
    /// How the built-in band is equipped, and where everybody stands: auto (as the style asks), acoustic-ballad, indie, folk,
    /// soul, rock, orchestral, jazz or lo-fi.
    #[arg(long, default_value = "auto", value_parser = parse::<ToneName>)]
    pub tone: ToneName,
    /// Who finds the chords: model (a network trained on openly licensed songs) or rules.
    #[arg(long, default_value = "model", value_parser = parse::<Harmonist>)]
    pub composer: Harmonist,
    /// Who writes the parts: model (a network trained on drummers, quartets and accompaniments) or rules.
    #[arg(long, default_value = "model", value_parser = parse::<Arranger>)]
    pub arranger: Arranger,
    /// Whose chords the network finds: style (folk tunes, or in jazz lead sheets), folk, tin-pan-alley, art-song or
    /// chorale.
    #[arg(long, default_value = "style", value_parser = parse::<Idiom>)]
    pub harmony: Idiom,
    /// Another take of the chords: other ones that would do.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::MAX_TAKE)))]
    pub chord_take: u32,
    /// The chords of a bar, such as 7=Am or "8=F . G7 ."; the others are found around them. May be repeated.
    #[arg(long, value_name = "BAR=CHORDS", value_parser = parse::<FixedBar>)]
    pub chord: Vec<FixedBar>,
    /// A chord chart (plain text, see docs/chord-chart.md): its chords are played as they stand.
    #[arg(long, value_name = "FILE")]
    pub chords: Option<PathBuf>,
    /// Bars of introduction before the voice.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(limits::MAX_INTRO_BARS)))]
    pub intro: u32,
    /// Bars after the last sung bar.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(limits::MAX_INTRO_BARS)))]
    pub outro: u32,
    /// What the band tunes to: singer, 440, or cents above A4 = 440 Hz.
    #[arg(long, default_value = "singer", value_parser = parse::<Tune>, allow_hyphen_values = true)]
    pub tune: Tune,
    /// How far the band goes with the singer's time, in percent: 0 is an even beat, 100 is colla voce.
    #[arg(long, default_value_t = 100.0, value_parser = within::<0, 100>)]
    pub rubato: f64,
    /// How densely a part plays: PART=PERCENT, 50 is as the song asks. May be repeated.
    #[arg(long, value_parser = density, value_name = "PART=PERCENT")]
    pub density: Vec<(Part, f64)>,
    /// What the live band does when the singer stops: play-on, vamp or wait.
    #[arg(long, default_value = "play-on", value_parser = parse::<WhenStopped>)]
    pub when_stopped: WhenStopped,
    /// How soon the live band believes what it hears, in percent: a shy one vamps until it is sure.
    #[arg(long, default_value_t = 50.0, value_parser = within::<0, 100>)]
    pub daring: f64,
    /// Live: milliseconds from the last sample heard to the first note that it may change.
    #[arg(long, value_parser = within::<10, 400>, value_name = "MS")]
    pub deadline: Option<f64>,
    /// Live: milliseconds of delay that give the band time to decide.
    #[arg(long, default_value_t = 0.0, value_parser = within::<0, 500>, value_name = "MS")]
    pub lookahead: f64,
    /// Live: round trip of the singer's monitoring in milliseconds; the band plays so much earlier than it hears.
    #[arg(long, default_value_t = 0.0, value_parser = within::<0, 100>, value_name = "MS")]
    pub round_trip: f64,
    /// Repair: 1 doubles the beat that is found, -1 halves it.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i8).range(-1..=1), allow_hyphen_values = true)]
    pub beat_level: i8,
    /// Repair: moves the bar lines that are found by some beats.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i8).range(-6..=6), allow_hyphen_values = true)]
    pub bar_shift: i8,
    /// Where bar 1 begins, in seconds: with --bpm, a live band needs to hear nothing before it enters.
    #[arg(long, value_name = "SECONDS", value_parser = within::<0, { limits::MAX_INPUT_S as i64 }>, conflicts_with = "count_in")]
    pub bar_one: Option<f64>,
    /// Live: the band counts in so many bars from the beginning of the recording, at --bpm.
    #[arg(long, default_value_t = 0, value_name = "BARS", value_parser = clap::value_parser!(u32).range(0..=i64::from(limits::MAX_COUNT_IN_BARS)))]
    pub count_in: u32,
    /// What the singer says with a key or a button: WHAT@SECONDS, where WHAT is bar-one, tap, end, verse, chorus, break or
    /// as-sung. May be repeated.
    #[arg(long, value_name = "WHAT@SECONDS", value_parser = parse::<Anchor>)]
    pub anchor: Vec<Anchor>,
    /// Live: the song file (`song.json`) of an earlier take of the same song: the band follows its melody and plays its
    /// chords, in its key, metre and tempo where you state no others.
    #[arg(long, value_name = "FILE")]
    pub song: Option<PathBuf>,
    /// The pitch tracker: `nsdf`; `net`, a network that hears more in noise and rooms and looks half as far ahead; the
    /// others are for comparison.
    #[arg(long, default_value = "nsdf", value_parser = parse::<PitchMethod>)]
    pub pitch: PitchMethod,
}

impl Musical {
    /// The settings, with the chart read.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let chart = match &self.chords {
            None => None,
            Some(path) => Some(read_chart(path)?),
        };
        let stated = |what: &str, option: bool, chart: bool| {
            anyhow::ensure!(
                !(option && chart),
                "--{what} and the chord chart both state the {what}; leave one away"
            );
            Ok(())
        };
        let of_chart = chart.as_ref();
        stated("key", self.key.is_some(), of_chart.is_some_and(|c| c.key.is_some()))?;
        stated("meter", self.meter.is_some(), of_chart.is_some_and(|c| c.meter.is_some()))?;
        stated("bpm", self.bpm.is_some(), of_chart.is_some_and(|c| c.tempo.is_some()))?;
        if let Some(meter) = self.meter.filter(|m| m.is_compound()) {
            anyhow::ensure!(
                self.feel != Feel::Swing,
                "--feel swing divides a beat in two, but {meter} divides it in three; straight, half and double work"
            );
        }
        let mut parts = self.parts.clone().unwrap_or_else(|| Part::ALL.to_vec());
        anyhow::ensure!(!parts.is_empty(), "--parts names no part");
        parts.sort_unstable();
        parts.dedup();
        if let Some(choice) = self.take.iter().find(|t| t.part.is_some_and(|p| !parts.contains(&p))) {
            anyhow::bail!("--take {choice}: that part does not play; --parts leaves it out");
        }
        if self.mode == Mode::Live {
            anyhow::ensure!(
                self.intro == 0 && self.outro == 0,
                "--intro and --outro need the whole take; they work with --mode studio"
            );
        }
        anyhow::ensure!(
            self.lead != Lead::Host || self.bpm.is_some() || of_chart.is_some_and(|c| c.tempo.is_some()),
            "--lead host counts bars at a tempo that is known: state it with --bpm"
        );
        anyhow::ensure!(
            self.count_in == 0 || (self.mode == Mode::Live && self.lead != Lead::Host),
            "--count-in is for a live band that leads in by itself: --mode live, and --lead voice or grid"
        );
        anyhow::ensure!(
            self.count_in == 0 || self.bpm.is_some() || of_chart.is_some_and(|c| c.tempo.is_some()),
            "--count-in counts at a tempo that is known: state it with --bpm"
        );
        anyhow::ensure!(
            self.anchor.len() <= limits::MAX_ANCHORS,
            "--anchor is given {} times; at most {} are taken",
            self.anchor.len(),
            limits::MAX_ANCHORS
        );
        let mut anchors = self.anchor.clone();
        anchors.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        let settings = Settings {
            mode: self.mode,
            bpm: self.bpm.map(Bpm).or(of_chart.and_then(|c| c.tempo)),
            key: self.key.or(of_chart.and_then(|c| c.key)),
            meter: self.meter.or(of_chart.and_then(|c| c.meter)),
            feel: self.feel,
            lead: self.lead,
            parts,
            seed: Seed(self.seed),
            takes: self.take.clone(),
            energy: self.energy,
            style: self.style,
            tone: self.tone,
            harmonist: self.composer,
            arranger: self.arranger,
            idiom: self.harmony,
            chord_take: self.chord_take,
            chart,
            fixed: self.chord.clone(),
            intro_bars: self.intro,
            outro_bars: self.outro,
            tune: self.tune,
            rubato: self.rubato / 100.0,
            density: self.density.clone(),
            when_stopped: self.when_stopped,
            daring: self.daring / 100.0,
            timing: LiveTiming {
                deadline_s: self.deadline.map_or(LiveTiming::MIN_DEADLINE_S, |ms| ms / 1000.0),
                lookahead_s: self.lookahead / 1000.0,
                round_trip_s: self.round_trip / 1000.0,
            },
            bar_one_s: self.bar_one,
            count_in_bars: self.count_in,
            known: None,
            anchors,
            hears_band: false,
            isolate: Isolate::Off,
            fills_in: self.parts.is_none(),
            beside: Vec::new(),
            repairs: Repairs { beat_level: self.beat_level, bar_shift: self.bar_shift, key_choice: 0 },
        };
        match &self.song {
            None => Ok(settings),
            Some(path) => {
                anyhow::ensure!(self.mode == Mode::Live, "--song is what a live band knows: --mode live");
                knowing(settings, path)
            }
        }
    }
}

/// The settings of a band that knows a song.
fn knowing(settings: Settings, path: &std::path::Path) -> anyhow::Result<Settings> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?.len();
    anyhow::ensure!(
        size <= limits::MAX_SONG_BYTES,
        "{shown} has {size} bytes; at most {} are read as a song",
        limits::MAX_SONG_BYTES
    );
    let bytes = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
    let song = Song::from_bytes(&bytes).with_context(|| format!("{shown} is no song file"))?;
    let known = KnownSong::of(&song.score).with_context(|| format!("{shown} cannot be followed"))?;
    anyhow::ensure!(
        settings.meter.is_none_or(|meter| meter == known.meter()),
        "--meter {} is stated, but {shown} is in {}",
        settings.given_meter(),
        known.meter()
    );
    Ok(song.known_to(settings, known))
}

fn read_chart(path: &std::path::Path) -> anyhow::Result<Chart> {
    let size = std::fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?.len();
    anyhow::ensure!(
        size <= limits::MAX_CHART_BYTES,
        "{} has {size} bytes; at most {} are read as a chord chart",
        path.display(),
        limits::MAX_CHART_BYTES
    );
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read as text (UTF-8)", path.display()))?;
    Chart::parse(&text).with_context(|| format!("{} is no chord chart", path.display()))
}

/// Options of `accompany`.
#[derive(Debug, Args)]
pub struct Accompany {
    /// The vocal, or a rough demo of voice and backing (see --isolate): WAV, FLAC, MP3, OGG/Vorbis, AAC, ALAC or AIFF, mono
    /// or stereo.
    #[arg(required_unless_present = "voice")]
    pub vocal: Option<PathBuf>,
    /// Whether the voice is taken out of what it is sung with: off (the file is the voice), auto (where a mix is heard) or on.
    /// The mix then says chords, key and beat, parts that it has already are left out, and voice and backing are written as
    /// well.
    #[arg(long, value_enum, default_value_t = IsolateChoice::Auto)]
    pub isolate: IsolateChoice,
    /// The voice by itself, from a separator or a project, in place of VOCAL; with --backing.
    #[arg(long, value_name = "FILE", requires = "backing", conflicts_with = "vocal")]
    pub voice: Option<PathBuf>,
    /// What --voice is sung with, from the same beginning: it says chords, key and beat.
    #[arg(long, value_name = "FILE", requires = "voice")]
    pub backing: Option<PathBuf>,
    /// What the singer sings to, from the same beginning: a click, drums, a guitar. Its strokes lead the beat beside the
    /// voice; it is not played.
    #[arg(long, value_name = "FILE")]
    pub sidechain: Option<PathBuf>,
    /// The folder to write.
    #[arg(short, long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// How the song goes.
    #[command(flatten)]
    pub musical: Musical,
    /// How it is written.
    #[command(flatten)]
    pub writing: Writing,
}

/// Options that say how audio is written and what is printed.
#[derive(Debug, Args)]
pub struct Writing {
    /// Audio format.
    #[arg(long, value_enum, default_value_t = Format::Wav)]
    pub format: Format,
    /// Sample rate in Hz, 44100 to 192000; without it the vocal's own if that is high enough, else 48000.
    #[arg(long, value_parser = clap::value_parser!(u32).range(i64::from(limits::MIN_OUTPUT_HZ)..=i64::from(limits::MAX_INPUT_HZ)))]
    pub rate: Option<u32>,
    /// Seconds after the last bar, for the sound to die away.
    #[arg(long, default_value_t = 3.0, value_parser = within::<0, { limits::MAX_TAIL_S as i64 }>)]
    pub tail: f64,
    /// How much room the band makes for the voice in the mix, in percent: a dip where both have their energy while
    /// somebody sings, and a slow ride of the level; 0 leaves the band as its stems are.
    #[arg(long, default_value_t = 50.0, value_parser = within::<0, 100>)]
    pub seat: f64,
    /// Loudness of the mix in LUFS (-40 to -8), such as -23, or off.
    #[arg(long, default_value = "-14", value_parser = loudness, allow_hyphen_values = true)]
    pub loudness: Loudness,
    /// What the parts sound like: built-in; found (the SoundFont that is installed, such as Debian's fluid-soundfont-gm);
    /// a file (SF2 or SF3); or PART= and one of these, such as guitar=steel.sf2. May be repeated.
    #[arg(long, value_name = "built-in|found|FILE", default_value = "built-in", value_parser = parse::<SoundWish>)]
    pub sounds: Vec<SoundWish>,
    /// Samples that the engine renders at once, 1 to 8192; changes nothing in the output.
    #[arg(long, default_value_t = collavoce::engine::RENDER_BLOCK as u32, hide = true,
        value_parser = clap::value_parser!(u32).range(1..=limits::MAX_BLOCK as i64))]
    pub block: u32,
    /// Print the report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors.
    #[arg(long)]
    pub quiet: bool,
    /// Add the time that each stage took to the report.
    #[arg(long)]
    pub timings: bool,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder to write.
    #[arg(short, long, value_name = "FOLDER", default_value = "demo")]
    pub out: PathBuf,
    /// Semitones up, -12 to 12.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i8).range(-12..=12), allow_hyphen_values = true)]
    pub transpose: i8,
    /// Factor on the singer's tempo, 0.5 to 1.5.
    #[arg(long, default_value_t = 1.0, value_parser = tempo_scale)]
    pub tempo_scale: f64,
    /// Let the singer's tempo sway within phrases.
    #[arg(long)]
    pub sway: bool,
    /// How the song goes.
    #[command(flatten)]
    pub musical: Musical,
    /// How it is written.
    #[command(flatten)]
    pub writing: Writing,
}

/// Options of `analyze`.
#[derive(Debug, Args)]
pub struct Analyze {
    /// The recording.
    pub vocal: PathBuf,
    /// What the recording holds. voice: one singer. mix: a band, with or without a voice; beats, bars, key and chords are
    /// heard from all of it, and of the options below only --mode, --bpm, --meter and --key count.
    #[arg(long, value_enum, default_value_t = Source::Voice)]
    pub source: Source,
    /// Print JSON in the schema collavoce.analysis/1 (docs/analysis.schema.json) instead of a summary.
    #[arg(long)]
    pub json: bool,
    /// How the song goes.
    #[command(flatten)]
    pub musical: Musical,
}

/// Options of `separate`.
#[derive(Debug, Args)]
pub struct Separate {
    /// The recording: WAV, FLAC, MP3, OGG/Vorbis, AAC, ALAC or AIFF, mono or stereo.
    pub input: PathBuf,
    /// The folder to write.
    #[arg(short, long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// How the voice is found. auto: as what is heard asks, or by --backing. off: all of it is the voice. reference: --backing
    /// is taken out. network: a trained network takes out what is no voice. centre: what stands in the middle of a stereo
    /// mix. percussive: what neither stands still nor strikes.
    #[arg(long, default_value = "auto", value_name = "auto|off|reference|network|centre|percussive", value_parser = way)]
    pub way: WayChoice,
    /// The backing by itself, as a file: it is taken out, whatever level, delay (up to a second), equaliser or room it has
    /// in the recording.
    #[arg(long, value_name = "FILE")]
    pub backing: Option<PathBuf>,
    /// Look ahead no further than live playing could.
    #[arg(long)]
    pub live: bool,
    /// Audio format.
    #[arg(long, value_enum, default_value_t = Format::Wav)]
    pub format: Format,
    /// Print the report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors.
    #[arg(long)]
    pub quiet: bool,
}

/// Whether a voice is taken out of a mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IsolateChoice {
    /// Where a mix is heard.
    Auto,
    /// Never.
    Off,
    /// Always.
    On,
}

impl From<IsolateChoice> for Isolate {
    fn from(choice: IsolateChoice) -> Self {
        match choice {
            IsolateChoice::Auto => Self::Auto,
            IsolateChoice::Off => Self::Off,
            IsolateChoice::On => Self::On,
        }
    }
}

/// A way to find a voice; none lets what is heard decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayChoice(pub Option<Way>);

/// What a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// One singer.
    Voice,
    /// A band, with or without a voice.
    Mix,
}

/// Audio format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// 24-bit WAV.
    Wav,
    /// 24-bit FLAC.
    Flac,
}

impl From<Format> for StemFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Wav => Self::Wav,
            Format::Flac => Self::Flac,
        }
    }
}

/// Loudness of the mix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness(pub Option<f64>);

impl Writing {
    /// The sample rate asked for.
    pub fn rate(&self) -> Option<Hz> {
        self.rate.map(Hz)
    }
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, T::Err> {
    text.parse()
}

fn number(text: &str, low: f64, high: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => Err(format!("must be a number between {low} and {high}, but was {text:?}")),
    }
}

fn within<const LOW: i64, const HIGH: i64>(text: &str) -> Result<f64, String> {
    number(text, LOW as f64, HIGH as f64)
}

fn tempo_scale(text: &str) -> Result<f64, String> {
    number(text, 0.5, 1.5)
}

fn density(text: &str) -> Result<(Part, f64), String> {
    let (part, percent) = text.split_once('=').ok_or("write PART=PERCENT, such as drums=80")?;
    Ok((part.parse().map_err(|e| format!("{e}"))?, number(percent, 0.0, 100.0)? / 100.0))
}

fn bpm(text: &str) -> Result<f64, String> {
    number(text, limits::MIN_BPM, limits::MAX_BPM)
}

fn way(text: &str) -> Result<WayChoice, String> {
    match text {
        "auto" => Ok(WayChoice(None)),
        _ => text.parse().map(|way| WayChoice(Some(way))).map_err(|error| format!("{error}, or auto")),
    }
}

fn loudness(text: &str) -> Result<Loudness, String> {
    match text {
        "off" => Ok(Loudness(None)),
        _ => Ok(Loudness(Some(number(text, -40.0, -8.0).map_err(|e| format!("{e}, or off"))?))),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_option_is_declared_twice() {
        Arguments::command().debug_assert();
    }
}
