//! What a mouth does: vowels of several languages and consonants.

/// Formants that move.
pub const FORMANTS: usize = 6;

/// First three formants of vowels for a man, in Hz (the English ones after Peterson and Barney, JASA 24, 1952; rounded
/// front, back unrounded, central and nasal ones between them).
pub const VOWELS: [[f32; 3]; 20] = [
    [720.0, 1_150.0, 2_450.0],
    [760.0, 1_320.0, 2_500.0],
    [660.0, 1_720.0, 2_410.0],
    [530.0, 1_800.0, 2_500.0],
    [460.0, 1_950.0, 2_550.0],
    [390.0, 2_050.0, 2_600.0],
    [280.0, 2_250.0, 2_950.0],
    [600.0, 900.0, 2_410.0],
    [500.0, 830.0, 2_450.0],
    [400.0, 760.0, 2_400.0],
    [440.0, 1_020.0, 2_240.0],
    [310.0, 780.0, 2_250.0],
    [500.0, 1_400.0, 1_700.0],
    [500.0, 1_450.0, 2_450.0],
    [270.0, 1_850.0, 2_150.0],
    [380.0, 1_600.0, 2_200.0],
    [520.0, 1_500.0, 2_300.0],
    [300.0, 1_300.0, 2_300.0],
    [320.0, 1_450.0, 2_350.0],
    [620.0, 1_050.0, 2_350.0],
];

/// How a consonant is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A hiss.
    Fricative,
    /// A closure and a burst.
    Plosive,
    /// A hum through the nose.
    Nasal,
    /// A voice through a narrow mouth.
    Liquid,
}

/// A consonant.
#[derive(Debug, Clone, Copy)]
pub struct Consonant {
    /// How it is made.
    pub manner: Manner,
    /// Level of the voice in it beside a vowel, in dB; none has no voice.
    pub voice_db: Option<f32>,
    /// Level of its hiss or burst, in dB beside a plain note.
    pub hiss_db: f32,
    /// Range of the centre of its hiss, in Hz, and how wide it is as a share of that.
    pub hiss_hz: [f32; 2],
    /// See `hiss_hz`.
    pub width: f32,
    /// Formants 1 to 3 towards which the mouth moves, for a man, in Hz.
    pub formants: [f32; 3],
    /// Length in seconds, shortest and longest.
    pub length_s: [f32; 2],
}

const fn fricative(
    voice_db: Option<f32>,
    hiss_db: f32,
    hiss_hz: [f32; 2],
    width: f32,
    formants: [f32; 3],
) -> Consonant {
    Consonant {
        manner: Manner::Fricative,
        voice_db,
        hiss_db,
        hiss_hz,
        width,
        formants,
        length_s: [0.05, 0.19],
    }
}

const fn plosive(voice_db: Option<f32>, hiss_db: f32, hiss_hz: [f32; 2], formants: [f32; 3]) -> Consonant {
    Consonant {
        manner: Manner::Plosive,
        voice_db,
        hiss_db,
        hiss_hz,
        width: 0.6,
        formants,
        length_s: [0.04, 0.13],
    }
}

const fn hum(manner: Manner, voice_db: f32, formants: [f32; 3], length_s: [f32; 2]) -> Consonant {
    let voice_db = Some(voice_db);
    Consonant {
        manner,
        voice_db,
        hiss_db: -60.0,
        hiss_hz: [1_000.0, 2_000.0],
        width: 0.5,
        formants,
        length_s,
    }
}

/// Consonants of several languages.
pub const CONSONANTS: [Consonant; 24] = [
    fricative(None, -8.0, [5_500.0, 8_500.0], 0.4, [320.0, 1_500.0, 2_600.0]),
    fricative(None, -7.0, [2_500.0, 4_200.0], 0.45, [300.0, 1_800.0, 2_400.0]),
    fricative(None, -18.0, [3_000.0, 8_000.0], 1.0, [300.0, 900.0, 2_200.0]),
    fricative(None, -20.0, [4_000.0, 8_000.0], 1.0, [320.0, 1_300.0, 2_600.0]),
    fricative(None, -14.0, [1_200.0, 2_400.0], 0.5, [350.0, 1_300.0, 2_300.0]),
    fricative(None, -12.0, [2_400.0, 3_600.0], 0.35, [300.0, 2_100.0, 2_900.0]),
    fricative(Some(-8.0), -14.0, [5_500.0, 8_500.0], 0.4, [300.0, 1_500.0, 2_600.0]),
    fricative(Some(-8.0), -22.0, [3_000.0, 7_000.0], 1.0, [300.0, 900.0, 2_200.0]),
    fricative(Some(-8.0), -14.0, [2_500.0, 4_200.0], 0.45, [300.0, 1_800.0, 2_400.0]),
    plosive(None, -10.0, [500.0, 1_400.0], [280.0, 800.0, 2_200.0]),
    plosive(None, -7.0, [3_500.0, 6_000.0], [300.0, 1_700.0, 2_700.0]),
    plosive(None, -8.0, [1_300.0, 3_200.0], [300.0, 1_900.0, 2_300.0]),
    plosive(Some(-16.0), -16.0, [500.0, 1_400.0], [220.0, 800.0, 2_200.0]),
    plosive(Some(-16.0), -14.0, [3_000.0, 5_000.0], [220.0, 1_700.0, 2_700.0]),
    plosive(Some(-16.0), -15.0, [1_300.0, 3_000.0], [220.0, 1_900.0, 2_300.0]),
    hum(Manner::Nasal, -5.0, [270.0, 1_000.0, 2_200.0], [0.05, 0.16]),
    hum(Manner::Nasal, -5.0, [270.0, 1_450.0, 2_400.0], [0.05, 0.16]),
    hum(Manner::Nasal, -6.0, [270.0, 1_900.0, 2_500.0], [0.05, 0.14]),
    hum(Manner::Liquid, -3.0, [340.0, 1_100.0, 2_600.0], [0.04, 0.12]),
    hum(Manner::Liquid, -4.0, [380.0, 1_250.0, 1_650.0], [0.04, 0.12]),
    hum(Manner::Liquid, -9.0, [350.0, 1_400.0, 2_400.0], [0.02, 0.04]),
    hum(Manner::Liquid, -3.0, [290.0, 2_200.0, 2_900.0], [0.04, 0.10]),
    hum(Manner::Liquid, -3.0, [300.0, 700.0, 2_200.0], [0.04, 0.10]),
    hum(Manner::Liquid, -6.0, [360.0, 1_500.0, 2_500.0], [0.03, 0.07]),
];
