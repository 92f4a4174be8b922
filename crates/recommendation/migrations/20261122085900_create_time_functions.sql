-- Instants cross into the program as microseconds since 1970 in UTC, exactly: these two
-- functions are the only place where the two forms meet.

create function recommendation.to_micros(instant timestamptz) returns bigint
    language sql immutable strict parallel safe
    return (extract(epoch from instant) * 1000000)::bigint;

create function recommendation.from_micros(micros bigint) returns timestamptz
    language sql immutable strict parallel safe
    return to_timestamp(micros / 1000000) + (micros % 1000000) * interval '1 microsecond';
