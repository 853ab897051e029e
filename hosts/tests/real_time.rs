//! In real time the plugin never waits.
#![cfg(target_os = "linux")]

use std::time::Duration;

use collavoce_hosts::{Activation, Heard, Transport, both, demo_voice};

const RATE: u32 = 48_000;
const BLOCK: usize = 64;

/// How often this thread has given the processor away of its own accord.
fn waits() -> f64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.and_then(|count| count.trim().parse().ok()).expect("the kernel counts context switches")
}

#[test]
fn ten_thousand_blocks_wait_for_nothing() -> anyhow::Result<()> {
    let before = waits();
    std::thread::sleep(Duration::from_millis(1));
    assert!(waits() > before, "a wait is counted");
    let voice = demo_voice(RATE);
    for mut plugin in both()? {
        plugin.activate(Activation { rate: RATE, max_block: 1024, is_offline: true })?;
        plugin.capture(&voice, 0, 1024)?;
        for mode in ["Live", "Studio"] {
            plugin.set("Mode", mode)?;
            plugin.activate(Activation { rate: RATE, max_block: BLOCK, is_offline: false })?;
            plugin.stand(BLOCK, &mut Heard::default())?;
            let mut heard = Heard::default();
            plugin.meter().read = Some(waits);
            plugin.meter().sum = 0.0;
            for block in 0..10_000 {
                let at = block * BLOCK;
                let chunk = &voice[at..at + BLOCK];
                // Now and then what the threads work on changes under them.
                if block % 500 == 0 {
                    // Blocks come far faster than music here; the threads are given time to follow.
                    std::thread::sleep(Duration::from_millis(150));
                    plugin.set("Guitar take", &(block / 500 % 7 + 1).to_string())?;
                }
                let transport = Transport::playing(at as i64, 120.0);
                plugin.process([chunk, chunk], transport, &mut heard)?;
            }
            let notes = heard.ons().len();
            let waited = plugin.meter().sum;
            assert_eq!(waited, 0.0, "{} {mode}: it waited", plugin.format());
            assert!(mode == "Live" || notes > 20, "{} {mode}: only {notes} notes", plugin.format());
        }
    }
    Ok(())
}
