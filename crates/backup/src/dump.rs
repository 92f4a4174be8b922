//! Dumps: one database as `pg_dump` writes it, for single tables and for moves between major versions.
//! They go through the same pipeline to the same targets as copies of the cluster, and one exists when
//! its manifest does. A dump counts only once `pg_restore` has read it to its end.

mod create;
mod facts;
mod load;
mod manifest;
mod new_database;
mod pack;
mod read;
mod selection;
mod shelf;

pub use create::{CreatedDump, DumpRequest, create_dump};
pub(crate) use facts::databases;
pub use load::{LoadPlace, LoadRequest, Loaded, load_dump};
pub(crate) use load::{load_stream, refuse_place};
pub use manifest::{DumpManifest, DumpObject, DumpServer, DumpedTable, Locale};
pub use read::{DumpPart, read_dump};
pub use selection::{RefusedTable, TableName};
pub use shelf::{DumpListing, StoredDump};
