select
    fingerprint,
    labels as "labels: Json<Labels>",
    annotations as "annotations: Json<BTreeMap<String, String>>",
    generator_url,
    source,
    alerting.to_micros(starts_at) as "starts_at_us!",
    alerting.to_micros(resolved_at) as resolved_at_us,
    alerting.to_micros(expires_at) as expires_at_us,
    alerting.to_micros(lost_at) as lost_at_us,
    alerting.to_micros(updated_at) as "updated_at_us!",
    damped_until is not null as "is_flapping!",
    silence_ids,
    is_inhibited
from alerting.alerts
where tenant_id = $1
    and ($2::bigint is null or fingerprint > $2)
    and (resolved_at is not null) = $3
    and ($4::boolean is null or (lost_at is not null) = $4)
order by fingerprint
limit $5
