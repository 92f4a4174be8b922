//! Generates `src/gen` from `proto/` and proves that what is committed is what comes out.
//! With `LARDER_UPDATE_GENERATED=1` it writes instead of comparing; `cargo xtask gen` does that.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, Value};

#[path = "generated/rules.rs"]
mod rules;

fn crate_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn proto_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            proto_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
}

fn generate(into: &Path) {
    let root = crate_dir().join("../../proto");
    let mut files = Vec::new();
    proto_files(&root.join("larder"), &mut files);
    // No service imports the details, but whoever renders a Status as JSON must know them.
    files.push(root.join("google/rpc/error_details.proto"));
    files.sort();
    let mut compiler = protox::Compiler::new([&root]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files).unwrap();
    let set = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .out_dir(into)
        .include_file("packages.rs")
        .emit_rerun_if_changed(false)
        .extern_path(".google.rpc", "::tonic_types::pb")
        .btree_map(".")
        .codec_path("larder_rules::RuledCodec")
        .compile_fds(set)
        .unwrap();
    let bytes = compiler.encode_file_descriptor_set();
    std::fs::write(into.join("descriptors.bin"), &bytes).unwrap();
    std::fs::write(into.join("scopes.rs"), scopes(&bytes)).unwrap();
    std::fs::write(into.join("rules.rs"), rules::write(&bytes)).unwrap();
}

/// The table behind `required_scope`, sorted by path so that it can be searched.
fn scopes(descriptors: &[u8]) -> String {
    let pool = DescriptorPool::decode(descriptors).unwrap();
    let extension = pool.get_extension_by_name("larder.identity.v1.required_scope").unwrap();
    let mut table = BTreeMap::new();
    for service in pool.services().filter(|service| service.full_name().starts_with("larder.")) {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let options = method.options();
            let scope = options.get_extension(&extension);
            let Value::String(scope) = scope.as_ref() else { panic!("{path}: no scope") };
            assert!(!scope.is_empty(), "{path} declares no required_scope");
            table.insert(path, scope.clone());
        }
    }
    let mut text = String::from(
        "// @generated from the required_scope options in proto/\npub(crate) const SCOPES: &[(&str, &str)] = &[\n",
    );
    for (path, scope) in table {
        writeln!(text, "    ({path:?}, {scope:?}),").unwrap();
    }
    text + "];\n"
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn committed_code_is_what_the_protos_generate() {
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let committed = crate_dir().join("src/gen");
    if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
        for name in contents(&committed).keys() {
            std::fs::remove_file(committed.join(name)).unwrap();
        }
        for (name, bytes) in contents(fresh.path()) {
            std::fs::write(committed.join(name), bytes).unwrap();
        }
        return;
    }
    let (fresh, committed) = (contents(fresh.path()), contents(&committed));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fresh), names(&committed), "run `cargo xtask gen`");
    for (name, bytes) in &fresh {
        assert!(bytes == &committed[name], "src/gen/{name} is stale: run `cargo xtask gen`");
    }
}
