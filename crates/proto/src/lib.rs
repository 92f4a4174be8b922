//! The contract of Larder as Rust: messages, clients, servers and descriptors, generated
//! from `proto/` and committed. Nothing here is written by hand but this page; after a
//! change under `proto/` run `cargo xtask gen`.

#[expect(missing_docs, clippy::all, clippy::allow_attributes, reason = "generated from proto/")]
#[rustfmt::skip]
mod r#gen {
    include!("gen/packages.rs");
}
#[rustfmt::skip]
#[path = "gen/rules.rs"]
mod rules;
#[rustfmt::skip]
#[path = "gen/scopes.rs"]
mod scopes;

pub use r#gen::google;
pub use r#gen::larder;

/// Every file of the contract as an encoded `google.protobuf.FileDescriptorSet`, with the
/// `google.api.http` and `required_scope` options in it.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptors.bin");

/// Returns the scope that the RPC at `path` (`/package.Service/Method`) needs, or `None`
/// when the path is no RPC of Larder's own.
pub fn required_scope(path: &str) -> Option<&'static str> {
    scopes::SCOPES.binary_search_by_key(&path, |(rpc, _)| rpc).ok().map(|at| scopes::SCOPES[at].1)
}
