select
    fingerprint,
    labels as "labels: Json<Labels>",
    annotations as "annotations: Json<BTreeMap<String, String>>",
    -- What comes and goes counts as firing until it has been calm.
    (resolved_at is null or damped_until is not null) as "is_firing!",
    damped_until is not null as "is_flapping!",
    revision,
    inhibits
from alerting.alerts
where tenant_id = $1 and is_pending
order by updated_at
limit $2
