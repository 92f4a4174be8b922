with answers as (
    select arm, subject, count(outcome.event_id) as outcomes, exposure.recommendation_id
    from recommendation.exposures as exposure
    left join recommendation.interactions as outcome
        on outcome.tenant_id = exposure.tenant_id
        and outcome.recommendation_id = exposure.recommendation_id
        and outcome.product_id = any (exposure.product_ids)
        and outcome.kind = $3
        and outcome.occurred_at <= exposure.shown_at + $4 * interval '1 hour'
    where exposure.tenant_id = $1 and exposure.experiment_id = $2
    group by arm, subject, exposure.recommendation_id
),
customers as (
    select arm, subject, count(*) as exposures, sum(outcomes) as outcomes
    from answers
    group by arm, subject
)
select
    arm as "arm!",
    count(*) as "customer_count!",
    sum(exposures)::bigint as "exposure_count!",
    sum(outcomes)::bigint as "outcome_count!",
    count(*) filter (where outcomes > 0) as "converted_count!",
    sum(outcomes::double precision * outcomes::double precision) as "squared_outcomes!"
from customers
group by arm
