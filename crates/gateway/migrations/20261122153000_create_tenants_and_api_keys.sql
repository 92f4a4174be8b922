-- Tenants and the API keys of their programs. A key is found by its prefix before its tenant is known, so the
-- worker may read every tenant's keys and note when they were used; the service sees one tenant at a time.

CREATE TABLE identity.tenants (
    tenant_id text CONSTRAINT tenants_pkey PRIMARY KEY
        CONSTRAINT tenants_id_is_a_slug CHECK (tenant_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE identity.api_keys (
    tenant_id text NOT NULL CONSTRAINT api_keys_tenant_exists REFERENCES identity.tenants (tenant_id),
    key_id uuid NOT NULL,
    prefix text NOT NULL CONSTRAINT api_keys_prefix_is_unique UNIQUE
        CONSTRAINT api_keys_prefix_is_base62 CHECK (prefix ~ '^[0-9A-Za-z]{8}$'),
    hash bytea NOT NULL CONSTRAINT api_keys_hash_is_sha256 CHECK (octet_length(hash) = 32),
    scopes text NOT NULL,
    name text NOT NULL CONSTRAINT api_keys_name_is_short CHECK (char_length(name) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, key_id)
);

ALTER TABLE identity.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants_of_one_tenant ON identity.tenants TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));

ALTER TABLE identity.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY api_keys_of_one_tenant ON identity.api_keys TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
CREATE POLICY api_keys_found_by_prefix ON identity.api_keys FOR SELECT TO identity_worker
    USING (true);
CREATE POLICY api_keys_noted_as_used ON identity.api_keys FOR UPDATE TO identity_worker
    USING (true) WITH CHECK (true);
