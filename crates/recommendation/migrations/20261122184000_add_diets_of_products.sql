-- What a product is known to suit, and whether the list of its allergens is complete. Unless
-- somebody says so it is not: an allergen that is not listed is then unknown.

alter table recommendation.products
    add column allergens_complete boolean not null default false,
    add column diets text[] not null default '{}';
