delete from alerting.timers as known
using jsonb_to_recordset($2::jsonb) as gone (incident_id uuid, kind text, due_at_us bigint)
where known.tenant_id = $1
    and known.incident_id = gone.incident_id
    and known.kind = gone.kind
    and gone.due_at_us is null
