update alerting.notifications as leased
set
    lease_until = alerting.from_micros($4),
    lease_owner = $5,
    attempts = leased.attempts + 1
from (
    select tenant_id, notification_id
    from alerting.notifications
    where tenant_id = $1
        and channel = $2
        and state = 'waiting'
        and next_at <= alerting.from_micros($3)
        and (lease_until is null or lease_until < alerting.from_micros($3))
    order by kind = 'page' desc, created_at
    limit $6
    for update skip locked
) as free
where leased.tenant_id = free.tenant_id and leased.notification_id = free.notification_id
returning
    leased.notification_id, leased.incident_id, leased.channel, leased.recipient,
    leased.kind, leased.severity, leased.dedup_key, leased.attempts,
    alerting.to_micros(leased.created_at) as "created_at_us!",
    alerting.to_micros(leased.expires_at) as "expires_at_us!"
