//! The note input is heard.

use collavoce_hosts::{Activation, Heard, NoteKind, Transport, both, demo_voice};

const RATE: i64 = 48_000;
/// Samples between two taps: 100 beats a minute.
const BEAT: i64 = RATE * 60 / 100;
const TAP: u8 = 36;

#[test]
fn who_taps_leads_the_band() -> anyhow::Result<()> {
    let voice = demo_voice(RATE as u32);
    for mut plugin in both()? {
        plugin.activate(Activation { rate: RATE as u32, max_block: 480, is_offline: true })?;
        plugin.set("Lead", "Host")?;
        let mut heard = Heard::default();
        for (index, chunk) in voice[..20 * RATE as usize].chunks(480).enumerate() {
            let at = 480 * index as i64;
            if at % BEAT == 0 && at < 8 * BEAT {
                plugin.press(TAP)?;
            }
            // The host says another tempo: it does not count.
            plugin.process([chunk, chunk], Transport::playing(at, 131.0), &mut heard)?;
        }
        let kicks: Vec<i64> = heard
            .notes
            .iter()
            .filter(|note| note.channel == 10 && matches!(note.kind, NoteKind::On { key: 36, .. }))
            .map(|note| note.at)
            .collect();
        // Half beats, and a player's freedom.
        let off = |at: &i64| (at + BEAT / 4).rem_euclid(BEAT / 2) - BEAT / 4;
        let near = kicks.iter().filter(|at| off(at).abs() < RATE * 30 / 1000).count();
        assert!(kicks.len() > 8, "{}: only {} kicks", plugin.format(), kicks.len());
        assert!(near * 10 >= kicks.len() * 9, "{}: {near} of {}", plugin.format(), kicks.len());
    }
    Ok(())
}
