select
    fingerprint,
    annotations as "annotations: Json<BTreeMap<String, String>>",
    alerting.to_micros(starts_at) as "starts_at_us!",
    alerting.to_micros(resolved_at) as resolved_at_us,
    alerting.to_micros(expires_at) as expires_at_us,
    alerting.to_micros(lost_at) as lost_at_us,
    alerting.to_micros(resolve_held_at) as resolve_held_at_us,
    alerting.to_micros(updated_at) as "updated_at_us!",
    revision,
    is_pending,
    flaps as "flaps: Json<FlapScore>",
    alerting.to_micros(damped_until) as damped_until_us
from alerting.alerts
where tenant_id = $1 and fingerprint = any($2)
