-- Each model's place is that of its last promotion that was no roll back; models from before
-- promotions were written down come first, by their age.
with places as (
    select model_version, checksum_sha256, promoted, (
        select coalesce(max(promotion_number), 0)
        from recommendation.model_promotions promotions
        where promotions.tenant_id = models.tenant_id
            and promotions.model_version = models.model_version
            and cause <> 'rolled_back'
    ) as place
    from recommendation.models models
    where tenant_id = $1 and (promoted or promoted_at is not null or state = 'promoted')
)
select earlier.model_version, earlier.checksum_sha256
from places earlier
join places present on present.promoted
where (earlier.place, earlier.model_version) < (present.place, present.model_version)
order by earlier.place desc, earlier.model_version desc
