//! Every limit of the engine in one file, with the relations between them asserted at compile time.
//!
//! It stands above all other modules so that every stage and every parser can name the same numbers.

/// Longest input accepted, in seconds of audio.
pub const MAX_INPUT_S: u32 = 3600;
/// Lowest sample rate accepted at the input, in Hz.
pub const MIN_INPUT_HZ: u32 = 8_000;
/// Highest sample rate accepted at the input, in Hz.
pub const MAX_INPUT_HZ: u32 = 192_000;
/// Lowest sample rate that stems are written at, in Hz.
pub const MIN_OUTPUT_HZ: u32 = 44_100;
/// Most channels accepted at the input.
pub const MAX_INPUT_CHANNELS: usize = 2;
/// Shortest input that can hold a phrase, in seconds.
pub const MIN_INPUT_S: f64 = 2.0;
/// Largest magnitude of a sample accepted at the input, where 1 is full scale: that of 32-bit integers that were never
/// scaled. Far beyond it the transforms overflow.
pub const MAX_INPUT_SAMPLE: f32 = 2_147_483_648.0;

/// Sample rate of everything in [`crate::listen`], in Hz.
pub const LISTEN_HZ: u32 = 16_000;
/// Samples between two observations at [`LISTEN_HZ`]: 10 ms.
pub const LISTEN_HOP: usize = 160;
/// Lowest F0 that is looked for, in Hz.
pub const MIN_F0_HZ: f64 = 65.0;
/// Highest F0 that is looked for, in Hz.
pub const MAX_F0_HZ: f64 = 1_500.0;

/// Largest block that the engine renders at once, in samples.
pub const MAX_BLOCK: usize = 8_192;
/// Longest delay between a backing and a mix that it is looked for in, in seconds.
pub const MAX_BACKING_DELAY_S: f64 = 1.0;
/// Longest recording that a backing is taken out of, in frames: 24 minutes at 48 kHz; both are held in memory.
pub const MAX_REFERENCE_FRAMES: u64 = 70_000_000;
/// Slowest tempo that can be stated or found, in beats a minute.
pub const MIN_BPM: f64 = 30.0;
/// Fastest tempo that can be stated or found, in beats a minute.
pub const MAX_BPM: f64 = 260.0;
/// Most bars in a score.
pub const MAX_BARS: usize = 8_000;
/// Most bars of introduction or ending that can be asked for.
pub const MAX_INTRO_BARS: u32 = 16;
/// Longest round trip of a singer's monitoring that a band plays ahead, in seconds.
pub const MAX_ROUND_TRIP_S: f64 = 0.1;
/// Most that a singer says with keys and buttons in one take.
pub const MAX_ANCHORS: usize = 4_096;
/// Most bars that are counted in.
pub const MAX_COUNT_IN_BARS: u32 = 4;
/// Longest tail after the last note, in seconds.
pub const MAX_TAIL_S: f64 = 30.0;
/// Largest take number.
pub const MAX_TAKE: u32 = 9_999;
/// Largest chord chart, in bytes.
pub const MAX_CHART_BYTES: u64 = 1 << 20;
/// Largest song file, in bytes.
pub const MAX_SONG_BYTES: u64 = 256 << 20;
/// Largest SoundFont, in bytes.
pub const MAX_BANK_BYTES: u64 = 1 << 30;
/// Most samples of sound in a SoundFont, those that are packed counted as they come out: 1 GiB in memory.
pub const MAX_BANK_SAMPLES: u64 = 1 << 29;
/// Most regions of one preset of a SoundFont: every note asks each of them whether it takes part.
pub const MAX_BANK_REGIONS: usize = 8_192;
/// Most notes in one part of a score.
pub const MAX_PART_NOTES: usize = 1 << 20;
/// Most voices that sound at once in one instrument.
pub const MAX_VOICES: usize = 48;

/// Quietest level that is still taken for a voice, in dB relative to full scale (RMS over 50 ms).
pub const MIN_VOICE_DBFS: f64 = -60.0;
/// Total length of sung notes below which a file is said to hold no voice, in seconds.
pub const MIN_SUNG_S: f64 = 1.0;
/// Number of sung notes below which a file is said to hold no voice.
pub const MIN_SUNG_NOTES: usize = 3;
/// Length from which a note is held rather than struck, in seconds.
pub const HELD_NOTE_S: f64 = 0.25;
/// Share of the sung time in held notes below which a file is said to hold no voice.
pub const MIN_HELD_SHARE: f64 = 0.25;

const _: () = assert!(MIN_INPUT_HZ < MAX_INPUT_HZ);
const _: () = assert!(MIN_OUTPUT_HZ <= MAX_INPUT_HZ);
const _: () = assert!(LISTEN_HZ as usize == LISTEN_HOP * 100);
const _: () = assert!((MIN_F0_HZ as usize) < (MAX_F0_HZ as usize));
const _: () = assert!((MAX_F0_HZ as u32) * 2 < LISTEN_HZ);

/// Most notes of a melody that is followed.
pub const MAX_MELODY_NOTES: usize = 20_000;
