select due.tenant_id, due.channel
from alerting.notifications as due
left join alerting.channel_states as states
    on states.tenant_id = due.tenant_id and states.channel = due.channel
where due.state = 'waiting'
    and due.next_at <= alerting.from_micros($1)
    and (due.lease_until is null or due.lease_until < alerting.from_micros($1))
    and (states.paused_until is null or states.paused_until <= alerting.from_micros($1))
group by due.tenant_id, due.channel
order by min(due.next_at)
limit 500
