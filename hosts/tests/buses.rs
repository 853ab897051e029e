//! VST3 lets a host switch auxiliary buses off and pass null pointers for them.

use collavoce_hosts::{Activation, Heard, Hosted, Vst3Plugin, demo_voice};

const OFFLINE: Activation = Activation { rate: 48_000, max_block: 512, is_offline: true };

#[test]
fn whichever_auxiliary_buses_are_off_the_others_sound_the_same() -> anyhow::Result<()> {
    let mut plugin = Vst3Plugin::open()?;
    plugin.activate(OFFLINE)?;
    plugin.capture(&demo_voice(48_000), 0, 512)?;
    // Bars in which everyone plays.
    let from = 20 * 48_000;
    let silence = vec![0.0; 3 * 48_000];
    let mut render = |buses: [bool; 5]| -> anyhow::Result<Heard> {
        plugin.set_buses(buses);
        plugin.activate(OFFLINE)?;
        // The song comes with the first block.
        plugin.stand(64, &mut Heard::default())?;
        let mut heard = Heard::default();
        plugin.play(&silence, from, 120.0, 512, &mut heard)?;
        Ok(heard)
    };
    let all = render([true; 5])?;
    for stem in &all.stems {
        let peak = stem[0].iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!(peak > 0.01, "every stem is to be heard");
    }
    for choice in 0..31 {
        let buses: [bool; 5] = std::array::from_fn(|bus| choice & (1 << bus) != 0);
        let heard = render(buses)?;
        assert!(heard.main == all.main, "{buses:?}: the main output differs");
        assert_eq!(heard.notes, all.notes, "{buses:?}");
        for (stem, is_on) in buses[1..].iter().enumerate() {
            assert!(!is_on || heard.stems[stem] == all.stems[stem], "{buses:?}: stem {stem} differs");
        }
    }
    Ok(())
}
