-- What each tenant used in each month, as all gateways counted it together, and the plan that limits it.

ALTER TABLE identity.tenants ADD COLUMN plan text
    CONSTRAINT tenants_plan_is_a_name CHECK (plan ~ '^[a-z0-9][a-z0-9-]{0,62}$');

CREATE TABLE identity.usage (
    tenant_id text NOT NULL,
    month date NOT NULL CONSTRAINT usage_month_begins_on_the_first CHECK (extract(day FROM month) = 1),
    requests bigint NOT NULL,
    received_bytes bigint NOT NULL,
    sent_bytes bigint NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_pkey PRIMARY KEY (tenant_id, month),
    CONSTRAINT usage_is_never_negative CHECK (requests >= 0 AND received_bytes >= 0 AND sent_bytes >= 0)
);

ALTER TABLE identity.usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.usage FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_of_one_tenant ON identity.usage FOR SELECT TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true));
CREATE POLICY usage_counted_by_gateways ON identity.usage TO identity_worker
    USING (true) WITH CHECK (true);
