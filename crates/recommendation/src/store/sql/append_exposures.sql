insert into recommendation.exposures (
    tenant_id, recommendation_id, subject, placement, experiment_id, arm, model_version, shown_at,
    exploration, fixed_places, shown_positions, propensities, product_ids, pool_product_ids,
    pool_scores, pool_relevances, pool_repeats
)
select
    $1, recommendation_id, subject, placement, experiment_id, arm, model_version,
    recommendation.from_micros(shown_at_us), exploration, fixed_places, shown_positions,
    propensities, product_ids, pool_product_ids, pool_scores, pool_relevances, pool_repeats
from jsonb_to_recordset($2::jsonb) as incoming (
    recommendation_id text, subject text, placement text, experiment_id text, arm text,
    model_version text, shown_at_us bigint, exploration double precision, fixed_places integer[],
    shown_positions integer[], propensities double precision[], product_ids text[],
    pool_product_ids text[], pool_scores double precision[], pool_relevances double precision[],
    pool_repeats boolean[]
)
-- An answer that waited here while its customer was erased is not written after all.
where not exists (
    select 1 from recommendation.erasures as erasure
    where erasure.tenant_id = $1
        and erasure.customer_hash = sha256(convert_to($1 || '/' || incoming.subject, 'UTF8'))
        and erasure.erased_at >= recommendation.from_micros(incoming.shown_at_us)
)
order by recommendation_id
on conflict (tenant_id, recommendation_id) do nothing
