//! What is saved with a project comes back.

use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use collavoce_hosts::{Activation, Heard, both, demo_voice};
use flate2::read::ZlibDecoder;
use serde_json::Value;

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

/// What the framework wraps for each format: parameters and persistent fields.
fn contents(state: &[u8]) -> anyhow::Result<Value> {
    let start = state.iter().position(|byte| *byte == b'{').context("no JSON in the state")?;
    let mut values = serde_json::Deserializer::from_slice(&state[start..]).into_iter();
    let mut value: Value = values.next().context("no value in the state")??;
    // The same song is packed into other bytes by another build of the packer.
    if let Some(song) = value["fields"].get_mut("song") {
        let packed: String = serde_json::from_str(song.as_str().context("a song that is no text")?)?;
        let bytes = STANDARD.decode(packed)?;
        *song = serde_json::from_reader(ZlibDecoder::new(bytes.as_slice()))?;
    }
    Ok(value)
}

#[test]
fn a_state_of_the_first_version_comes_back_as_it_is() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for mut plugin in both()? {
        let path = folder.join(format!("state-0.1.{}", plugin.format().to_lowercase()));
        if !path.exists() && std::env::var_os("COLLAVOCE_BLESS").is_some() {
            for (name, value) in
                [("Style", "Jazz"), ("Bass take", "12"), ("Tune", "fixed"), ("Drums level", "-6.0")]
            {
                plugin.set(name, value)?;
            }
            plugin.activate(OFFLINE)?;
            plugin.capture(&demo_voice(48_000)[..24 * 48_000], 96_000, 512)?;
            std::fs::write(&path, plugin.save()?)?;
        }
        let fixed = std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
        let mut fresh = both()?;
        let fresh = fresh.iter_mut().find(|other| other.format() == plugin.format()).context("a format")?;
        // Whatever was chosen before it is loaded.
        for (name, value) in
            [("Harmony", "chorale"), ("Chord take", "5"), ("Composer", "Model"), ("Players", "Model")]
        {
            fresh.set(name, value)?;
        }
        fresh.activate(OFFLINE)?;
        fresh.stand(512, &mut Heard::default())?;
        fresh.load(&fixed)?;
        fresh.stand(512, &mut Heard::default())?;
        let mut heard = Heard::default();
        fresh.play(&vec![0.0; 48_000 * 8], 48_000 * 10, 120.0, 512, &mut heard)?;
        assert!(heard.ons().len() > 40, "{}: only {} notes", fresh.format(), heard.ons().len());
        let (mut was, is) = (contents(&fixed)?, contents(&fresh.save()?)?);
        // What came later is as it was before there was a choice.
        was["params"]["composer"] = serde_json::json!({ "string": "rules" });
        was["params"]["players"] = serde_json::json!({ "string": "rules" });
        was["params"]["harmony"] = serde_json::json!({ "string": "style" });
        was["params"]["chord_take"] = serde_json::json!({ "i32": 1 });
        was["params"]["speakers"] = serde_json::json!({ "bool": false });
        was["params"]["isolate"] = serde_json::json!({ "string": "off" });
        was["params"]["daring"] = serde_json::json!({ "f32": 0.5 });
        was["params"]["count_in"] = serde_json::json!({ "i32": 0 });
        was["params"]["bar_one"] = serde_json::json!({ "bool": false });
        was["params"]["end_here"] = serde_json::json!({ "bool": false });
        was["params"]["tone"] = serde_json::json!({ "string": "auto" });
        was["params"]["sounds"] = serde_json::json!({ "string": "built_in" });
        // No bar was fixed, as no chart was loaded.
        was["fields"]["fixed_chords"] = was["fields"]["chart"].clone();
        was["fields"]["sound_file"] = was["fields"]["chart"].clone();
        assert_eq!(was["params"], is["params"], "{}", fresh.format());
        assert_eq!(was["fields"], is["fields"], "{}", fresh.format());
    }
    Ok(())
}
