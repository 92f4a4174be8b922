update alerting.notifications as older
set state = 'collapsed', finished_at = alerting.from_micros($3)
from jsonb_to_recordset($2::jsonb) as newer (
    incident_id uuid, channel text, recipient text, kind text, dedup_key text
)
where older.tenant_id = $1
    and older.state = 'waiting'
    and older.incident_id = newer.incident_id
    and older.channel = newer.channel
    and older.recipient = newer.recipient
    and older.dedup_key <> newer.dedup_key
    -- A page that waits tells the newest state by itself, and must stay a page.
    and (older.kind <> 'page' or newer.kind = 'page')
    -- What is on its way cannot be called back.
    and (older.lease_until is null or older.lease_until < alerting.from_micros($3))
