select
    fingerprint,
    labels as "labels: Json<Labels>",
    annotations as "annotations: Json<BTreeMap<String, String>>",
    resolved_at is null as "is_firing!",
    revision,
    inhibits
from alerting.alerts
where tenant_id = $1 and is_pending
order by updated_at
limit $2
