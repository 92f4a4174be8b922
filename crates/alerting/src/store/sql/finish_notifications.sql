update alerting.notifications as known
set
    state = ended.state,
    next_at = coalesce(alerting.from_micros(ended.next_at_us), known.next_at),
    finished_at = case when ended.state <> 'waiting' then alerting.from_micros($4) end,
    lease_until = null,
    lease_owner = null,
    last_error = ended.last_error,
    attempts = case when ended.uncounted then known.attempts - 1 else known.attempts end
from jsonb_to_recordset($2::jsonb) as ended (
    notification_id uuid, attempts integer, state text, next_at_us bigint, last_error text,
    uncounted boolean
)
where known.tenant_id = $1
    and known.notification_id = ended.notification_id
    and known.attempts = ended.attempts
    and known.lease_owner = $3
    and known.state = 'waiting'
returning known.notification_id
