//! What the user asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use super::chart::{Chart, FixedBar, Slot};
use super::known::KnownSong;
use super::mix::Isolate;
use super::seed::Seed;
use crate::limits;
use crate::score::{BarNumber, Key, Part, PartBar};
use crate::time::{Bpm, Meter};

/// A word that is not among those an option takes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what} {given:?} is not known; known are {known}")]
pub struct ChoiceError {
    pub(super) what: &'static str,
    pub(super) given: String,
    pub(super) known: String,
}

/// Makes an enum whose values have one name each, on the command line and on disk.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$value_doc:meta])* $value:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$value_doc])* #[serde(rename = $text)] $value),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = ChoiceError;
            fn from_str(text: &str) -> Result<Self, ChoiceError> {
                Self::ALL.iter().copied().find(|v| v.name() == text.trim()).ok_or_else(|| ChoiceError {
                    what: $what,
                    given: text.to_owned(),
                    known: Self::ALL.iter().map(|v| v.name()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

pub(super) use choice;

choice!(
    /// How much of the take is known.
    Mode, "mode", {
        /// The whole take is analysed before the first note is written.
        Studio = "studio",
        /// Causal: every note is decided from what was sung before it.
        Live = "live",
    }
);

choice!(
    /// Whose time it is.
    Lead, "lead", {
        /// The tempo map is the singer's.
        Voice = "voice",
        /// The tempo is constant; where its beats lie is found.
        Grid = "grid",
        /// Tempo and bars are given: bar lines are counted from the beginning of the take at the stated tempo, or are
        /// those of the plugin's host.
        Host = "host",
    }
);

choice!(
    /// How the beat is divided and where the back-beat falls.
    Feel, "feel", {
        /// Even eighths.
        Straight = "straight",
        /// Eighths two to one.
        Swing = "swing",
        /// Back-beat once a bar.
        Half = "half",
        /// Back-beat on every off-beat.
        Double = "double",
    }
);

choice!(
    /// Harmony and patterns.
    Style, "style", {
        /// Triads, open strums.
        Folk = "folk",
        /// Triads and sus chords, eighth strums, back-beat.
        Pop = "pop",
        /// Slow arpeggios, long strings.
        Ballad = "ballad",
        /// Seventh chords, walking bass, ride cymbal.
        Jazz = "jazz",
    }
);

choice!(
    /// How the built-in band is equipped.
    ToneName, "tone", {
        /// As the style asks.
        Auto = "auto",
        /// Softly picked flat top, deep kit, warm section.
        AcousticBallad = "acoustic-ballad",
        /// Strummed flat top, a usual band.
        Indie = "indie",
        /// Flat top close by, double bass, brushes, four strings.
        Folk = "folk",
        /// Clean electric guitar, muted bass, tight kit.
        Soul = "soul",
        /// Electric guitar struck hard, bass with a pick, loud kit.
        Rock = "rock",
        /// Classical guitar, double bass, a large section in a hall.
        Orchestral = "orchestral",
        /// Hollow electric guitar, double bass, brushes.
        Jazz = "jazz",
        /// Worn tape.
        LoFi = "lo-fi",
    }
);

choice!(
    /// Who finds the chords where no chart gives them.
    Harmonist, "harmonist", {
        /// Rules of the trade.
        Rules = "rules",
        /// A network that was trained on openly licensed songs, under the same constraints.
        Model = "model",
    }
);

choice!(
    /// Who writes the parts.
    Arranger, "arranger", {
        /// Rules of the trade.
        Rules = "rules",
        /// A network that was trained on drummers, quartets and accompaniments, under constraints of our own.
        Model = "model",
    }
);

choice!(
    /// Whose chords the network finds.
    Idiom, "harmony", {
        /// Those of the style: folk tunes, or in jazz lead sheets.
        Style = "style",
        /// Folk tunes: triads, few of them.
        Folk = "folk",
        /// Songs of Tin Pan Alley: sevenths, applied dominants.
        TinPanAlley = "tin-pan-alley",
        /// Art songs of the nineteenth century.
        ArtSong = "art-song",
        /// Chorales: triads and sevenths of all degrees, many of them.
        Chorale = "chorale",
    }
);

choice!(
    /// What the band does when the singer has stopped for longer than a bar; live only.
    WhenStopped, "way to go on", {
        /// It plays on.
        PlayOn = "play-on",
        /// It plays quietly, without fills.
        Vamp = "vamp",
        /// It rests until the singer is back.
        Wait = "wait",
    }
);

/// How a live band is placed in time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiveTiming {
    /// From the last sample heard to the first that may still be changed by it.
    pub deadline_s: f64,
    /// Delay of voice and band that gives the band time to decide.
    pub lookahead_s: f64,
    /// Round trip of the singer's monitoring: the band plays so much earlier than it hears.
    pub round_trip_s: f64,
}

impl LiveTiming {
    /// Shortest deadline: 1024 samples at 48 kHz.
    pub const MIN_DEADLINE_S: f64 = 1024.0 / 48_000.0;
}

impl Default for LiveTiming {
    fn default() -> Self {
        Self { deadline_s: Self::MIN_DEADLINE_S, lookahead_s: 0.0, round_trip_s: 0.0 }
    }
}

/// Corrections of what was found, where it was not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Repairs {
    /// 1: the beat is twice as fast as found; -1: half as fast.
    pub beat_level: i8,
    /// Beats by which the bar line lies later than found.
    pub bar_shift: i8,
    /// Which of the likely keys is taken; 0 is the likeliest.
    pub key_choice: u8,
}

/// What the band tunes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tune {
    /// The singer, slow drift included.
    Singer,
    /// A fixed number of cents above A4 = 440 Hz.
    Cents(f64),
}

/// A tuning that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("tuning {0:?} is not known; write singer, 440, or cents between -100 and 100 such as -13.5")]
pub struct TuneError(String);

impl FromStr for Tune {
    type Err = TuneError;
    fn from_str(text: &str) -> Result<Self, TuneError> {
        match text.trim() {
            "singer" => Ok(Self::Singer),
            "440" => Ok(Self::Cents(0.0)),
            number => match number.parse::<f64>() {
                Ok(cents) if (-100.0..=100.0).contains(&cents) => Ok(Self::Cents(cents)),
                _ => Err(TuneError(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Tune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Singer => f.write_str("singer"),
            Self::Cents(0.0) => f.write_str("440"),
            Self::Cents(cents) => write!(f, "{cents}"),
        }
    }
}

/// Which take of a part, or of one bar of it, is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeChoice {
    /// The part; none means every part.
    pub part: Option<Part>,
    /// The bar; none means every bar.
    pub bar: Option<BarNumber>,
    /// The take, counted from 1.
    pub take: u32,
}

/// A choice of take that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "take {0:?} is not known; write a number from 1 to {max} for the whole band, PART=N for one part or \
     PART:BAR=N for one bar of it, such as drums:7=2",
    max = limits::MAX_TAKE
)]
pub struct TakeError(String);

impl FromStr for TakeChoice {
    type Err = TakeError;
    fn from_str(text: &str) -> Result<Self, TakeError> {
        let unknown = || TakeError(text.to_owned());
        let (place, take) = match text.split_once('=') {
            None => (None, text),
            Some((place, take)) => (Some(place), take),
        };
        let take: u32 = take.trim().parse().map_err(|_| unknown())?;
        if !(1..=limits::MAX_TAKE).contains(&take) {
            return Err(unknown());
        }
        let Some(place) = place else { return Ok(Self { part: None, bar: None, take }) };
        let (part, bar) = match place.split_once(':') {
            None => (place, None),
            Some((part, bar)) => (part, Some(BarNumber(bar.trim().parse().map_err(|_| unknown())?))),
        };
        Ok(Self { part: Some(part.parse().map_err(|_| unknown())?), bar, take })
    }
}

impl fmt::Display for TakeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.part, self.bar) {
            (None, _) => write!(f, "{}", self.take),
            (Some(part), None) => write!(f, "{part}={}", self.take),
            (Some(part), Some(bar)) => write!(f, "{part}:{}={}", bar.0, self.take),
        }
    }
}

/// Everything that the user asked for. What is stated is a hard constraint, what is `None` is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How much of the take is known.
    pub mode: Mode,
    /// Beat level and starting tempo (voice leads), or the exact tempo (grid leads).
    pub bpm: Option<Bpm>,
    /// The key.
    pub key: Option<Key>,
    /// The metre.
    pub meter: Option<Meter>,
    /// Division of the beat.
    pub feel: Feel,
    /// Whose time it is.
    pub lead: Lead,
    /// The parts that play.
    pub parts: Vec<Part>,
    /// The seed.
    pub seed: Seed,
    /// Takes other than the first.
    pub takes: Vec<TakeChoice>,
    /// How full the band plays, 0 to 1; `None` follows the singer.
    pub energy: Option<f64>,
    /// Harmony and patterns.
    pub style: Style,
    /// How the built-in band is equipped.
    #[serde(default = "tone_by_style", skip_serializing_if = "is_tone_by_style")]
    pub tone: ToneName,
    /// Who finds the chords.
    #[serde(default = "rules", skip_serializing_if = "is_rules")]
    pub harmonist: Harmonist,
    /// Who writes the parts.
    #[serde(default = "played_by_rules", skip_serializing_if = "is_played_by_rules")]
    pub arranger: Arranger,
    /// Whose chords the network finds.
    #[serde(default = "by_style", skip_serializing_if = "is_by_style")]
    pub idiom: Idiom,
    /// Which of the chords that would do are taken; 1 are the likeliest.
    #[serde(default = "first_take", skip_serializing_if = "is_first_take")]
    pub chord_take: u32,
    /// Chords that are given.
    pub chart: Option<Chart>,
    /// Bars whose chords are given, before whatever the chart says of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<FixedBar>,
    /// Bars of introduction before the voice.
    pub intro_bars: u32,
    /// Bars after the last sung bar.
    pub outro_bars: u32,
    /// What the band tunes to.
    pub tune: Tune,
    /// How far the band goes with the singer's time where the voice leads: 0 is an even beat, 1 is colla voce.
    #[serde(default = "one")]
    pub rubato: f64,
    /// How densely parts play, 0 to 1; 0.5, which is not listed, is as the song asks.
    #[serde(default)]
    pub density: Vec<(Part, f64)>,
    /// What the live band does when the singer stops.
    #[serde(default = "play_on")]
    pub when_stopped: WhenStopped,
    /// How soon the live band believes what it hears, 0 to 1.
    #[serde(default = "middling", skip_serializing_if = "is_middling")]
    pub daring: f64,
    /// How the live band is placed in time.
    #[serde(default)]
    pub timing: LiveTiming,
    /// Corrections of what was found.
    #[serde(default)]
    pub repairs: Repairs,
    /// Where bar 1 begins, in seconds of the take, if it is known; where the host leads, where one of its bars does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar_one_s: Option<f64>,
    /// Bars that the live band counts in from the beginning of the take, at the stated tempo; bar 1 follows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub count_in_bars: u32,
    /// The song that is sung, if it is known: the live band follows its melody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownSong>,
    /// What the singer says while singing, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchors: Vec<Anchor>,
    /// Whether the microphone hears the live band, through speakers: its sound is then taken out of the voice.
    #[serde(default, skip_serializing_if = "is_not")]
    pub hears_band: bool,
    /// Whether the voice is taken out of what it is sung with.
    #[serde(default, skip_serializing_if = "is_off")]
    pub isolate: Isolate,
    /// Whether parts that a mix has already are left out.
    #[serde(default, skip_serializing_if = "is_not")]
    pub fills_in: bool,
    /// What parts that are left out play in the mix: those that are written hear it.
    #[serde(skip)]
    pub beside: Vec<PartBar>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_off(isolate: &Isolate) -> bool {
    *isolate == Isolate::Off
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_not(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(bars: &u32) -> bool {
    *bars == 0
}

fn middling() -> f64 {
    0.5
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_middling(daring: &f64) -> bool {
    (*daring - middling()).abs() < f64::EPSILON
}

fn one() -> f64 {
    1.0
}

/// Songs from before there was a choice.
fn rules() -> Harmonist {
    Harmonist::Rules
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_rules(harmonist: &Harmonist) -> bool {
    *harmonist == Harmonist::Rules
}

fn played_by_rules() -> Arranger {
    Arranger::Rules
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_played_by_rules(arranger: &Arranger) -> bool {
    *arranger == Arranger::Rules
}

fn tone_by_style() -> ToneName {
    ToneName::Auto
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_tone_by_style(tone: &ToneName) -> bool {
    *tone == ToneName::Auto
}

fn by_style() -> Idiom {
    Idiom::Style
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_by_style(idiom: &Idiom) -> bool {
    *idiom == Idiom::Style
}

fn first_take() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_first_take(take: &u32) -> bool {
    *take == 1
}

fn play_on() -> WhenStopped {
    WhenStopped::PlayOn
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Studio,
            bpm: None,
            key: None,
            meter: None,
            feel: Feel::Straight,
            lead: Lead::Voice,
            parts: Part::ALL.to_vec(),
            seed: Seed(1),
            takes: Vec::new(),
            energy: None,
            style: Style::Pop,
            tone: ToneName::Auto,
            harmonist: Harmonist::Model,
            arranger: Arranger::Model,
            idiom: Idiom::Style,
            chord_take: 1,
            chart: None,
            fixed: Vec::new(),
            intro_bars: 0,
            outro_bars: 1,
            tune: Tune::Singer,
            rubato: 1.0,
            density: Vec::new(),
            when_stopped: WhenStopped::PlayOn,
            daring: middling(),
            timing: LiveTiming::default(),
            repairs: Repairs::default(),
            bar_one_s: None,
            count_in_bars: 0,
            known: None,
            anchors: Vec::new(),
            hears_band: false,
            isolate: Isolate::Off,
            fills_in: false,
            beside: Vec::new(),
        }
    }
}

impl Settings {
    /// When the first stroke of a count-in falls, in seconds of the take: it has to be heard of before.
    pub const COUNT_IN_S: f64 = 0.1;

    /// Where bar 1 begins, in seconds of the take, if it is stated or counted in.
    pub fn first_bar_s(&self) -> Option<f64> {
        let counted = (self.count_in_bars > 0).then(|| {
            let beats = f64::from(self.count_in_bars) * self.given_meter().beats_per_bar() as f64;
            self.bpm.map(|bpm| Self::COUNT_IN_S + beats * bpm.beat_period_s())
        });
        counted.flatten().or(self.bar_one_s)
    }

    /// The metre where bars are given: the stated one, else common time.
    pub fn given_meter(&self) -> Meter {
        self.meter.unwrap_or(Meter::FOUR_FOUR)
    }

    /// How densely a part plays, -0.5 to 0.5 beside what the song asks.
    pub fn density_shift(&self, part: Part) -> f64 {
        self.density.iter().find(|(p, _)| *p == part).map_or(0.0, |(_, density)| density - 0.5)
    }

    /// Whether no chord is left to be found.
    pub fn gives_all_chords(&self) -> bool {
        let is_given = |slots: &[Slot]| !slots.contains(&Slot::Open);
        self.chart.as_ref().is_some_and(|chart| chart.bars.iter().all(|slots| is_given(slots)))
            && self.fixed.iter().all(|bar| is_given(&bar.slots))
    }

    /// What is said of the chords of a bar: where it is fixed, else by the chart.
    pub fn given_slots(&self, bar: BarNumber) -> &[Slot] {
        let fixed =
            self.fixed.iter().rev().find(|fixed| fixed.bar == bar).map(|fixed| fixed.slots.as_slice());
        let by_chart = || {
            let bars = &self.chart.as_ref()?.bars;
            let count = i32::try_from(bars.len()).ok().filter(|count| *count > 0)?;
            bars.get((bar.0 - 1).rem_euclid(count) as usize).map(Vec::as_slice)
        };
        fixed.or_else(by_chart).unwrap_or(&[])
    }

    /// The take of a part in a bar: the last choice that covers it, else 1.
    pub fn take_of(&self, part: Part, bar: BarNumber) -> u32 {
        let covers = |choice: &&TakeChoice| {
            choice.part.is_none_or(|p| p == part) && choice.bar.is_none_or(|b| b == bar)
        };
        self.takes.iter().rev().find(covers).map_or(1, |choice| choice.take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_are_read_and_the_last_that_covers_counts() {
        let takes = ["2", "drums=3", "drums:7=4"].map(|t| t.parse::<TakeChoice>().expect("a take"));
        assert_eq!(takes[2].to_string(), "drums:7=4");
        let settings = Settings { takes: takes.to_vec(), ..Settings::default() };
        assert_eq!(settings.take_of(Part::Bass, BarNumber(7)), 2);
        assert_eq!(settings.take_of(Part::Drums, BarNumber(6)), 3);
        assert_eq!(settings.take_of(Part::Drums, BarNumber(7)), 4);
        for wrong in ["", "0", "x=1", "drums:=1", "drums:1=0", "10000"] {
            assert!(wrong.parse::<TakeChoice>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn unknown_words_list_what_would_work() {
        let message = "reggae".parse::<Style>().expect_err("no such style").to_string();
        assert!(message.contains("reggae") && message.contains("folk, pop, ballad, jazz"), "{message}");
        assert!("200".parse::<Tune>().is_err());
        assert_eq!("-12.5".parse::<Tune>(), Ok(Tune::Cents(-12.5)));
    }
}
