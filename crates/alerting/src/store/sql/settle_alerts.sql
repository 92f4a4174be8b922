update alerting.alerts as known
set
    is_pending = false,
    silence_ids = array(select jsonb_array_elements_text(settled.silence_ids)),
    is_inhibited = settled.is_inhibited
from jsonb_to_recordset($2::jsonb) as settled (
    fingerprint bigint, revision bigint, silence_ids jsonb, is_inhibited boolean
)
where known.tenant_id = $1
    and known.fingerprint = settled.fingerprint
    and known.revision = settled.revision
