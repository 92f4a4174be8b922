insert into alerting.timeline (tenant_id, incident_id, sequence, at, kind, actor, text, hash)
select $1, incident_id, sequence, alerting.from_micros(at_us), kind, actor, text, decode(hash_hex, 'hex')
from jsonb_to_recordset($2::jsonb) as incoming (
    incident_id uuid, sequence integer, at_us bigint, kind text, actor text, text text, hash_hex text
)
