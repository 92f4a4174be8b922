insert into alerting.alerts as known (
    tenant_id, fingerprint, labels, annotations, generator_url, source, starts_at, resolved_at,
    expires_at, lost_at, resolve_held_at, updated_at, revision, is_pending, inhibits, flaps,
    damped_until
)
select
    $1, fingerprint, labels, annotations, generator_url, source,
    alerting.from_micros(starts_at_us),
    alerting.from_micros(resolved_at_us),
    alerting.from_micros(expires_at_us),
    alerting.from_micros(lost_at_us),
    alerting.from_micros(resolve_held_at_us),
    alerting.from_micros(updated_at_us),
    revision, is_pending, inhibits, flaps,
    alerting.from_micros(damped_until_us)
from jsonb_to_recordset($2::jsonb) as incoming (
    fingerprint bigint, labels jsonb, annotations jsonb, generator_url text, source text,
    starts_at_us bigint, resolved_at_us bigint, expires_at_us bigint, lost_at_us bigint,
    resolve_held_at_us bigint, updated_at_us bigint, revision bigint, is_pending boolean, inhibits boolean,
    flaps jsonb, damped_until_us bigint
)
order by fingerprint
on conflict (tenant_id, fingerprint) do update set
    annotations = excluded.annotations,
    generator_url = excluded.generator_url,
    source = excluded.source,
    starts_at = excluded.starts_at,
    resolved_at = excluded.resolved_at,
    expires_at = excluded.expires_at,
    lost_at = excluded.lost_at,
    resolve_held_at = excluded.resolve_held_at,
    updated_at = excluded.updated_at,
    revision = excluded.revision,
    -- Somebody may have asked for another look since it was read.
    is_pending = known.is_pending or excluded.is_pending,
    inhibits = excluded.inhibits,
    flaps = excluded.flaps,
    damped_until = excluded.damped_until
where known.revision = excluded.revision - 1
returning fingerprint
