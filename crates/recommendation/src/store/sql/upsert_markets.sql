insert into recommendation.markets (
    tenant_id, market_id, name, time_zone, country, subdivision, latitude, longitude, opens_at_minute,
    closes_at_minute, weekdays, usual_visitors, van_volume_l, van_weight_kg, currency, square_location_id,
    event_calendar_urls
)
select
    $1, market_id, name, time_zone, country, subdivision, latitude, longitude, opens_at_minute,
    closes_at_minute, array(select jsonb_array_elements_text(weekdays)::smallint), usual_visitors, van_volume_l,
    van_weight_kg, currency, square_location_id, array(select jsonb_array_elements_text(event_calendar_urls))
from jsonb_to_recordset($2::jsonb) as incoming (
    market_id text, name text, time_zone text, country text, subdivision text, latitude double precision,
    longitude double precision, opens_at_minute smallint, closes_at_minute smallint, weekdays jsonb,
    usual_visitors integer, van_volume_l double precision, van_weight_kg double precision, currency text,
    square_location_id text, event_calendar_urls jsonb
)
order by market_id
on conflict (tenant_id, market_id) do update set
    name = excluded.name,
    time_zone = excluded.time_zone,
    country = excluded.country,
    subdivision = excluded.subdivision,
    latitude = excluded.latitude,
    longitude = excluded.longitude,
    opens_at_minute = excluded.opens_at_minute,
    closes_at_minute = excluded.closes_at_minute,
    weekdays = excluded.weekdays,
    usual_visitors = excluded.usual_visitors,
    van_volume_l = excluded.van_volume_l,
    van_weight_kg = excluded.van_weight_kg,
    currency = excluded.currency,
    square_location_id = excluded.square_location_id,
    event_calendar_urls = excluded.event_calendar_urls,
    updated_at = now(),
    deleted_at = null
