-- The audit log of each tenant: only ever added to, each event chained to the one before by a hash that the database
-- computes, so that a change of any of them shows. The hash is SHA-256 over the hash of the event before (none for the
-- first) and the event's fields as netstrings, "<length in bytes>:<text>,", in the order of `chain_audit_event`.

CREATE TABLE identity.audit_events (
    tenant_id text NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    at_micros bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    address text NOT NULL,
    outcome text NOT NULL,
    correlation_id text NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_events_pkey PRIMARY KEY (tenant_id, sequence),
    CONSTRAINT audit_events_are_kept_once UNIQUE (tenant_id, event_id)
);

CREATE FUNCTION identity.netstring(value text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT convert_to(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', 'UTF8') $$;

-- One event of a tenant at a time; under READ COMMITTED the look at the last one sees whatever was committed before
-- the lock was had.
CREATE FUNCTION identity.chain_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('larder audit log of ' || NEW.tenant_id, 0));
    SELECT sequence, hash INTO before FROM identity.audit_events
     WHERE tenant_id = NEW.tenant_id ORDER BY sequence DESC LIMIT 1;
    NEW.sequence := coalesce(before.sequence, 0) + 1;
    NEW.hash := sha256(coalesce(before.hash, ''::bytea)
        || identity.netstring(NEW.tenant_id) || identity.netstring(NEW.sequence::text)
        || identity.netstring(NEW.event_id::text) || identity.netstring(NEW.at_micros::text)
        || identity.netstring(NEW.actor) || identity.netstring(NEW.action) || identity.netstring(NEW.target)
        || identity.netstring(NEW.address) || identity.netstring(NEW.outcome)
        || identity.netstring(NEW.correlation_id));
    RETURN NEW;
END $$;

CREATE FUNCTION identity.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_events_are_chained BEFORE INSERT ON identity.audit_events
    FOR EACH ROW EXECUTE FUNCTION identity.chain_audit_event();
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON identity.audit_events
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_change();
CREATE TRIGGER audit_events_stay_together BEFORE TRUNCATE ON identity.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION identity.refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON identity.audit_events FROM identity_app, identity_worker;

ALTER TABLE identity.audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.audit_events FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_events_of_one_tenant ON identity.audit_events TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
