insert into alerting.incidents (
    tenant_id, incident_id, incident_number, route, receiver, group_key, group_labels, title, severity,
    runbook_url, common_labels, common_annotations, state, opened_at, is_source_lost, is_flapping,
    firing_count, alert_count, escalation
)
select
    $1, incident_id, incident_number, route, receiver, group_key, group_labels, title, severity,
    runbook_url, common_labels, common_annotations, state, alerting.from_micros(opened_at_us),
    is_source_lost, is_flapping, firing_count, alert_count, coalesce(escalation, 'null')
from jsonb_to_recordset($2::jsonb) as incoming (
    incident_id uuid, incident_number bigint, route text, receiver text, group_key text, group_labels jsonb,
    title text, severity text, runbook_url text, common_labels jsonb, common_annotations jsonb, state text,
    opened_at_us bigint, is_source_lost boolean, is_flapping boolean, firing_count integer,
    alert_count integer, escalation jsonb
)
