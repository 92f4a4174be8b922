select
    exposure.recommendation_id, exposure.subject,
    recommendation.to_micros(exposure.shown_at) as "shown_at_us!",
    exposure.exploration, exposure.fixed_places, exposure.shown_positions,
    exposure.pool_product_ids, exposure.pool_relevances, exposure.pool_repeats,
    coalesce(outcomes.product_ids, '{}') as "outcome_product_ids!"
from recommendation.exposures as exposure
left join lateral (
    select array_agg(outcome.product_id order by outcome.event_id) as product_ids
    from recommendation.interactions as outcome
    where outcome.tenant_id = exposure.tenant_id
        and outcome.recommendation_id = exposure.recommendation_id
        and outcome.product_id = any (exposure.product_ids)
        and outcome.kind = $3
        and outcome.occurred_at <= exposure.shown_at + $4 * interval '1 hour'
) as outcomes on true
where exposure.tenant_id = $1
    and exposure.placement = $2
    and exposure.exploration > 0
    and exposure.shown_at > recommendation.from_micros($5)
    and exposure.shown_at < recommendation.from_micros($6)
order by exposure.shown_at desc, exposure.recommendation_id desc
limit $7
