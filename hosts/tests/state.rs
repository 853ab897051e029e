//! What is saved with a project comes back.

use collavoce_hosts::{Activation, Heard, both, demo_voice};

const OFFLINE: Activation = Activation { rate: 48_000, max_block: 512, is_offline: true };

#[test]
fn a_project_that_is_opened_again_bounces_the_same() -> anyhow::Result<()> {
    let voice = demo_voice(48_000);
    let mut saved: Vec<Vec<u8>> = Vec::new();
    let mut bounced: Vec<Heard> = Vec::new();
    for mut plugin in both()? {
        for (name, value) in [("Style", "Ballad"), ("Drums take", "3"), ("Seed", "7"), ("Strings on", "Off")]
        {
            plugin.set(name, value)?;
        }
        plugin.activate(OFFLINE)?;
        plugin.capture(&voice, 48_000, 512)?;
        let mut heard = Heard::default();
        plugin.play(&voice, 0, 120.0, 512, &mut heard)?;
        saved.push(plugin.save()?);
        bounced.push(heard);
    }
    assert!(bounced[0] == bounced[1], "the formats differ");
    for (mut plugin, state) in both()?.into_iter().zip(&saved) {
        plugin.load(state)?;
        plugin.activate(OFFLINE)?;
        plugin.stand(512, &mut Heard::default())?;
        let mut heard = Heard::default();
        plugin.play(&voice, 0, 120.0, 512, &mut heard)?;
        assert_eq!(heard.notes, bounced[0].notes, "{}", plugin.format());
        assert!(heard == bounced[0], "{}: the stems differ", plugin.format());
    }
    Ok(())
}

#[test]
fn five_minutes_are_saved_in_less_than_a_megabyte() -> anyhow::Result<()> {
    let verse = demo_voice(48_000);
    let mut voice: Vec<f32> = Vec::new();
    while voice.len() < 300 * 48_000 {
        voice.extend_from_slice(&verse);
    }
    voice.truncate(300 * 48_000);
    let mut plugin = collavoce_hosts::ClapPlugin::open()?;
    let plugin: &mut dyn collavoce_hosts::Hosted = &mut plugin;
    plugin.activate(OFFLINE)?;
    plugin.capture(&voice, 0, 512)?;
    let size = plugin.save()?.len();
    println!("a song of five minutes: {size} bytes");
    assert!((20_000..1_000_000).contains(&size), "{size} bytes");
    Ok(())
}
