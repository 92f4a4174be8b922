select
    alerts.fingerprint,
    alerts.labels as "labels: Json<Labels>",
    alerts.annotations as "annotations: Json<BTreeMap<String, String>>",
    alerts.generator_url,
    alerts.source,
    alerting.to_micros(alerts.starts_at) as "starts_at_us!",
    alerting.to_micros(alerts.resolved_at) as resolved_at_us,
    alerting.to_micros(alerts.expires_at) as expires_at_us,
    alerting.to_micros(alerts.lost_at) as lost_at_us,
    alerting.to_micros(alerts.updated_at) as "updated_at_us!",
    alerts.damped_until is not null as "is_flapping!",
    alerts.silence_ids,
    alerts.is_inhibited
from alerting.incident_alerts as members
-- By the key for each: as a plain join of tables that were never analysed it compares all with all.
cross join lateral (
    select known.*
    from alerting.alerts as known
    where known.tenant_id = members.tenant_id and known.fingerprint = members.fingerprint
    limit 1
) as alerts
where members.tenant_id = $1 and members.incident_id = $2
order by members.is_firing desc, alerts.starts_at, alerts.fingerprint
limit $3
