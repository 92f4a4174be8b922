insert into alerting.notifications (
    tenant_id, notification_id, incident_id, channel, recipient, kind, severity, dedup_key, state,
    attempts, created_at, next_at, expires_at
)
select
    $1, notification_id, incident_id, channel, recipient, kind, severity, dedup_key, 'waiting',
    0, alerting.from_micros(created_at_us), alerting.from_micros(created_at_us),
    alerting.from_micros(expires_at_us)
from jsonb_to_recordset($2::jsonb) as incoming (
    notification_id uuid, incident_id uuid, channel text, recipient text, kind text, severity text,
    dedup_key text, created_at_us bigint, expires_at_us bigint
)
where incoming.kind <> 'update'
    or not exists (
        select from alerting.notifications as page
        where page.tenant_id = $1
            and page.incident_id = incoming.incident_id
            and page.channel = incoming.channel
            and page.recipient = incoming.recipient
            and page.state = 'waiting'
            and page.kind = 'page'
            and page.lease_until is null
    )
on conflict (tenant_id, dedup_key) do nothing
