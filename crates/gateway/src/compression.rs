//! Answers are compressed for whoever asks for it: zstd, Brotli or gzip. Not those that would not
//! gain, and not streams, whose lines must not wait for each other.

use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// A packet is sent anyway.
const LEAST_BYTES: u64 = 1_024;

/// Compresses what is worth it.
pub(crate) fn layer() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(LEAST_BYTES)
        .and(NotForContentType::GRPC)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("application/x-ndjson"));
    CompressionLayer::new().compress_when(worth_it)
}
