select
    import_id, kind, file_name, part_count,
    coalesce((
        select sum(length(content))
        from recommendation.import_parts as parts
        where parts.tenant_id = imports.tenant_id and parts.import_id = imports.import_id
    ), 0)::bigint as "size_bytes!",
    answers as "answers: Json<Answers>",
    run as "run: Json<Run>",
    recommendation.to_micros(created_at) as "created_at_us!",
    recommendation.to_micros(committed_at) as committed_at_us,
    recommendation.to_micros(undone_at) as undone_at_us,
    kept_count
from recommendation.imports
where tenant_id = $1
    and ($2::text is null or import_id = $2)
order by created_at desc
limit 100
