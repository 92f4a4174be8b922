select
    market_id, name, time_zone, country, subdivision, latitude, longitude, opens_at_minute, closes_at_minute,
    weekdays, usual_visitors, van_volume_l, van_weight_kg, currency, square_location_id, event_calendar_urls,
    recommendation.to_micros(created_at) as "created_at_us!",
    recommendation.to_micros(updated_at) as "updated_at_us!"
from recommendation.markets
where tenant_id = $1
    and deleted_at is null
    and market_id > $2
    and ($3::text[] is null or market_id = any($3))
order by market_id
limit $4
