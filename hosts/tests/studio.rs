//! What a singer does in studio mode.

use collavoce::sing::{DemoOptions, demo_with};
use collavoce::time::Hz;
use collavoce_hosts::{Activation, Heard, Hosted, Vst3Plugin, both, demo_voice};
use vst3_host::audio::SpeakerArrangement;

const RATE: i64 = 48_000;
const OFFLINE: Activation = Activation { rate: RATE as u32, max_block: 512, is_offline: true };

fn play(plugin: &mut dyn Hosted, from: i64, seconds: i64) -> anyhow::Result<Heard> {
    let mut heard = Heard::default();
    (0..40).try_for_each(|_| plugin.stand(512, &mut Heard::default()))?;
    plugin.play(&vec![0.0; (seconds * RATE) as usize], from, 120.0, 512, &mut heard)?;
    Ok(heard)
}

#[test]
fn capturing_a_range_again_replaces_that_range_alone() -> anyhow::Result<()> {
    let other = demo_with(DemoOptions { transpose: 2, ..DemoOptions::default() });
    let other = other.sing(Hz(RATE as u32)).expect("the rate is supported").samples;
    for mut plugin in both()? {
        plugin.activate(OFFLINE)?;
        plugin.capture(&demo_voice(RATE as u32), 0, 512)?;
        let before = play(plugin.as_mut(), 0, 46)?.ons();
        let range = 20 * RATE..27 * RATE;
        plugin.capture(&other[range.start as usize..range.end as usize], range.start, 512)?;
        let after = play(plugin.as_mut(), 0, 46)?.ons();
        // A bar around the range may be another one as well.
        let outside = |ons: &[(i64, u8, u8, u8)]| -> Vec<(i64, u8, u8, u8)> {
            let is_outside = |at: i64| at < range.start - 3 * RATE || at > range.end + 3 * RATE;
            ons.iter().filter(|on| is_outside(on.0)).copied().collect()
        };
        let (was, is) = (outside(&before), outside(&after));
        for (a, b) in was.iter().zip(&is) {
            assert_eq!(a, b, "{}", plugin.format());
        }
        assert_eq!(was.len(), is.len());
        assert_ne!(before, after, "{}", plugin.format());
    }
    Ok(())
}

#[test]
fn a_capture_outlives_a_deactivation() -> anyhow::Result<()> {
    let voice = demo_voice(RATE as u32);
    for mut plugin in both()? {
        plugin.activate(OFFLINE)?;
        plugin.set("Mode", "Studio")?;
        plugin.set("Capture", "On")?;
        plugin.play(&voice, 0, 120.0, 512, &mut Heard::default())?;
        plugin.deactivate()?;
        plugin.set("Capture", "Off")?;
        plugin.activate(OFFLINE)?;
        let heard = play(plugin.as_mut(), 10 * RATE, 10)?;
        assert!(heard.ons().len() > 40, "{}: only {} notes", plugin.format(), heard.ons().len());
    }
    Ok(())
}

#[test]
fn the_song_moves_by_its_offset() -> anyhow::Result<()> {
    for mut plugin in both()? {
        plugin.activate(OFFLINE)?;
        plugin.capture(&demo_voice(RATE as u32), 0, 512)?;
        let home = play(plugin.as_mut(), 0, 30)?;
        plugin.set("Song offset", "2000")?;
        let moved = play(plugin.as_mut(), 2 * RATE, 30)?;
        assert_eq!(home.notes, moved.notes, "{}", plugin.format());
        assert!(home.stems == moved.stems, "{}", plugin.format());
    }
    Ok(())
}

#[test]
fn a_mono_voice_is_heard_as_a_stereo_one() -> anyhow::Result<()> {
    let voice = &demo_voice(RATE as u32)[..16 * RATE as usize];
    let mut sung = Vec::new();
    for arrangement in [SpeakerArrangement::STEREO, SpeakerArrangement::MONO] {
        let mut plugin = Vst3Plugin::open()?;
        plugin.plugin().set_bus_arrangements(
            &[arrangement, SpeakerArrangement::STEREO],
            &[SpeakerArrangement::STEREO; 5],
        )?;
        plugin.activate(OFFLINE)?;
        assert_eq!(plugin.ports()?.inputs[0].channels, arrangement.channel_count());
        let mut heard = Heard::default();
        plugin.play(voice, 0, 120.0, 512, &mut heard)?;
        assert!(heard.ons().len() > 20);
        sung.push(heard);
    }
    assert!(sung[0] == sung[1], "a mono voice sounds otherwise");
    Ok(())
}
