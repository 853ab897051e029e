//! In real time the plugin never waits.
#![cfg(target_os = "linux")]

use std::time::Duration;

use collavoce_hosts::{Activation, Heard, Transport, both, demo_voice};
use nix::sys::resource::{Usage, UsageWho, getrusage};

const RATE: u32 = 48_000;
const BLOCK: usize = 64;

/// What the kernel counts of this thread.
fn usage() -> Usage {
    getrusage(UsageWho::RUSAGE_THREAD).expect("the kernel counts what a thread uses")
}

/// How often this thread has given the processor away of its own accord.
fn waits() -> f64 {
    usage().voluntary_context_switches() as f64
}

/// How often a page had to be found for this thread. The kernel may make it wait for one meanwhile, as
/// another thread asks for memory: no wait that the plugin has chosen.
fn faults() -> i64 {
    usage().minor_page_faults() + usage().major_page_faults()
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
            let mut waits_for_pages = 0.0;
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
                let faults_before = faults();
                plugin.meter().sum = 0.0;
                plugin.process([chunk, chunk], transport, &mut heard)?;
                let waited = plugin.meter().sum;
                if faults() == faults_before {
                    assert_eq!(waited, 0.0, "{} {mode}: it waited in block {block}", plugin.format());
                }
                waits_for_pages += waited;
            }
            let notes = heard.ons().len();
            let format = plugin.format();
            assert!(waits_for_pages < 10.0, "{format} {mode}: it waited {waits_for_pages} times for a page");
            assert!(mode == "Live" || notes > 20, "{} {mode}: only {notes} notes", plugin.format());
        }
    }
    Ok(())
}
