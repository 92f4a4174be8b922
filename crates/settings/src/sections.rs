//! How a section of settings is declared. `section!` writes, from one line a setting, the public
//! struct, its defaults and its catalogue entry, so that the text an operator reads, the value a
//! service gets and the range that is checked cannot drift apart.

pub(crate) mod alerting;
pub(crate) mod backup;
pub(crate) mod cache;
pub(crate) mod connectors;
pub(crate) mod database;
pub(crate) mod flags;
pub(crate) mod gateway;
pub(crate) mod identity;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod privacy;
pub(crate) mod quotas;
pub(crate) mod recommendation;
pub(crate) mod redis;
pub(crate) mod resilience;
pub(crate) mod telemetry;
pub(crate) mod tls;

use std::net::{Ipv4Addr, SocketAddr};

use crate::kind::Kind;

/// One setting as the catalogue has it.
pub(crate) struct Setting {
    /// Its name with its section, as in `gateway.listen_address`.
    pub(crate) key: &'static str,
    /// What it is for, as an operator should read it.
    pub(crate) about: &'static str,
    /// Which values are accepted.
    pub(crate) kind: Kind,
}

/// Declares a section: `field ("key", "serde module"): type = default, accepted values;` with
/// the part in brackets only where the key is not the field's name or serde needs help.
macro_rules! section {
    (
        $(#[doc = $section_doc:literal])+
        $name:ident = $section:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident $(($key:literal, $with:literal))?: $type:ty = $default:expr, $kind:expr;
            )+
        }
    ) => {
        $(#[doc = $section_doc])+
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[serde($(rename = $key, with = $with)?)]
                pub $field: $type,
            )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            pub(crate) const SECTION: $crate::sections::Section = $crate::sections::Section {
                about: concat!($($section_doc),+),
                settings: &[$(
                    $crate::sections::Setting {
                        key: $crate::sections::section!(@key $section, $field $($key)?),
                        about: concat!($($doc),+),
                        kind: $kind,
                    },
                )+],
            };
        }
    };
    (@key $section:literal, $field:ident) => { concat!($section, ".", stringify!($field)) };
    (@key $section:literal, $field:ident $key:literal) => { concat!($section, ".", $key) };
}
pub(crate) use section;

/// A section as the catalogue has it.
pub(crate) struct Section {
    /// What the section is for.
    pub(crate) about: &'static str,
    /// Its settings, in the order they are shown.
    pub(crate) settings: &'static [Setting],
}

fn localhost(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
