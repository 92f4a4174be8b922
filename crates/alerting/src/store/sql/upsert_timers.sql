insert into alerting.timers as known (tenant_id, incident_id, kind, due_at)
select $1, incident_id, kind, alerting.from_micros(due_at_us)
from jsonb_to_recordset($2::jsonb) as wanted (
    incident_id uuid, kind text, due_at_us bigint, keeps_earlier boolean
)
where due_at_us is not null and not keeps_earlier
union all
select $1, wanted.incident_id, wanted.kind, alerting.from_micros(wanted.due_at_us)
from jsonb_to_recordset($2::jsonb) as wanted (
    incident_id uuid, kind text, due_at_us bigint, keeps_earlier boolean
)
where wanted.due_at_us is not null
    and wanted.keeps_earlier
    and not exists (
        select from alerting.timers as earlier
        where earlier.tenant_id = $1
            and earlier.incident_id = wanted.incident_id
            and earlier.kind = wanted.kind
    )
on conflict (tenant_id, incident_id, kind) do update set due_at = excluded.due_at
