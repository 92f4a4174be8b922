select
    incident_id,
    incident_number,
    route,
    receiver,
    group_key,
    group_labels as "group_labels: Json<Texts>",
    title,
    severity,
    runbook_url,
    common_labels as "common_labels: Json<Texts>",
    common_annotations as "common_annotations: Json<Texts>",
    state,
    alerting.to_micros(opened_at) as "opened_at_us!",
    alerting.to_micros(paged_at) as paged_at_us,
    alerting.to_micros(acknowledged_at) as acknowledged_at_us,
    acknowledged_by,
    alerting.to_micros(resolved_at) as resolved_at_us,
    resolved_by,
    alerting.to_micros(snoozed_until) as snoozed_until_us,
    is_source_lost,
    is_flapping,
    firing_count,
    alert_count,
    revision,
    escalation
from alerting.incidents
where tenant_id = $1
    and ($2::text is null and state <> 'resolved' or state = $2)
    and ($3::bigint is null or incident_number < $3)
order by incident_number desc
limit $4
