select held_on - date '1970-01-01' as "held_on_day!", market_id, plan
from recommendation.market_plans
where tenant_id = $1
    and ($2::text is null or market_id = $2)
    and ($3::integer is null or held_on >= date '1970-01-01' + $3::integer)
    and ($4::integer is null or held_on <= date '1970-01-01' + $4::integer)
    and (
        $5::integer is null
        or held_on < date '1970-01-01' + $5::integer
        or (held_on = date '1970-01-01' + $5::integer and market_id > $6::text)
    )
order by held_on desc, market_id
limit $7
