select
    count(*) as "incident_count!",
    count(acknowledged_at) as "acknowledged_count!",
    count(resolved_at) as "resolved_count!",
    coalesce(extract(epoch from avg(acknowledged_at - opened_at)), 0)::double precision
        as "mean_to_acknowledge_s!",
    coalesce(extract(epoch from percentile_cont(0.5) within group (
        order by acknowledged_at - opened_at
    )), 0)::double precision as "median_to_acknowledge_s!",
    coalesce(extract(epoch from avg(resolved_at - opened_at)), 0)::double precision as "mean_to_resolve_s!",
    coalesce(extract(epoch from percentile_cont(0.5) within group (
        order by resolved_at - opened_at
    )), 0)::double precision as "median_to_resolve_s!"
from alerting.incidents
where tenant_id = $1
    and opened_at >= alerting.from_micros($2)
    and opened_at < alerting.from_micros($3)
