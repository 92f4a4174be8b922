//! Calls about silences.

use larder_identity::Caller;
use larder_identity::page::{self, PageOf};
use larder_oncall::matcher::{Comparison, Matcher as OnCallMatcher, Matchers};
use larder_oncall::silence::{Silence as OnCallSilence, SilenceState, SilenceTime};
use larder_proto::larder::alerting::v1::*;

use crate::clock;
use crate::convert;
use crate::error::Error;
use crate::silencing::{self, Wish};
use crate::state::State;
use crate::store::silences::{self, SilenceRow};

const PREVIEWED: usize = 100;
const WINDOWS_PREVIEWED: usize = 10;
/// The beginning of all time: lists everything.
const EVER_US: i64 = 0;

pub(super) async fn create(
    state: &State,
    caller: &Caller,
    request: CreateSilenceRequest,
) -> Result<CreateSilenceResponse, Error> {
    let now_us = (state.clock)();
    let wish = wish(request.silence, caller, now_us)?;
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let silence = silencing::make(&mut transaction, &caller.tenant, &wish, now_us).await?;
    let row = silences::get(&mut transaction, &caller.tenant, &silence.id).await?;
    transaction.commit().await?;
    state.arrived.notify_one();
    Ok(CreateSilenceResponse { silence: row.and_then(|row| to_wire(&row, now_us)) })
}

pub(super) async fn list(
    state: &State,
    caller: &Caller,
    request: ListSilencesRequest,
) -> Result<ListSilencesResponse, Error> {
    let size = page::size(request.page_size)?;
    let now_us = (state.clock)();
    let of =
        PageOf { tenant: &caller.tenant, list: "silences", filters: request.include_expired.to_string() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let ends_after_us = if request.include_expired { EVER_US } else { now_us };
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let mut rows = silences::list(&mut transaction, &caller.tenant, ends_after_us, &after, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.silence_id.clone());
    Ok(ListSilencesResponse {
        silences: rows.iter().filter_map(|row| to_wire(row, now_us)).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn get(
    state: &State,
    caller: &Caller,
    request: GetSilenceRequest,
) -> Result<GetSilenceResponse, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let row = silences::get(&mut transaction, &caller.tenant, &request.silence_id).await?;
    transaction.commit().await?;
    let silence = row.and_then(|row| to_wire(&row, (state.clock)()));
    silence
        .map(|silence| GetSilenceResponse { silence: Some(silence) })
        .ok_or(Error::NotFound { noun: "silence" })
}

pub(super) async fn expire(
    state: &State,
    caller: &Caller,
    request: ExpireSilenceRequest,
) -> Result<ExpireSilenceResponse, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    silencing::expire(&mut transaction, &caller.tenant, &request.silence_id, (state.clock)()).await?;
    transaction.commit().await?;
    state.arrived.notify_one();
    Ok(ExpireSilenceResponse {})
}

pub(super) async fn preview(
    state: &State,
    caller: &Caller,
    request: PreviewSilenceRequest,
) -> Result<PreviewSilenceResponse, Error> {
    let now_us = (state.clock)();
    let wish = wish(request.silence, caller, now_us)?;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, &caller.tenant).await?;
    let (silence, meant) = silencing::consider(&mut transaction, &caller.tenant, &wish, now_us).await?;
    transaction.commit().await?;
    Ok(PreviewSilenceResponse {
        alert_count: i32::try_from(meant.len()).unwrap_or(i32::MAX),
        alerts: meant.iter().take(PREVIEWED).map(convert::alert).collect(),
        next_starts_at: next_starts(&silence, now_us),
    })
}

/// When it will hide alerts next.
fn next_starts(silence: &OnCallSilence, now_us: i64) -> Vec<prost_types::Timestamp> {
    let mut at = clock::timestamp(now_us);
    let mut starts = Vec::new();
    if let SilenceTime::Recurring { recurrence, .. } = &silence.when {
        while let Some((starts_at, _)) =
            recurrence.next_after(at).filter(|_| starts.len() < WINDOWS_PREVIEWED)
        {
            starts.push(convert::timestamp(starts_at.as_microsecond()));
            at = starts_at;
        }
    } else if let SilenceState::Pending { starts_at } = silence.state_at(at) {
        starts.push(convert::timestamp(starts_at.as_microsecond()));
    }
    starts
}

fn wish(silence: Option<Silence>, caller: &Caller, now_us: i64) -> Result<Wish, Error> {
    let silence = silence.ok_or_else(|| Error::invalid("silence", "must be given"))?;
    let matchers = silence.matchers.iter().enumerate().map(|(index, matcher)| {
        let comparison = match (matcher.regex, matcher.negative) {
            (false, false) => Comparison::Equal,
            (false, true) => Comparison::NotEqual,
            (true, false) => Comparison::Like,
            (true, true) => Comparison::NotLike,
        };
        OnCallMatcher::new(matcher.name.clone(), comparison, matcher.value.clone())
            .map_err(|refused| Error::invalid(format!("silence.matchers[{index}]"), refused.to_string()))
    });
    let ends_at = silence.ends_at.ok_or_else(|| Error::invalid("silence.ends_at", "must be given"))?;
    let starts_at = silence.starts_at.map(|at| convert::micros("silence.starts_at", &at)).transpose()?;
    Ok(Wish {
        silence_id: silence.silence_id,
        matchers: Matchers::new(matchers.collect::<Result<_, _>>()?),
        starts_at_us: starts_at.unwrap_or(now_us),
        ends_at_us: convert::micros("silence.ends_at", &ends_at)?,
        created_by: if silence.created_by.is_empty() { caller.subject.clone() } else { silence.created_by },
        comment: silence.comment,
        recurrence_rule: silence.recurrence_rule,
        time_zone: silence.time_zone,
        until_resolved: silence.until_resolved,
    })
}

fn to_wire(row: &SilenceRow, now_us: i64) -> Option<Silence> {
    let silence = silencing::read(row)?;
    let state = silence.state_at(clock::timestamp(now_us));
    let active = matches!(state, SilenceState::Active { .. }) && row.ends_at_us > now_us;
    let (starts_at, rule, zone) = match &silence.when {
        SilenceTime::Fixed { starts_at, .. } | SilenceTime::UntilResolved { starts_at, .. } => {
            (Some(*starts_at), String::new(), String::new())
        }
        SilenceTime::Recurring { .. } => {
            // The rule is written down as it was asked for.
            let kept = &row.silence["when"]["recurrence"];
            let text = |name: &str| kept[name].as_str().unwrap_or_default().to_owned();
            let starts_at = match state {
                SilenceState::Pending { starts_at } => Some(starts_at),
                SilenceState::Active { .. } | SilenceState::Expired => None,
            };
            (starts_at, text("rule"), text("time_zone"))
        }
    };
    let matchers = silence.matchers.iter().flat_map(Matchers::iter).map(|matcher| Matcher {
        name: matcher.name().to_owned(),
        value: matcher.value().to_owned(),
        regex: matches!(matcher.comparison(), Comparison::Like | Comparison::NotLike),
        negative: matches!(matcher.comparison(), Comparison::NotEqual | Comparison::NotLike),
    });
    Some(Silence {
        silence_id: silence.id.clone(),
        matchers: matchers.collect(),
        starts_at: starts_at.map(|at| convert::timestamp(at.as_microsecond())),
        ends_at: Some(convert::timestamp(row.ends_at_us)),
        created_by: silence.created_by.clone(),
        comment: silence.comment.clone(),
        recurrence_rule: rule,
        time_zone: zone,
        until_resolved: matches!(silence.when, SilenceTime::UntilResolved { .. }),
        active,
    })
}
