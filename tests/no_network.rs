//! No program of this workspace can reach a network: nothing in its resolved dependencies speaks HTTP, TLS, DNS or
//! opens sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

/// Crates that talk to networks, or through which others do.
const NETWORK: [&str; 63] = [
    "actix-web",
    "async-h1",
    "async-io",
    "async-net",
    "async-std",
    "attohttpc",
    "awc",
    "axum",
    "boring",
    "c-ares",
    "curl",
    "curl-sys",
    "dns-lookup",
    "ehttp",
    "git2",
    "h2",
    "h3",
    "hickory-client",
    "hickory-proto",
    "hickory-resolver",
    "http-req",
    "http_req",
    "httparse",
    "hyper",
    "hyper-rustls",
    "hyper-tls",
    "hyper-util",
    "if-addrs",
    "isahc",
    "libssh2-sys",
    "mbedtls",
    "mdns-sd",
    "mio",
    "minreq",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quiche",
    "quinn",
    "quinn-proto",
    "reqwest",
    "rouille",
    "rustls",
    "rustls-native-certs",
    "s2n-tls",
    "schannel",
    "sentry",
    "smoltcp",
    "socket2",
    "ssh2",
    "surf",
    "tiny_http",
    "tokio",
    "tokio-rustls",
    "tokio-tungstenite",
    "tonic",
    "trust-dns-proto",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
    "warp",
    "webpki-roots",
    "zmq",
];

/// Whether a dependency is needed in web browsers only: no program of ours is built for them.
fn is_browser(target: &Value) -> bool {
    target
        .as_str()
        .is_some_and(|t| t == "cfg(target_family = \"wasm\")" || t == "cfg(target_arch = \"wasm32\")")
}

/// The chains from members of the workspace to crates that talk to networks, shortest first for each crate.
///
/// What only tests use is left out: it is in no program.
fn chains_to_network(metadata: &Value) -> Vec<String> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: BTreeMap<String, String> =
        list(&metadata["packages"]).iter().map(|p| (id(&p["id"]), id(&p["name"]))).collect();
    let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let is_built = |dep: &&Value| {
            list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev" && !is_browser(&kind["target"]))
        };
        let deps = list(&node["deps"]);
        needs.insert(id(&node["id"]), deps.iter().filter(is_built).map(|d| id(&d["pkg"])).collect());
    }
    let mut found = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut front: Vec<(String, String)> = list(&metadata["workspace_members"])
        .iter()
        .map(|member| (id(member), names.get(&id(member)).cloned().unwrap_or_default()))
        .collect();
    while !front.is_empty() {
        let mut next = Vec::new();
        for (package, chain) in front {
            if !seen.insert(package.clone()) {
                continue;
            }
            if names.get(&package).is_some_and(|name| NETWORK.contains(&name.as_str())) {
                found.push(chain.clone());
            }
            for need in needs.get(&package).into_iter().flatten() {
                let name = names.get(need).map_or("?", String::as_str);
                next.push((need.clone(), format!("{chain} -> {name}")));
            }
        }
        front = next;
    }
    found
}

/// What cargo says of the workspace.
fn cargo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Every package that is built for a platform of ours, as "name v1.2.3".
fn listed() -> BTreeSet<String> {
    let platforms =
        ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "x86_64-apple-darwin", "aarch64-apple-darwin"];
    let tree = |platform| {
        let edges = ["tree", "--workspace", "--prefix", "none", "--format", "{p}", "--edges", "normal,build"];
        let text = cargo(&[&edges[..], &["--target", platform]].concat());
        let first_two = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        String::from_utf8_lossy(&text).lines().map(first_two).collect::<Vec<_>>()
    };
    platforms.into_iter().flat_map(tree).collect()
}

#[test]
fn no_program_depends_on_a_network_crate() {
    let mut metadata: Value =
        serde_json::from_slice(&cargo(&["metadata", "--format-version", "1"])).expect("JSON");
    // The metadata follows every optional dependency that some feature mentions, whether or not it is turned on.
    let listed = listed();
    if let Some(packages) = metadata["packages"].as_array_mut() {
        packages.retain(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            listed.contains(&format!("{} v{}", text("name"), text("version")))
        });
        assert!(packages.len() > 50, "{} packages cannot be all", packages.len());
    }
    let members = metadata["workspace_members"].as_array().map_or(0, Vec::len);
    let nodes = metadata["resolve"]["nodes"].as_array().map_or(0, Vec::len);
    assert!(members >= 3 && nodes > 50, "{members} members and {nodes} packages cannot be all");
    assert_eq!(chains_to_network(&metadata), Vec::<String>::new());
}

/// A tree in which the library needs `middle`, and `middle` needs `last` in some way.
fn tree(last: &str, kinds: &[Option<&str>]) -> Value {
    let kinds: Vec<Value> = kinds.iter().map(|kind| json!({ "kind": kind })).collect();
    json!({
        "workspace_members": ["a"],
        "packages": [
            { "id": "a", "name": "library" }, { "id": "b", "name": "middle" }, { "id": "c", "name": last },
        ],
        "resolve": { "nodes": [
            { "id": "a", "deps": [{ "pkg": "b", "dep_kinds": [{ "kind": null }] }] },
            { "id": "b", "deps": [{ "pkg": "c", "dep_kinds": kinds }] },
            { "id": "c", "deps": [] },
        ]},
    })
}

#[test]
fn the_detector_fires() {
    for kinds in [&[None][..], &[Some("build")], &[Some("dev"), None]] {
        for name in NETWORK {
            assert_eq!(chains_to_network(&tree(name, kinds)), [format!("library -> middle -> {name}")]);
        }
    }
    assert!(chains_to_network(&tree("hyperbolic", &[None])).is_empty(), "a part of a name was taken for it");
    assert!(
        chains_to_network(&tree("hyper", &[Some("dev")])).is_empty(),
        "what only tests use is in no program"
    );
}
