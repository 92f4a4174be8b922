update alerting.incidents as known
set
    title = changed.title,
    severity = changed.severity,
    runbook_url = changed.runbook_url,
    common_labels = changed.common_labels,
    common_annotations = changed.common_annotations,
    state = changed.state,
    paged_at = alerting.from_micros(changed.paged_at_us),
    acknowledged_at = alerting.from_micros(changed.acknowledged_at_us),
    acknowledged_by = changed.acknowledged_by,
    resolved_at = alerting.from_micros(changed.resolved_at_us),
    resolved_by = changed.resolved_by,
    snoozed_until = alerting.from_micros(changed.snoozed_until_us),
    is_source_lost = changed.is_source_lost,
    is_flapping = changed.is_flapping,
    revision = changed.revision,
    escalation = coalesce(changed.escalation, 'null'),
    firing_count = changed.firing_count,
    alert_count = changed.alert_count
from jsonb_to_recordset($2::jsonb) as changed (
    incident_id uuid, title text, severity text, runbook_url text, common_labels jsonb,
    common_annotations jsonb, state text, paged_at_us bigint, acknowledged_at_us bigint,
    acknowledged_by text, resolved_at_us bigint, resolved_by text, snoozed_until_us bigint,
    is_source_lost boolean, is_flapping boolean, revision integer, escalation jsonb, firing_count integer, alert_count integer
)
where known.tenant_id = $1 and known.incident_id = changed.incident_id
