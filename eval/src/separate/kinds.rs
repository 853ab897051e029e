//! How often it is told rightly what a recording holds.

use collavoce::separate::{Heard, InputKind, InputMeter, Verdict};
use collavoce::time::Hz;

use super::material::{Backing, Case, RATE, Sound, Voice};

/// A recording and what it holds.
struct Known {
    name: String,
    kind: InputKind,
    heard: Heard,
}

/// Prints how kinds are told apart.
pub fn print(
    voices: &[Voice],
    backings: &[Backing],
    mono: &[Case],
    stereo: &[Case],
    each: bool,
) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for voice in voices {
        let sound = [voice.samples.clone(), voice.samples.clone()];
        all.push(known(voice.singer.clone(), InputKind::DryVoice, &sound, RATE)?);
    }
    for backing in backings {
        all.push(known(backing.name.clone(), InputKind::NoVoice, &backing.sound, RATE)?);
        let mean: Vec<f32> =
            backing.sound[0].iter().zip(&backing.sound[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        all.push(known(format!("{}, mono", backing.name), InputKind::NoVoice, &[mean.clone(), mean], RATE)?);
    }
    for (cases, kind) in [(mono, InputKind::MonoMix), (stereo, InputKind::StereoMix)] {
        for case in cases {
            all.push(known(case.singer.clone(), kind, &case.mix(), case.rate)?);
        }
    }
    if each {
        println!("kind        told          side  voice backing  name");
        for Known { name, kind, heard } in &all {
            let (kind, told) = (format!("{kind:?}"), format!("{:?}", Verdict::of(*heard).kind));
            let Heard { side_db, voice_db, backing_db, .. } = heard;
            println!("{kind:11} {told:11} {side_db:6.1} {voice_db:6.1} {backing_db:7.1}  {name}");
        }
    }
    table(&all);
    Ok(())
}

fn known(name: String, kind: InputKind, sound: &Sound, rate: Hz) -> anyhow::Result<Known> {
    let mut meter = InputMeter::new(rate)?;
    for (left, right) in sound[0].chunks(4096).zip(sound[1].chunks(4096)) {
        meter.push(left, right);
    }
    Ok(Known { name, kind, heard: meter.finish() })
}

fn table(all: &[Known]) {
    use InputKind::{DryVoice, MonoMix, NoVoice, StereoMix};
    let kinds = [DryVoice, MonoMix, StereoMix, NoVoice];
    println!("\nwhat a recording holds: rows are true, columns told");
    print!("{:28}", "");
    kinds.iter().for_each(|kind| print!("{:>26}", kind.label()));
    println!("{:>8}", "right");
    let mut right = 0;
    for kind in kinds {
        print!("{:28}", kind.label());
        let of_kind: Vec<&Known> = all.iter().filter(|known| known.kind == kind).collect();
        let told = |told: InputKind| of_kind.iter().filter(|k| Verdict::of(k.heard).kind == told).count();
        kinds.iter().for_each(|kind| print!("{:>26}", told(*kind)));
        right += told(kind);
        println!("{:>7.0}%", 100.0 * told(kind) as f64 / of_kind.len().max(1) as f64);
    }
    println!("right in all: {right} of {}", all.len());
}
