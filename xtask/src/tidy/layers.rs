//! Which part of a service may speak of what: SQL belongs on its shelves, wire types stay
//! at the porch, and an answer is made without the database.

use super::{Complaint, SourceFile};

/// One absence: below `folder`, `word` stands nowhere but in the `except`ed places.
struct Absence {
    folder: &'static str,
    word: &'static str,
    except: &'static [&'static str],
    reason: &'static str,
}

const ABSENCES: [Absence; 9] = [
    Absence {
        folder: "crates/alerting/src",
        word: "sqlx::query",
        // The health check asks whether the database is there at all.
        except: &["crates/alerting/src/store", "crates/alerting/src/health.rs"],
        reason: "SQL belongs in store/",
    },
    Absence {
        folder: "crates/alerting/src/store",
        word: "larder_proto",
        except: &[],
        reason: "wire types stay at the porch",
    },
    Absence {
        folder: "crates/alerting/src/jobs",
        word: "larder_proto",
        except: &[],
        reason: "wire types stay at the porch",
    },
    Absence {
        folder: "crates/recommendation/src",
        word: "sqlx::query",
        // The health check asks whether the database is there at all.
        except: &["crates/recommendation/src/store", "crates/recommendation/src/health.rs"],
        reason: "SQL belongs in store/",
    },
    Absence {
        folder: "crates/gateway/src",
        word: "sqlx::query",
        except: &["crates/gateway/src/store"],
        reason: "SQL belongs in store/",
    },
    Absence {
        folder: "crates/gateway/src",
        word: "larder_proto::larder",
        // The identity service, which the gateway runs in its own process.
        except: &["crates/gateway/src/accounts"],
        reason: "the gateway knows descriptors and no message",
    },
    Absence {
        folder: "crates/recommendation/src/store",
        word: "larder_proto",
        except: &[],
        reason: "wire types stay at the porch",
    },
    Absence {
        folder: "crates/recommendation/src/jobs",
        word: "larder_proto",
        except: &[],
        reason: "wire types stay at the porch",
    },
    Absence {
        folder: "crates/recommendation/src/recommend.rs",
        word: "sqlx",
        except: &[],
        reason: "an answer is made from memory",
    },
];

pub(super) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs")) {
        let Some(text) = &file.text else { continue };
        for absence in ABSENCES.iter().filter(|absence| absence.covers(file)) {
            let Absence { word, reason, .. } = absence;
            for (number, _) in text.lines().enumerate().filter(|(_, line)| line.contains(word)) {
                complaints.push(Complaint::at(&file.path, number + 1, format_args!("`{word}`: {reason}")));
            }
        }
    }
    complaints
}

impl Absence {
    fn covers(&self, file: &SourceFile) -> bool {
        let without_extension = file.path.with_extension("");
        let excepted = self
            .except
            .iter()
            .any(|place| file.path.starts_with(place) || without_extension.ends_with(place));
        file.path.starts_with(self.folder) && !excepted
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn sql_outside_the_shelves_is_named() {
        let text = "//! Something.\nlet row = sqlx::query!(\"select 1\");\n";
        let complaints = check(&[
            source("crates/recommendation/src/store/products.rs", text),
            source("crates/recommendation/src/store.rs", text),
            source("crates/recommendation/src/health.rs", text),
            source("crates/recommendation/src/record.rs", text),
            source("crates/recommendation/tests/it/isolation.rs", text),
        ]);
        let texts: Vec<&str> = complaints.iter().map(|Complaint(text)| text.as_str()).collect();
        assert_eq!(texts, ["crates/recommendation/src/record.rs:2: `sqlx::query`: SQL belongs in store/"]);
    }

    #[test]
    fn an_answer_that_asks_the_database_is_named() {
        let complaints = check(&[source("crates/recommendation/src/recommend.rs", "use sqlx::PgPool;\n")]);
        assert_eq!(complaints.len(), 1);
    }
}
