//! Each rule fires where it should, and only there.

use super::Source;
use super::rules::{check, documents_exist, module_order};

const LIB: &str = "//! mod no;\npub mod time;\npub mod audio;\nmod engine;\npub mod bounce;\n";

fn problems(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    check(&Source { path: path.to_owned(), text: text.to_owned() }, &module_order(LIB), &mut problems);
    problems
}

#[track_caller]
fn fires(path: &str, text: &str, part: &str) {
    let found = problems(path, text);
    assert!(found.len() == 1 && found[0].contains(part), "{path}: {text:?} gave {found:?}");
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_eq!(problems(path, text), Vec::<String>::new(), "{path}: {text:?}");
}

#[test]
fn the_order_is_that_of_lib_rs() {
    assert_eq!(module_order(LIB), ["time", "audio", "engine", "bounce"]);
}

#[test]
fn modules_import_only_from_above() {
    fires(
        "src/audio/file.rs",
        "\nuse crate::engine::run;",
        "src/audio/file.rs:2: audio must not import engine",
    );
    fires("src/time.rs", "use crate::{time::Hz, audio::{self, Block}};", "must not import audio");
    fires("src/audio/mod.rs", "fn f() { crate::bounce::bounce(); }", "must not import bounce");
    passes("src/audio/file.rs", "use crate::time::Hz;\nuse crate::audio::Block;");
    passes("src/audio/file.rs", "/// See [`crate::engine::run`].\nuse mycrate::engine;");
    passes("src/audio/file.rs", "use crate::{time::{engine, Hz}, audio};");
    passes("src/cli/args.rs", "use crate::engine;");
}

#[test]
fn the_net_library_stays_in_its_modules() {
    fires("src/engine/mod.rs", "use burn::tensor::Tensor;", "burn belongs");
    passes("models/src/pitch/net.rs", "use burn::tensor::Tensor;");
    fires("src/listen/f0/net.rs", "use burn::tensor::Tensor;", "burn belongs");
    passes("src/engine/mod.rs", "fn sunburn() { sunburn::burn(); }");
}

#[test]
fn the_plugin_library_stays_in_the_plugin() {
    fires("src/engine/mod.rs", "use nice_plug::prelude::*;", "nice_plug belongs");
    passes("plugin/src/lib.rs", "use nice_plug::prelude::*;");
}

#[test]
fn the_audio_side_holds_nothing_that_waits() {
    for text in ["use parking_lot::Mutex;", "use std::sync::Condvar;", "use crossbeam::channel;"] {
        fires("plugin/src/deck.rs", text, "locks nothing");
        passes("plugin/src/desk/mod.rs", text);
    }
}

#[test]
fn threads_and_clocks_stay_outside_the_stages() {
    for text in ["std::thread::yield_now()", "use std::time::{Duration, Instant};", "SystemTime::now()"] {
        fires("src/follow/beat.rs", text, "threads and clocks");
        passes("src/engine/live.rs", text);
        passes("src/cli/progress.rs", text);
        passes("xtask/src/test.rs", text);
    }
    passes("src/follow/beat.rs", "// An Instant of time.\nlet text = \"Instant\";");
}

#[test]
fn files_stay_at_the_edges() {
    for text in ["use std::fs::read;", "File::open(path)", "OpenOptions::new()"] {
        fires("src/listen/mod.rs", text, "files belong");
        for path in ["src/audio/file/decode.rs", "src/bounce/mix.rs", "src/song/file.rs", "src/main.rs"] {
            passes(path, text);
        }
        passes("src/listen/tests.rs", text);
        passes("src/listen/mod.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}\n}}"));
        fires("src/audio/resample.rs", text, "files belong");
    }
}

#[test]
fn nothing_opens_a_socket() {
    fires("src/cli/mod.rs", "use std::net::SocketAddr;", "network");
    fires("eval/src/main.rs", "TcpStream::connect(a)", "network");
}

#[test]
fn unsafe_says_why() {
    fires("src/time.rs", "fn f() {\n    unsafe { g() }\n}", "src/time.rs:2: unsafe");
    fires("src/time.rs", "// SAFETY: for another.\n\nunsafe impl Send for X {}", "SAFETY");
    passes("src/time.rs", "// SAFETY: g\n// asks nothing.\n#[inline]\nunsafe fn g() {}");
    passes("src/time.rs", "#![deny(unsafe_op_in_unsafe_fn)]\nlet a = \"unsafe\"; // unsafe");
}

#[test]
fn files_are_short() {
    fires("src/time.rs", &"\n".repeat(601), "601 lines");
    fires("tests/golden.rs", &"\n".repeat(601), "601 lines");
    passes("src/time.rs", &"\n".repeat(600));
    passes("docs/long.md", &"\n".repeat(2000));
}

#[test]
fn nothing_is_left_unfinished() {
    fires("src/time.rs", "fn f() { todo!() }", "todo");
    fires("src/time.rs", "unimplemented!(\"later\")", "unimplemented");
    fires("src/time.rs", concat!("// FIX", "ME: wrong"), concat!("FIX", "ME"));
    fires("README.md", concat!("XX", "X"), concat!("XX", "X"));
    passes("src/time.rs", "// A todo!() in words; mytodo!()");
    passes("COPYING", concat!("XX", "X"));
}

#[test]
fn paths_of_one_machine_are_found() {
    fires("README.md", concat!("see /ho", "me/me/x"), "README.md:1: a path of one machine");
    fires(".ci/run", concat!("\ncd /wo", "rk/x"), ".ci/run:2");
    fires("Cargo.toml", concat!("path = \"/Use", "rs/me/x\""), "one machine");
    passes("README.md", concat!("https://example.org/ho", "me/x and art/wo", "rk/x and ./ro", "ot/x"));
}

#[test]
fn documents_that_the_readme_names_exist() {
    let text = "See [chart](docs/chart.md), docs/gone.md. And docs/schema.json";
    let source = Source { path: "README.md".to_owned(), text: text.to_owned() };
    let mut problems = Vec::new();
    documents_exist(&source, &|path| path == "docs/chart.md", &mut problems);
    assert_eq!(problems, ["README.md:1: docs/gone.md does not exist"]);
}
