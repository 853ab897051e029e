//! The parameters. Their ids are frozen: a test compares them with a fixture.

use std::sync::Arc;

use nice_plug::prelude::*;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::bundled::BUNDLED;
use crate::editor::place::Place;
use crate::saved::SavedText;

/// Longest round trip in ms.
const MOST_ROUND_TRIP_MS: f32 = (1000.0 * collavoce::limits::MAX_ROUND_TRIP_S) as f32;

/// How much of the take is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ModeChoice {
    /// The band plays along with what it hears.
    #[id = "live"]
    Live,
    /// A captured or loaded song plays, locked to the host's timeline.
    #[id = "studio"]
    Studio,
}

/// Whose time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LeadChoice {
    /// The singer's.
    #[id = "voice"]
    Voice,
    /// The host's tempo and bars.
    #[id = "host"]
    Host,
}

/// Who finds the chords, or writes the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ComposerChoice {
    /// A trained network.
    #[id = "model"]
    Model,
    /// Rules of the trade.
    #[id = "rules"]
    Rules,
}

/// Harmony and patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StyleChoice {
    /// Triads, open strums.
    #[id = "folk"]
    Folk,
    /// Eighth strums, back-beat.
    #[id = "pop"]
    Pop,
    /// Slow arpeggios, long strings.
    #[id = "ballad"]
    Ballad,
    /// Seventh chords, walking bass.
    #[id = "jazz"]
    Jazz,
}

/// Whose chords the network finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum HarmonyChoice {
    /// Those of the style.
    #[id = "style"]
    #[name = "as the style"]
    Style,
    /// Folk tunes.
    #[id = "folk"]
    #[name = "folk"]
    Folk,
    /// Songs of Tin Pan Alley.
    #[id = "tin_pan_alley"]
    #[name = "tin pan alley"]
    TinPanAlley,
    /// Art songs.
    #[id = "art_song"]
    #[name = "art song"]
    ArtSong,
    /// Chorales.
    #[id = "chorale"]
    #[name = "chorale"]
    Chorale,
}

/// How the beat is divided and where the back-beat falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum FeelChoice {
    /// Even eighths.
    #[id = "straight"]
    Straight,
    /// Eighths two to one.
    #[id = "swing"]
    Swing,
    /// Back-beat once a bar.
    #[id = "half"]
    Half,
    /// Back-beat on every off-beat.
    #[id = "double"]
    Double,
}

/// The metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MeterChoice {
    /// The host's if the host leads, else found.
    #[id = "auto"]
    #[name = "auto"]
    Auto,
    /// 4/4.
    #[id = "4_4"]
    #[name = "4/4"]
    FourFour,
    /// 3/4.
    #[id = "3_4"]
    #[name = "3/4"]
    ThreeFour,
    /// 2/4.
    #[id = "2_4"]
    #[name = "2/4"]
    TwoFour,
    /// 2/2.
    #[id = "2_2"]
    #[name = "2/2"]
    TwoTwo,
    /// 6/8.
    #[id = "6_8"]
    #[name = "6/8"]
    SixEight,
    /// 12/8.
    #[id = "12_8"]
    #[name = "12/8"]
    TwelveEight,
    /// 5/4.
    #[id = "5_4"]
    #[name = "5/4"]
    FiveFour,
}

/// What the band tunes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum TuneChoice {
    /// The singer, slow drift included.
    #[id = "singer"]
    #[name = "singer"]
    Singer,
    /// A4 = 440 Hz and the cents of the parameter *Cents*.
    #[id = "fixed"]
    #[name = "fixed"]
    Fixed,
}

/// What the band does when the singer stops for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StopChoice {
    /// It plays on.
    #[id = "play_on"]
    #[name = "play on"]
    PlayOn,
    /// It plays less: no drums' fills, held chords.
    #[id = "vamp"]
    #[name = "vamp"]
    Vamp,
    /// It waits for the singer.
    #[id = "wait"]
    #[name = "wait"]
    Wait,
}

/// Whether the voice is taken out of what it is sung with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum IsolateChoice {
    /// Never.
    #[id = "off"]
    #[name = "off"]
    Off,
    /// Where a mix is heard.
    #[id = "auto"]
    #[name = "auto"]
    Auto,
    /// Always.
    #[id = "on"]
    #[name = "on"]
    On,
}

/// Delay of voice and band that buys the live band time to decide; taken up at activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LookaheadChoice {
    /// None.
    #[id = "0"]
    #[name = "0 ms"]
    None,
    /// 50 ms.
    #[id = "50"]
    #[name = "50 ms"]
    Ms50,
    /// 200 ms.
    #[id = "200"]
    #[name = "200 ms"]
    Ms200,
    /// 500 ms.
    #[id = "500"]
    #[name = "500 ms"]
    Ms500,
}

/// Whether the render may wait for the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RenderingChoice {
    /// As the host says.
    #[id = "auto"]
    #[name = "auto"]
    Auto,
    /// Always: for hosts that bounce without saying so.
    #[id = "on"]
    #[name = "on"]
    On,
}

/// How the built-in band is equipped; the live band takes it up at activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ToneChoice {
    /// As the style asks.
    #[id = "auto"]
    #[name = "as the style"]
    Auto,
    /// Softly picked flat top, deep kit, warm section.
    #[id = "acoustic_ballad"]
    #[name = "acoustic ballad"]
    AcousticBallad,
    /// A usual band with a strummed flat top.
    #[id = "indie"]
    Indie,
    /// Flat top close by, double bass, brushes.
    #[id = "folk"]
    Folk,
    /// Clean electric guitar, muted bass, tight kit.
    #[id = "soul"]
    Soul,
    /// Electric guitar struck hard, bass with a pick.
    #[id = "rock"]
    Rock,
    /// Classical guitar, double bass, a large section.
    #[id = "orchestral"]
    Orchestral,
    /// Hollow electric guitar, double bass, brushes.
    #[id = "jazz"]
    Jazz,
    /// Worn tape.
    #[id = "lo_fi"]
    #[name = "lo-fi"]
    LoFi,
}

/// What the band sounds like; taken up at activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SoundsChoice {
    /// The built-in instruments.
    #[id = "built_in"]
    #[name = "built-in"]
    BuiltIn,
    /// A SoundFont: the one that was loaded, else the one that was bundled, else the one that the system has.
    #[id = "sampled"]
    #[name = "sampled"]
    Sampled,
}

impl SoundsChoice {
    /// What a new instance has: sampled, where samples were bundled.
    fn usual() -> Self {
        if BUNDLED.is_some() { Self::Sampled } else { Self::BuiltIn }
    }
}

/// What the main output carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MainChoice {
    /// Voice and band.
    #[id = "mix"]
    #[name = "voice + band"]
    Mix,
    /// The band alone.
    #[id = "band"]
    #[name = "band"]
    Band,
}

/// Knobs of one part.
#[derive(Debug, Params)]
pub struct PartParams {
    /// Whether it plays.
    #[id = "on"]
    pub on: BoolParam,
    /// Its level.
    #[id = "level"]
    pub level: FloatParam,
    /// How densely it plays; the middle is as the song asks.
    #[id = "density"]
    pub density: FloatParam,
    /// Its take: another number, other notes.
    #[id = "take"]
    pub take: IntParam,
}

/// Where the song lies on the host's time line.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SongPlace {
    /// Where its recording begins, in seconds.
    pub origin_s: f64,
}

/// Every parameter of the plugin.
#[derive(Debug, Params)]
pub struct CollavoceParams {
    /// Size and zoom of the editor.
    #[persist = "editor"]
    pub editor: Arc<Mutex<Place>>,

    /// The song.
    #[persist = "song"]
    pub song: SavedText,
    /// The chord chart that was loaded, as it was written.
    #[persist = "chart"]
    pub chart: SavedText,
    /// Bars whose chords are fixed, one a line, as [`collavoce::song::FixedBar`] is written.
    #[persist = "fixed_chords"]
    pub fixed: SavedText,
    /// Where it lies.
    #[persist = "song_place"]
    pub song_place: Arc<Mutex<SongPlace>>,
    /// The file of the SoundFont that was loaded; empty takes the one that the system has.
    #[persist = "sound_file"]
    pub sound_file: SavedText,

    /// Live or studio.
    #[id = "mode"]
    pub mode: EnumParam<ModeChoice>,
    /// Whose time it is.
    #[id = "lead"]
    pub lead: EnumParam<LeadChoice>,
    /// How far the band goes with the singer's time: 0 is a rigid grid, 1 is colla voce.
    #[id = "rubato"]
    pub rubato: FloatParam,
    /// Style.
    #[id = "style"]
    pub style: EnumParam<StyleChoice>,
    /// Who finds the chords.
    #[id = "composer"]
    pub composer: EnumParam<ComposerChoice>,
    /// Who writes the parts.
    #[id = "players"]
    pub players: EnumParam<ComposerChoice>,
    /// Whose chords the network finds.
    #[id = "harmony"]
    pub harmony: EnumParam<HarmonyChoice>,
    /// The take of the chords: another number, other chords.
    #[id = "chord_take"]
    pub chord_take: IntParam,
    /// Feel.
    #[id = "feel"]
    pub feel: EnumParam<FeelChoice>,
    /// Whether the band's energy follows the singer.
    #[id = "energy_follow"]
    pub energy_follow: BoolParam,
    /// The band's energy where it does not follow.
    #[id = "energy"]
    pub energy: FloatParam,
    /// Look-ahead.
    #[id = "lookahead"]
    pub lookahead: EnumParam<LookaheadChoice>,
    /// Seed of everything that is chosen.
    #[id = "seed"]
    pub seed: IntParam,
    /// What to do when the singer stops.
    #[id = "when_i_stop"]
    pub when_i_stop: EnumParam<StopChoice>,
    /// Round trip of the singer's monitoring in ms: the band plays so much earlier.
    #[id = "round_trip"]
    pub round_trip: FloatParam,
    /// How soon the band believes what it hears.
    #[id = "daring"]
    pub daring: FloatParam,
    /// Bars that the band counts in at the set tempo, from when the transport starts.
    #[id = "count_in"]
    pub count_in: IntParam,
    /// When it is switched on, a bar begins: bar 1 before the band plays.
    #[id = "bar_one"]
    pub bar_one: BoolParam,
    /// When it is switched on, the band ends with the next bar.
    #[id = "end_here"]
    pub end_here: BoolParam,
    /// Whether the microphone hears the band.
    #[id = "speakers"]
    pub speakers: BoolParam,
    /// Whether the voice is taken out of what it is sung with before it is followed.
    #[id = "isolate"]
    pub isolate: EnumParam<IsolateChoice>,
    /// What the band tunes to.
    #[id = "tune"]
    pub tune: EnumParam<TuneChoice>,
    /// Cents above A4 = 440 Hz, where the tuning is fixed.
    #[id = "cents"]
    pub cents: FloatParam,
    /// The key: 0 is found, then the twelve major keys from C up, then the twelve minor ones.
    #[id = "key"]
    pub key: IntParam,
    /// The metre.
    #[id = "meter"]
    pub meter: EnumParam<MeterChoice>,
    /// Beat level and starting tempo; 0 is found.
    #[id = "bpm"]
    pub bpm: FloatParam,
    /// How the built-in band is equipped.
    #[id = "tone"]
    pub tone: EnumParam<ToneChoice>,
    /// What the band sounds like.
    #[id = "sounds"]
    pub sounds: EnumParam<SoundsChoice>,
    /// Main output.
    #[id = "main_out"]
    pub main_out: EnumParam<MainChoice>,
    /// Level of the voice in the main output.
    #[id = "voice_level"]
    pub voice_level: FloatParam,
    /// Rendering.
    #[id = "rendering"]
    pub rendering: EnumParam<RenderingChoice>,

    /// While on, the voice is captured.
    #[id = "capture"]
    pub capture: BoolParam,
    /// Moves the song on the host's timeline, in ms.
    #[id = "song_offset"]
    pub song_offset: FloatParam,

    /// Repair: the beat is twice (1) or half (-1) as fast as found.
    #[id = "beat_level"]
    pub beat_level: IntParam,
    /// Repair: the bar line lies so many beats later than found.
    #[id = "bar_shift"]
    pub bar_shift: IntParam,
    /// Repair: which of the likely keys is taken; 0 is the likeliest.
    #[id = "key_choice"]
    pub key_choice: IntParam,

    /// The guitar.
    #[nested(id_prefix = "guitar", group = "Guitar")]
    pub guitar: PartParams,
    /// The drums.
    #[nested(id_prefix = "drums", group = "Drums")]
    pub drums: PartParams,
    /// The strings.
    #[nested(id_prefix = "strings", group = "Strings")]
    pub strings: PartParams,
    /// The bass.
    #[nested(id_prefix = "bass", group = "Bass")]
    pub bass: PartParams,

    /// Passes the voice through, delayed by the reported latency.
    #[id = "bypass"]
    pub bypass: BoolParam,
}

/// Names of the keys as the parameter `key` counts them.
pub const KEY_NAMES: [&str; 25] = [
    "auto", "C major", "Db major", "D major", "Eb major", "E major", "F major", "Gb major", "G major",
    "Ab major", "A major", "Bb major", "B major", "C minor", "C# minor", "D minor", "Eb minor", "E minor",
    "F minor", "F# minor", "G minor", "G# minor", "A minor", "Bb minor", "B minor",
];

fn level(name: &str) -> FloatParam {
    let range = FloatRange::Linear { min: -36.0, max: 12.0 };
    FloatParam::new(name, 0.0, range).with_unit(" dB").with_step_size(0.1)
}

fn percent(name: &str, default: f32) -> FloatParam {
    FloatParam::new(name, default, FloatRange::Linear { min: 0.0, max: 1.0 })
        .with_unit(" %")
        .with_value_to_string(formatters::v2s_f32_percentage(0))
        .with_string_to_value(formatters::s2v_f32_percentage())
}

impl PartParams {
    fn new(name: &str) -> Self {
        Self {
            on: BoolParam::new(format!("{name} on"), true),
            level: level(&format!("{name} level")),
            density: percent(&format!("{name} density"), 0.5),
            take: IntParam::new(format!("{name} take"), 1, IntRange::Linear { min: 1, max: 999 }),
        }
    }
}

impl Default for CollavoceParams {
    fn default() -> Self {
        let key_of = |index: i32| KEY_NAMES[index.clamp(0, 24) as usize].to_owned();
        let index_of = |text: &str| {
            KEY_NAMES.iter().position(|n| n.eq_ignore_ascii_case(text.trim())).map(|index| index as i32)
        };
        Self {
            editor: Arc::new(Mutex::new(Place::default())),
            song: SavedText::default(),
            chart: SavedText::default(),
            fixed: SavedText::default(),
            sound_file: SavedText::default(),
            song_place: Arc::default(),
            mode: EnumParam::new("Mode", ModeChoice::Live),
            lead: EnumParam::new("Lead", LeadChoice::Voice),
            rubato: percent("Rubato", 1.0),
            style: EnumParam::new("Style", StyleChoice::Pop),
            composer: EnumParam::new("Composer", ComposerChoice::Model),
            players: EnumParam::new("Players", ComposerChoice::Model),
            harmony: EnumParam::new("Harmony", HarmonyChoice::Style),
            chord_take: IntParam::new("Chord take", 1, IntRange::Linear { min: 1, max: 999 }),
            feel: EnumParam::new("Feel", FeelChoice::Straight),
            energy_follow: BoolParam::new("Energy follows", true),
            energy: percent("Energy", 0.5),
            lookahead: EnumParam::new("Lookahead", LookaheadChoice::None).non_automatable(),
            seed: IntParam::new("Seed", 1, IntRange::Linear { min: 1, max: 9999 }),
            when_i_stop: EnumParam::new("When I stop", StopChoice::PlayOn),
            round_trip: FloatParam::new(
                "Round trip",
                0.0,
                FloatRange::Linear { min: 0.0, max: MOST_ROUND_TRIP_MS },
            )
            .with_unit(" ms")
            .with_step_size(0.1),
            daring: percent("Daring", 0.5),
            count_in: IntParam::new(
                "Count-in",
                0,
                IntRange::Linear { min: 0, max: collavoce::limits::MAX_COUNT_IN_BARS as i32 },
            ),
            bar_one: BoolParam::new("Bar one here", false),
            end_here: BoolParam::new("End here", false),
            speakers: BoolParam::new("Speakers", false),
            isolate: EnumParam::new("Isolate", IsolateChoice::Off),
            tune: EnumParam::new("Tune", TuneChoice::Singer),
            cents: FloatParam::new("Cents", 0.0, FloatRange::Linear { min: -100.0, max: 100.0 })
                .with_unit(" ct")
                .with_step_size(0.5),
            key: IntParam::new("Key", 0, IntRange::Linear { min: 0, max: 24 })
                .with_value_to_string(Arc::new(key_of))
                .with_string_to_value(Arc::new(index_of)),
            meter: EnumParam::new("Metre", MeterChoice::Auto),
            bpm: FloatParam::new("Tempo", 0.0, FloatRange::Linear { min: 0.0, max: 260.0 })
                .with_step_size(0.1)
                .with_value_to_string(Arc::new(|bpm| {
                    if bpm < 0.05 { "auto".to_owned() } else { format!("{bpm:.1} bpm") }
                }))
                .with_string_to_value(Arc::new(|text| match text.trim() {
                    "auto" => Some(0.0),
                    number => number.trim_end_matches("bpm").trim().parse().ok(),
                })),
            tone: EnumParam::new("Tone", ToneChoice::Auto).non_automatable(),
            sounds: EnumParam::new("Sounds", SoundsChoice::usual()).non_automatable(),
            main_out: EnumParam::new("Main output", MainChoice::Mix),
            voice_level: level("Voice level"),
            rendering: EnumParam::new("Rendering", RenderingChoice::Auto),
            capture: BoolParam::new("Capture", false),
            song_offset: FloatParam::new(
                "Song offset",
                0.0,
                FloatRange::SymmetricalSkewed {
                    min: -3_600_000.0,
                    max: 3_600_000.0,
                    factor: FloatRange::skew_factor(-3.0),
                    center: 0.0,
                },
            )
            .with_unit(" ms")
            .with_step_size(1.0),
            beat_level: IntParam::new("Beat level", 0, IntRange::Linear { min: -1, max: 1 }),
            bar_shift: IntParam::new("Bar shift", 0, IntRange::Linear { min: -6, max: 6 }),
            key_choice: IntParam::new("Key choice", 0, IntRange::Linear { min: 0, max: 3 }),
            guitar: PartParams::new("Guitar"),
            drums: PartParams::new("Drums"),
            strings: PartParams::new("Strings"),
            bass: PartParams::new("Bass"),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
        }
    }
}
