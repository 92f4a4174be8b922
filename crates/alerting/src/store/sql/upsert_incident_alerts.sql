insert into alerting.incident_alerts (tenant_id, incident_id, fingerprint, is_firing, is_hidden)
select $1, incident_id, fingerprint, is_firing, is_hidden
from jsonb_to_recordset($2::jsonb) as incoming (
    incident_id uuid, fingerprint bigint, is_firing boolean, is_hidden boolean
)
on conflict (tenant_id, incident_id, fingerprint) do update set
    is_firing = excluded.is_firing,
    is_hidden = excluded.is_hidden
