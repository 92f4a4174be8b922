select model_version, recommendation.to_micros(trained_at) as "trained_at_us!", promoted,
    product_count, customer_count, interaction_count, size_bytes, checksum_sha256,
    pinned, state as decided, state_reason, recommendation.to_micros(promoted_at) as promoted_at_us,
    ndcg, card as "card: Json<ModelCard>"
from recommendation.models
where tenant_id = $1
    and ($2::text is null or model_version < $2)
    and ($4::text is null or model_version = $4)
order by model_version desc
limit $3
