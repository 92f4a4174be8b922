//! The names of schemas and roles. Each owner of data has one schema and three roles, so that a
//! service can neither change its own tables nor look into another service's.

/// The schemas of the database `larder`, one for each service that keeps data.
pub const SCHEMAS: [&str; 4] = ["identity", "recommendation", "backup", "alerting"];

/// The role that copies the database: it may replicate and read everything, and write nothing.
pub const BACKUP_ROLE: &str = "larder_backup";

/// What a connection is for; each schema has one login role for each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Owns the schema and runs its migrations.
    Owner,
    /// The service answering requests: row-level security shows it one tenant at a time.
    App,
    /// Trainers, outboxes and schedulers: sees all tenants, by explicit policies only.
    Worker,
}

impl Role {
    /// Every role of a schema.
    pub const ALL: [Role; 3] = [Role::Owner, Role::App, Role::Worker];

    fn suffix(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::App => "app",
            Role::Worker => "worker",
        }
    }
}

/// Returns the name that `role` of `schema` logs in with, such as `recommendation_app`.
pub fn role_name(schema: &str, role: Role) -> String {
    format!("{schema}_{}", role.suffix())
}

/// Writes `name` as a quoted SQL identifier.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes `text` as a quoted SQL string; safe while `standard_conforming_strings` is on, as it is
/// since PostgreSQL 9.1.
pub(crate) fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_names_say_schema_and_purpose() {
        assert_eq!(role_name("recommendation", Role::App), "recommendation_app");
        assert_eq!(role_name("identity", Role::Owner), "identity_owner");
    }

    #[test]
    fn quoting_leaves_no_way_out() {
        assert_eq!(quote_identifier("a\"; drop"), "\"a\"\"; drop\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
    }
}
