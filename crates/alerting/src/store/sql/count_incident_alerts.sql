select
    members.incident_id,
    count(*) filter (where members.is_firing)::integer as "firing!",
    count(*) filter (where members.is_firing and not members.is_hidden)::integer as "visible!",
    count(*)::integer as "all!",
    count(*) filter (where members.is_firing and alerts.lost_at is not null)::integer as "lost!",
    count(*) filter (where members.is_firing and alerts.damped_until is not null)::integer as "flapping!"
from alerting.incident_alerts as members
-- By the key for each: as a plain join of tables that were never analysed it compares all with all.
left join lateral (
    select known.lost_at, known.damped_until
    from alerting.alerts as known
    where known.tenant_id = members.tenant_id and known.fingerprint = members.fingerprint
    limit 1
) as alerts on true
where members.tenant_id = $1 and members.incident_id = any($2)
group by members.incident_id
