//! Head sampling: whether a request is traced is decided once, at its head, before any span exists, so that an
//! unsampled request pays for none. The caller's decision is followed; a request without one draws by the ratio.

use std::sync::OnceLock;

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};

/// Set when an exporter is installed; the layers are made in places that know no settings.
static EXPORTED_RATIO: OnceLock<f64> = OnceLock::new();

/// What the head of a request decided.
pub(crate) enum Decision {
    /// A span is made under this parent.
    Sampled(Context),
    /// No span is made; this identity is logged and passed on.
    Unsampled(SpanContext),
}

/// Marks a root context as already drawn, so that the sampler does not draw again.
#[derive(Debug)]
struct Drawn;

/// Says that spans have somewhere to go. The first call of a process wins.
pub(crate) fn enable(ratio: f64) {
    let _ = EXPORTED_RATIO.set(ratio);
}

/// Decides for a request whose caller was `remote`.
pub(crate) fn decide(remote: Option<SpanContext>) -> Decision {
    let ratio = EXPORTED_RATIO.get();
    match (remote, ratio) {
        (Some(remote), Some(_)) if remote.is_sampled() => {
            Decision::Sampled(Context::new().with_remote_span_context(remote))
        }
        (Some(remote), _) => Decision::Unsampled(remote),
        (None, Some(&ratio)) if draw(ratio, RandomIdGenerator::default().new_trace_id()) => {
            Decision::Sampled(Context::new().with_value(Drawn))
        }
        (None, _) => Decision::Unsampled(unsampled_root()),
    }
}

/// A new identity that says it is not sampled: callees then do not draw again, and logs can still be joined.
pub(crate) fn unsampled_root() -> SpanContext {
    let ids = RandomIdGenerator::default();
    SpanContext::new(ids.new_trace_id(), ids.new_span_id(), TraceFlags::NOT_SAMPLED, true, TraceState::NONE)
}

/// The provider's sampler: a parent's decision, a request's own draw, and the ratio for jobs, which have neither.
pub(crate) fn sampler(ratio: f64) -> Sampler {
    Sampler::ParentBased(Box::new(RootSampler { ratio }))
}

#[derive(Clone, Debug)]
struct RootSampler {
    ratio: f64,
}

impl ShouldSample for RootSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let drawn = parent.is_some_and(|context| context.get::<Drawn>().is_some());
        let sampled = drawn || draw(self.ratio, trace_id);
        let decision = if sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

/// True for the share `ratio` of all trace ids, by their random lower half.
fn draw(ratio: f64, trace_id: TraceId) -> bool {
    let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
    let uniform = (u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11) as f64 / (1_u64 << 53) as f64;
    uniform < ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_drawn_follows_the_ratio() {
        let ids = RandomIdGenerator::default();
        let drawn = |ratio: f64| (0..10_000).filter(|_| draw(ratio, ids.new_trace_id())).count();
        assert_eq!(drawn(0.0), 0);
        assert_eq!(drawn(1.0), 10_000);
        let tenth = drawn(0.1);
        assert!((800..1_200).contains(&tenth), "{tenth} of 10,000");
    }

    #[test]
    fn without_an_exporter_a_sampled_caller_is_passed_on_unchanged() {
        let ids = RandomIdGenerator::default();
        let (trace_id, span_id) = (ids.new_trace_id(), ids.new_span_id());
        let remote = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::NONE);
        let Decision::Unsampled(onward) = decide(Some(remote.clone())) else { panic!("a span was made") };
        assert_eq!(onward, remote);
    }
}
