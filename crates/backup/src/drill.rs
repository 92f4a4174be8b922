//! Drills: a backup is restored into a throw-away cluster and checked there.
