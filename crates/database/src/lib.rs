//! Everything Larder does with PostgreSQL before a query is written: where the server is, who may
//! log in, migrations, pools, tenant-scoped transactions and the private cluster of the embedded
//! default. No table of any service is known here, and no other database is spoken to.

mod bootstrap;
mod error;
mod migrate;
mod pool;
mod private;
mod roles;
mod scram;
mod server;
mod tenant;

pub use bootstrap::bootstrap;
pub use error::{DatabaseError, constraint, is_unavailable};
pub use migrate::migrate;
pub use pool::connect;
pub use private::binaries::{Binaries, SUPPORTED_VERSIONS, Wanted, find_binaries, find_programs};
pub use private::place::server_account;
pub use private::{PrivateCluster, PrivateClusterSettings};
pub use roles::{BACKUP_ROLE, Role, SCHEMAS, role_name};
pub use server::{DEFAULT_DATABASE, Server};
pub use tenant::{begin_tenant, begin_tenant_read_only};
